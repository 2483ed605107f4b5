"""Label spreading: labels run along the graph of nearest neighbours."""
