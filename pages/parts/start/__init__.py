"""Parts of Start and the guided tour."""
