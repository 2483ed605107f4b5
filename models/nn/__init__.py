"""Networks and distributions that several methods are built of."""
