"""CT-GAN: a classifier that also tells images from generated ones, and says the same twice."""
