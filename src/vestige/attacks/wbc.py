"""The window-based comparison: in how many stretches of the text the target beats the base."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, ClassVar, Literal, final

import numpy as np
from pydantic import AfterValidator, Field

from vestige.attacks.base import BASE_LOGP, TARGET_LOGP, ComparingAttack, Needs, Tables, as_scores
from vestige.attacks.ragged import Ragged
from vestige.records import Floats, Scores


def _ascending(windows: tuple[int, ...]) -> tuple[int, ...]:
    if not all(one < next_one for one, next_one in pairwise(windows)):
        raise ValueError("window lengths must ascend, each given once")
    return windows


Window = Annotated[int, Field(ge=1, le=1024)]
# TOML and JSON know no tuples, so that a list is taken too.
Windows = Annotated[tuple[Window, ...], Field(min_length=1, strict=False), AfterValidator(_ascending)]


@final
class WBC(ComparingAttack):
    """Mean over window lengths w of the share of windows that the target finds likelier than the reference does.

    Between 0 and 1. A window is w tokens in a row, or the whole text where that is shorter; it counts where its
    summed δ, the log-probability under the target minus that under the base, is above 0 (a tie does not). Unscorable:
    no scored token (`too_short`). WBC, 2026, arXiv:2601.02751; the window lengths are those of the authors' code,
    which its formula does not give. Each window is summed on its own, not as a difference of running sums, so that a
    tie stays a tie.
    """

    name: Literal["wbc"] = "wbc"
    needs: ClassVar[Needs] = (TARGET_LOGP, BASE_LOGP)
    windows: Windows = (2, 3, 4, 6, 9, 13, 18, 25, 32, 40)

    def score(self, tables: Tables) -> Scores:
        """Mean share of windows above 0, shape (texts,)."""
        gain = tables.read(TARGET_LOGP) - tables.read(self.calibrating(BASE_LOGP))
        values = np.where(gain.finite(), mean_window_share(gain, windows=self.windows), np.nan)
        return as_scores(tables, values, lengths=gain.lengths)


def mean_window_share(gain: Ragged, *, windows: tuple[int, ...]) -> Floats:
    """Mean over `windows` of the share of windows of that many tokens (or of all, where a text has fewer) whose sum is
    above 0, shape (texts,); NaN where a text has no token.
    """
    place = gain.places()
    left = gain.per_token(gain.lengths) - place
    sums = gain.values.copy()  # of the window that begins at a token and ends before the text does
    shares = np.zeros(len(gain.lengths))
    for length in range(1, max(windows) + 1):
        _lengthen(sums, gain.values, fits=left >= length, length=length)
        if length in windows:
            is_window = (left >= length) | (place == 0)
            above = Ragged(values=((sums > 0) & is_window).astype(np.float64), offsets=gain.offsets)
            shares += above.sums() / np.maximum(gain.lengths - length + 1, 1)
    return np.where(gain.lengths > 0, shares / len(windows), np.nan)


def _lengthen(sums: Floats, values: Floats, *, fits: np.ndarray, length: int) -> None:
    """From the sums of `length` − 1 tokens to those of `length`, in place, where the text has as many."""
    further = length - 1
    if 0 < further < len(values):
        with np.errstate(invalid="ignore"):
            np.add(sums[:-further], values[further:], out=sums[:-further], where=fits[:-further])
