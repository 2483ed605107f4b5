"""FixMatch: what a classifier is sure of under a weak change it is to say under a strong one."""
