"""Base models in."""
