"""One dense layer on a frozen pretrained network."""
