"""The methods: a folder each (card.py, model.py), and what several of them share."""
