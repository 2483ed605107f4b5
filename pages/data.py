"""Data: a data set, its classes, and which of its images keep their labels."""

from pages.parts import frame

frame.open("Data", icon=":material/image:")
