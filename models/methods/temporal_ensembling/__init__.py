"""Temporal ensembling: what a classifier said in earlier epochs teaches it."""
