"""Base + method → checkpoints along the training."""
