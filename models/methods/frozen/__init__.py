"""Methods on the features of a frozen pretrained network: h(x) in place of x."""
