"""The training loop, the trainer, checkpoints, and a run's worker."""
