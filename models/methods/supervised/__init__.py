"""Labels only: the baseline that every method is shown against."""
