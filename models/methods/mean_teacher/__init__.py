"""Mean Teacher: the averaged weights of a classifier teach it."""
