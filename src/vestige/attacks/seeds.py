"""Seeds for scikit-learn, which takes 32 bits."""

from __future__ import annotations

from typing import Final

import numpy as np

_BITS: Final = 32


def in_32_bits(seed: int) -> int:
    """A seed of 32 bits: the seed itself where it has no more, else a digest of it, so that larger ones differ too."""
    return seed if seed < 2**_BITS else int(np.random.SeedSequence(seed).generate_state(1)[0])
