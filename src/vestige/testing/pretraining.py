"""Texts to pretrain tiny bases on, which have nothing in common with those of the tiny studies."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

_WORDS = (
    *("river", "stone", "winter", "letter", "garden", "bridge", "candle", "window", "hammer", "feather"),
    *("market", "season", "forest", "shadow", "copper", "needle", "harbour", "thunder", "meadow", "lantern"),
    *("velvet", "marble", "saddle", "orchard", "kettle", "pepper", "ribbon", "anchor", "basket", "cellar"),
)


def unordered_texts(count: int, *, seed: int = 0) -> list[str]:
    """Texts of 30 to 60 of thirty words, in no order."""
    chance = random.Random(seed)
    return [" ".join(chance.choices(_WORDS, k=chance.randint(30, 60))) + "." for _ in range(count)]


def write_texts(path: Path, texts: Sequence[str]) -> Path:
    """A jsonl file of records with the field `text`; returns the path."""
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path
