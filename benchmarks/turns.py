"""What the benchmarks of scoring passes share: the texts, and passes timed in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from vestige.data.case_notes import case_notes
from vestige.records import Example

TURNS = 3
NOTES_PER_TEXT = 4


def joined_notes(count: int, *, seed: int = 0) -> list[Example]:
    """Case notes without their prompts, some joined to one text, so that each fills the length it is cut to."""
    notes = [note.notes[0] for note in case_notes(NOTES_PER_TEXT * count, seed=seed)]
    starts = range(0, len(notes), NOTES_PER_TEXT)
    return [Example(str(start), "", "".join(notes[start : start + NOTES_PER_TEXT])) for start in starts]


def fastest(passes: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds of the fastest turn of each pass, in turns after one that warms up: a busy machine disturbs their ratio
    little.
    """
    best = dict.fromkeys(passes, float("inf"))
    for turn in range(TURNS + 1):
        for name, run in passes.items():
            began = time.perf_counter()
            run()
            if turn:
                best[name] = min(best[name], time.perf_counter() - began)
    return best
