"""What a study is asked to hold true or not: claims about methods, as its file names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, final

Expected = Literal["less", "more", "equivalent", "no less"]
"""What is expected of the difference that a part of a claim looks at: that it is below 0, above 0, within the margin
of 0, or above minus the margin.
"""

_EXPECTED: Final[Mapping[Expected, str]] = {
    "less": "less than",
    "more": "more than",
    "equivalent": "as much as",
    "no less": "no less than",
}


@final
@dataclass(frozen=True)
class Part:
    """One difference of a claim, and what is expected of it.

    * `methods`, `against`: methods by label (`lora`), by name with some settings (`lora(targets=all)`) or by family
      (`parameter`, `prompt`, `hybrid`): the mean over the first minus the mean over the second.
    * `grows_with`: what the methods are followed along instead: `epochs`, from the first attacked checkpoint to the
      last, or `size`, of Φ⁻¹(AUC) per doubling of the base's parameters, by the slope through at least three sizes.
    * `corpora`, `bases`: where it is said to hold, by name (a corpus also by its recipe); everywhere where empty.
    * `against_corpora`: corpora that the methods are held against on `corpora` instead: the mean over these minus that.
    * `quantity`: `leakage` (AUC), or `utility` (what validation loss was gained over the base, nats per token).
    """

    methods: tuple[str, ...]
    expected: Expected
    against: tuple[str, ...] = ()
    grows_with: Literal["", "epochs", "size"] = ""
    corpora: tuple[str, ...] = ()
    against_corpora: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    quantity: Literal["leakage", "utility"] = "leakage"

    @property
    def said(self) -> str:
        """The part in words, `lora leaks more than prompt on webnlg`."""
        subject, where = " and ".join(self.methods), f" on {', '.join(self.corpora)}" if self.corpora else ""
        if self.grows_with:
            along = "of Φ⁻¹(AUC) per doubling of size" if self.grows_with == "size" else "with epochs"
            return f"{subject}: growth {along} {_EXPECTED[self.expected]} 0{where}"
        what = "leak" if self.quantity == "leakage" else "gain"
        than = f"on {', '.join(self.against_corpora)}" if self.against_corpora else " and ".join(self.against)
        return f"{subject}{where}: {what} {_EXPECTED[self.expected]} {than}"


@final
@dataclass(frozen=True)
class Claim:
    """A claim: it holds where all its parts do, and is contradicted where one of them is.

    * `said`: the claim in a sentence.
    * `epoch`: where methods are compared at equal epochs: the last checkpoint up to it; None for the last there is.
    * `attack`: by which AUC; empty for the primary attack.
    * `margin`: what counts as nothing, AUC, or nats per token for utility; along sizes what that AUC is in Φ⁻¹(AUC).
    * `published`: what the source of the claim reports, in words; empty where there is none.
    """

    name: str
    said: str
    parts: tuple[Part, ...]
    epoch: float | None = None
    attack: str = ""
    margin: float = 0.05
    published: str = ""
