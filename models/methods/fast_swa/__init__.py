"""fast-SWA: the Π-model, evaluated by the equal average of its weights along cycles of the learning rate."""
