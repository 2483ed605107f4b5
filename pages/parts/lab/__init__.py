"""Parts of the page Lab (pages/train.py): what to train, and the maps of runs while they learn."""
