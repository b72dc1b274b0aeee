"""Attacks: views of a text by models → one score per text, higher = more likely a member. They never see a model."""

from vestige.attacks.base import Attack, Column, Tables
from vestige.attacks.registry import discover, make_attack

__all__ = ["Attack", "Column", "Tables", "discover", "make_attack"]
