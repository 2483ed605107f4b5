"""Tables of results: ours, the published ones, and what is missing."""
