"""M1: a VAE on all images, and an SVM that reads the class from its code."""
