"""Certainty-driven consistency: a student agrees with its teacher where the teacher is certain."""
