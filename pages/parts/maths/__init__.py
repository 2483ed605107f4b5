"""Parts of Equations."""
