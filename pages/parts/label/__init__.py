"""Parts of Label."""
