"""The same runs on a Ray cluster that exists already (FEWLABELS_CLUSTER). Only driver.py imports ray here."""
