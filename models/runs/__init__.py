"""Runs on disk: what defines one, its folder, its split, its exchange."""
