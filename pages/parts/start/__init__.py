"""Parts of Home and the guided tour."""
