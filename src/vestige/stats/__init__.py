"""Checkpoint × view → one per-token table, from one forward pass."""
