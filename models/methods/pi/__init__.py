"""Π-model: two views of an image are to be classified alike."""
