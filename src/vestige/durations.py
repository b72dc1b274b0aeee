"""A time as people read it."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """`42 s`, `7 min`, `2 h 5 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
