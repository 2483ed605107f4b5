"""Parts of the pages that look into one run: Latent space, Generate, Draw, Uncertainty."""
