"""The plane: a session of its own for each visitor."""
