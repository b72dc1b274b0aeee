"""What it takes to have a view, and how views are found and named."""

from __future__ import annotations

from collections.abc import Mapping

from vestige.attacks.assumes import Assumes
from vestige.errors import DataError
from vestige.forms import PLAIN, Behind, Masked
from vestige.records import TokenStats, View


def in_words(view: View) -> str:
    """`view target/plain`."""
    return f"view {view.model}/{view.form.name}"


def found(view: View, views: Mapping[View, TokenStats]) -> TokenStats:
    """One of the views; DataError, naming those that there are, where it was not collected."""
    if view not in views:
        there = ", ".join(map(in_words, views))
        raise DataError(f"{in_words(view)} is missing: it must be collected first; there are {there}")
    return views[view]


def is_behind_members(view: View) -> bool:
    """Whether known members of the cell come before every text."""
    return isinstance(view.form, Behind) and view.form.whose == "members"


def is_rewritten(view: View) -> bool:
    """Whether a form of the text takes the text itself, and not its tokens with others in front of them."""
    return view.form != PLAIN and not isinstance(view.form, Behind)


def view_assumes(view: View) -> Assumes:
    """What a view takes of an attacker, passes left out."""
    return Assumes(
        texts=is_rewritten(view),
        reference_model=view.model != "target",
        population=view.model == "shadow" or isinstance(view.form, Behind),
        shadow_models=view.model == "shadow",
        known_members=is_behind_members(view),
        passes=0,
    )


def passes_of(view: View) -> int:
    """Forward passes over a text that a view takes: a masked language model that rewrites it makes one too."""
    return 2 if isinstance(view.form, Masked) else 1
