"""Parts of Compare and Results."""
