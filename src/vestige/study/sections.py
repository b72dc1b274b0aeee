"""The sections of a study file that no other part of vestige owns: `[study]`, `[generate]`, `[attacks]`, `[report]`.

The text below a field is its entry in docs/reference/study-file.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, final

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PositiveFloat,
    Tag,
    ValidationInfo,
    field_validator,
)

from vestige.attacks.base import Attack, ComparingAttack
from vestige.attacks.registry import make_attack
from vestige.errors import ConfigError, near_misses, printable
from vestige.metrics.measures import TEXT_QUANTITIES, TextQuantity
from vestige.metrics.uncertainty import Bootstrap
from vestige.store.layout import LOGS
from vestige.study.stages.registry import stages

_NUMBER: Final = re.compile(r"(?<![\w.])\d+(\.\d*)?(e[+-]?\d+)?(?![\w.])", re.IGNORECASE)


def one_or_many(value: object) -> object:
    """A bare name or number where a list may stand is a list of one."""
    return [value] if isinstance(value, str | int | float) and not isinstance(value, bool) else value


def _attack(value: object) -> object:
    if not isinstance(value, str | Mapping):
        return value
    try:
        return make_attack(value)
    except ConfigError as error:
        raise ValueError(str(error)) from error


class Section(BaseModel):
    """A table of a study file: frozen, and without keys that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


@final
class StudySection(Section):
    """What the study is called, how often everything is repeated, and what is measured of the task."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    """The study's folder in the store: letters, digits, `.`, `_` and `-`."""

    seeds: tuple[Annotated[int, Field(ge=0, lt=2**63)], ...] = Field(default=(0,), min_length=1, max_length=1000)
    """Every cell is trained once for each. A seed decides who is a member, the order of the texts and the start of what
    is trained.
    """

    folds: Literal[1, 2] = 2
    """2: the two halves of the pool are trained on in turn, so that every text is once a member and once none. 1: the
    first half alone.
    """

    utility: Annotated[tuple[str, ...], BeforeValidator(one_or_many)] = ("loss",)
    """What is measured of the task: `loss` always (with the perplexity), and `bleu`, `chrf`, `rouge_l`, `exact_match`,
    `final_number` of generated texts.
    """

    claims: Annotated[tuple[Annotated[str, Field(max_length=100)], ...], BeforeValidator(one_or_many)] = ()
    """Published studies whose claims this one is held against, by name: `2507.00258`. `[[claim]]` adds your own."""

    @property
    def text_utility(self) -> tuple[TextQuantity, ...]:
        """What of the utility is measured on generated texts, in the order of the study file."""
        return tuple(known for name in self.utility for known in TEXT_QUANTITIES if known == name)

    @field_validator("name")
    @classmethod
    def _not_a_stage(cls, name: str) -> str:
        if name in {*stages(), LOGS, "store.json"}:
            raise ValueError(f"the name {name!r} is taken by the store itself; choose another")
        return name

    @field_validator("seeds", mode="before")
    @classmethod
    def _a_list(cls, seeds: object) -> object:
        if isinstance(seeds, int):
            raise ValueError(f"seeds are a list: [{seeds}] for this one; for several, each of them, as in [0, 1, 2]")
        return seeds

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("seeds must be different whole numbers from 0 up; one is given twice")
        return seeds

    @field_validator("utility")
    @classmethod
    def _known_utility(cls, utility: tuple[str, ...]) -> tuple[str, ...]:
        known = ("loss", *TEXT_QUANTITIES)
        for name in utility:
            if name not in known:
                raise ValueError(f"there is no utility '{printable(name)}'.{near_misses(name, known)}")
        if len(set(utility)) < len(utility):
            raise ValueError(f"utilities are named twice: {', '.join(utility)}")
        if "loss" not in utility:
            raise ValueError("'loss' must be among them: learning rates and checkpoints are chosen by it")
        return utility


@final
class GenerateSection(Section):
    """What is generated, where `utility` names a quantity of generated texts."""

    max_new_tokens: int = Field(default=64, ge=1, le=65_536)
    """How long an answer may become, in tokens."""

    texts: int = Field(default=100, ge=2, le=1_000_000)
    """How many texts of the validation role, the first ones in its order, are asked for an answer."""


@final
class AttackSection(Section):
    """Which attacks are made, which of them is the primary one, and at which checkpoints."""

    use: Annotated[tuple[Annotated[Attack, BeforeValidator(_attack)], ...], BeforeValidator(one_or_many)] = Field(
        default=("loss", "zlib", "ref", "ratio", "min_k", "min_k_pp", "ez", "wbc"),
        validate_default=True,
        min_length=1,
        max_length=100,
    )
    """Names, or tables with parameters: `{ name = "min_k", k = 0.1 }`. `vestige list attacks` shows all."""

    primary: str = Field(default="", validate_default=True)
    """The attack that headlines go by, named before the run: one of `use`, with its parameters where they are not the
    default (`"min_k(k=0.1)"`). Left out: of those used `ratio` against a shadow, else the first that compares with a
    shadow, else `ratio`, else the first of `use`.
    """

    at: Annotated[
        Annotated[Literal["all", "shown", "crossing"], Tag("name")]
        | Annotated[tuple[PositiveFloat, ...], Field(min_length=1), BeforeValidator(one_or_many), Tag("epochs")],
        Discriminator(lambda at: "name" if isinstance(at, str) else "epochs"),
    ] = "all"
    """`all`: at every checkpoint. `crossing`: only at those that a comparison at equal utility reads, two on each side
    of where the validation loss crosses .8, .9 and .95 of the gain that all methods reach, and at those that the report
    shows, of the lowest validation loss and the last. `shown`: only at these two, which is what attacks of many passes
    are for. A list: at these checkpoints, in epochs.
    """

    @field_validator("use")
    @classmethod
    def _named_once(cls, use: tuple[Attack, ...]) -> tuple[Attack, ...]:
        labels = [attack.label for attack in use]
        if twice := sorted({printable(label) for label in labels if labels.count(label) > 1}):
            raise ValueError(f"attacks are named twice: {', '.join(twice)}")
        return use

    @field_validator("primary")
    @classmethod
    def _is_used(cls, primary: str, info: ValidationInfo) -> str:
        labels: list[str] = [attack.label for attack in info.data.get("use", ())]
        if not labels:  # what is wrong with `use` is said there
            return primary
        if not primary:
            return _default_primary(info.data["use"]).label
        meant = [label for label in labels if label == primary] or [one for one in labels if _same(one, primary)]
        if not meant:
            raise ValueError(
                f"the primary attack '{printable(primary)}' is not among those used.{near_misses(primary, labels)}"
            )
        return meant[0]


def _default_primary(use: Sequence[Attack]) -> Attack:
    """Why in this order: docs/decisions/0036-the-default-primary-attack-again.md."""
    shadowed = [one for one in use if isinstance(one, ComparingAttack) and one.reference == "shadow"]
    best_first = [
        *(one for one in shadowed if one.name == "ratio"),
        *shadowed,
        *(one for one in use if one.name == "ratio"),
    ]
    return next(iter(best_first), use[0])


def _same(label: str, written: str) -> bool:
    """Whether two labels differ in blanks and the spelling of numbers alone: `min_k(k=1)`, `min_k( k = 1.0)`."""
    return _spelling(label) == _spelling(written)


def _spelling(label: str) -> str:
    return _NUMBER.sub(lambda number: repr(float(number[0])), re.sub(r"\s", "", label))


@final
class CompareSection(Section):
    """How methods are compared with each other: where all of them are equally good at the task."""

    margin: float = Field(default=0.05, gt=0, le=0.5)
    """Two methods whose AUC differs by less than this, surely enough, count as equivalent."""

    utility: str = "loss"
    """What they are held equal on: `loss`, the validation loss, or what `[study]` names besides it: `bleu`, `chrf`,
    `rouge_l`, `exact_match`, `final_number`.
    """


@final
class ReportSection(Section):
    """The columns of the report, and the bootstrap behind its intervals."""

    fpr: Annotated[
        tuple[Annotated[float, Field(gt=0, lt=1)], ...], Field(max_length=20), BeforeValidator(one_or_many)
    ] = (0.01,)
    """False-positive rates at which true-positive rates are given, a column each."""

    samples: int = Field(default=1000, ge=100, le=100_000)
    """Bootstrap samples behind every interval."""

    @field_validator("fpr")
    @classmethod
    def _once(cls, fpr: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(fpr)) < len(fpr):
            raise ValueError("a false-positive rate is given twice")
        return fpr

    @property
    def bootstrap(self) -> Bootstrap:
        """The bootstrap of every interval of the report."""
        return Bootstrap(samples=self.samples)


@final
class RunSection(Section):
    """How the study is run on this machine. None of it is part of a key, so that what a store holds is found again."""

    threads: int | None = Field(default=None, ge=1, le=1024)
    """Threads of one operation of PyTorch; left out, its own choice, mostly the number of cores. One is faster than two
    on a machine that is busy otherwise. The last bits of a number depend on it, and `run.json` has it.
    """
