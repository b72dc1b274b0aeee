"""The claims of a study file: `[[claim]]`, and those of published studies by name.

The text below a field is its entry in docs/reference/study-file.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self, final

from pydantic import BeforeValidator, Field, model_validator

from vestige.claims.known import CLAIMS
from vestige.errors import near_misses, printable
from vestige.outcome.claims import Claim, Expected, Part
from vestige.study.sections import Section, one_or_many

_Names = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=200)], ...],
    BeforeValidator(one_or_many),
    Field(max_length=100),
]


@final
class ClaimSection(Section):
    """What the study is asked to hold true or not. The report says of each claim whether it is supported, contradicted
    or undecided, with estimate, interval and test: at equal epochs, as such claims are published, and at equal utility.
    A claim moves no key, so that it can be added to a finished study.

    One of `against`, `grows_with` and `against_corpora` says what the methods are held against.
    """

    methods: _Names = Field(min_length=1)
    """Methods by label (`lora`, `lora(r=4)`), or families: `parameter`, `prompt`, `hybrid`. Of several the mean."""

    expected: Expected
    """What their leakage is, minus that of what they are held against: `less` or `more` than 0, `equivalent` to 0
    within the margin, or `no less` than minus the margin.
    """

    against: _Names = ()
    """Other methods or families."""

    grows_with: Literal["", "epochs", "size"] = ""
    """The same methods along their training, or per doubling of the base's parameters (three sizes at least)."""

    against_corpora: _Names = ()
    """The same methods on other corpora than `corpora`."""

    corpora: _Names = ()
    """Where it is said to hold, by name or recipe. Left out: on every corpus; the difference is their mean."""

    bases: _Names = ()
    """The same of bases."""

    quantity: Literal["leakage", "utility"] = "leakage"
    """`utility`: what validation loss was gained over the base, nats per token, instead of the AUC."""

    attack: str = ""
    """By the AUC of which attack; along sizes the primary one alone. Left out: the primary one."""

    epoch: float | None = Field(default=None, gt=0)
    """At equal epochs, the last checkpoint up to it; along sizes it must be the end of the training. Left out: the last
    that all have.
    """

    margin: float = Field(default=0.05, gt=0, allow_inf_nan=False)
    """What counts as nothing: AUC, or nats per token for utility. Along sizes what that AUC is in Φ⁻¹(AUC), counted
    from .50.
    """

    says: str = Field(default="", max_length=300)
    """The claim in your words. Left out: made of the other fields."""

    @model_validator(mode="after")
    def _held_against_one(self) -> Self:
        given = [name for name in ("against", "grows_with", "against_corpora") if getattr(self, name)]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise ValueError(
                f"a claim holds methods against something: give one of against, grows_with and against_corpora, got "
                f"{found}"
            )
        if self.quantity == "utility" and not self.against:
            raise ValueError("utility is compared between methods: give `against`")
        if self.against_corpora and not self.corpora:
            raise ValueError("against_corpora are others than `corpora`: name these too")
        return self

    def claim(self, name: str) -> Claim:
        """The claim, under a name."""
        part = Part(
            methods=self.methods,
            expected=self.expected,
            against=self.against,
            grows_with=self.grows_with,
            corpora=self.corpora,
            against_corpora=self.against_corpora,
            bases=self.bases,
            quantity=self.quantity,
        )
        said = self.says or part.said
        return Claim(name, said, (part,), epoch=self.epoch, attack=self.attack, margin=self.margin)


def claims_of(named: Sequence[str], own: Sequence[ClaimSection]) -> tuple[Claim, ...]:
    """The claims of published studies, then the study's own, numbered from 1."""
    known = [claim for name in named for claim in CLAIMS[name]]
    return (*known, *(section.claim(str(place)) for place, section in enumerate(own, 1)))


def refuse_unknown(names: Sequence[str]) -> None:
    """ValueError, with the near misses, for a published study whose claims are not known here."""
    for name in names:
        if name not in CLAIMS:
            raise ValueError(f"no claims are known of '{printable(name)}'.{near_misses(name, list(CLAIMS))}")
