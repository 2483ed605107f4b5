"""Sessions in the plane: several methods that learn from the same points before one's eyes."""
