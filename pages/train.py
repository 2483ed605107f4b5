"""Train."""

from pages.parts import frame

frame.open("Train", icon=":material/model_training:")
