"""Parts of Data and Train."""
