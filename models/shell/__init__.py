"""The commands of `python -m models`: their words, what each does, and what it prints."""
