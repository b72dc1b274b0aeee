"""The study file: what is asked, read and checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Self, final

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, model_validator

from vestige.data.corpus import CorpusSpec
from vestige.errors import ConfigError, DataError, named, near_misses, printable
from vestige.models.loading import BaseSpec
from vestige.models.places import is_scratch, place_of
from vestige.outcome.claims import Claim
from vestige.pretraining.sizes import size_of
from vestige.pretraining.spec import Pretraining
from vestige.pretraining.start import place_of as pretraining_place
from vestige.study.claims import ClaimSection, claims_of, refuse_unknown
from vestige.study.explain import problems
from vestige.study.plain import plain
from vestige.study.pools import with_each_pool
from vestige.study.reading import read_tables
from vestige.study.sections import (
    AttackSection,
    CompareSection,
    GenerateSection,
    ReportSection,
    RunSection,
    Section,
    StudySection,
)
from vestige.tuning.methods import make_methods
from vestige.tuning.methods.base import Method
from vestige.tuning.schedule import Training

MOST_TRAININGS: Final = 100_000
"""Cells of one study, the search for learning rates counted."""

MOST_READ: Final = 1_000_000
"""Tables that all attacks of a study read; one that compares cells reads one of each for each, which a plan lists."""


def _of_one_table(table: object) -> object:
    """The methods of one `[[method]]` table: several where a parameter is a list."""
    if isinstance(table, Method):
        return (table,)
    if not isinstance(table, Mapping):
        raise ValueError(f'a method is a table with its name: [[method]] and name = "lora", got {table!r}')
    try:
        return make_methods(table)
    except ConfigError as error:
        raise ValueError(str(error)) from error


_TABLES: TypeAdapter[tuple[tuple[Method, ...], ...]] = TypeAdapter(
    tuple[Annotated[tuple[Method, ...], BeforeValidator(_of_one_table)], ...]
)


def _of_all_tables(tables: object) -> object:
    return [method for methods in _TABLES.validate_python(tables) for method in methods]


@final
class Study(Section):
    """A whole study file, checked as far as it can be without reading data or models. `folder` is where its paths
    begin.
    """

    study: StudySection
    base: tuple[BaseSpec, ...] = Field(min_length=1, max_length=100)
    pretrain: Pretraining | None = None
    corpus: tuple[CorpusSpec, ...] = Field(min_length=1, max_length=100)
    method: Annotated[tuple[Method, ...], Field(min_length=1, max_length=1000), BeforeValidator(_of_all_tables)]
    training: Training = Training()
    generate: GenerateSection = GenerateSection()
    attacks: AttackSection = AttackSection()
    compare: CompareSection = CompareSection()
    report: ReportSection = ReportSection()
    run: RunSection = RunSection()
    claim: tuple[ClaimSection, ...] = Field(default=(), max_length=100)
    _folder: Path = Path()

    def model_post_init(self, context: Any, /) -> None:
        """Keep the folder that the study was read in."""
        self._folder = context["folder"] if context else Path.cwd()

    def place_of(self, model: str, *, strict: bool = True) -> str:
        """What `resolve` is given for a model that the study names; of one that it pretrains, where the start of that
        lies. ConfigError as `models.places.place_of`.
        """
        if is_scratch(model):
            return self._place_of_start(model)
        return place_of(model, folder=self._folder, strict=strict)

    def _place_of_start(self, model: str) -> str:
        assert self.pretrain is not None
        try:
            return str(pretraining_place(model, self.pretrain))
        except DataError:  # the texts are not here: who needs them says so
            return model

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What the study is asked to hold true or not: the claims of published studies that it names, then its own."""
        return claims_of(self.study.claims, self.claim)

    @model_validator(mode="after")
    def _claims_are_known(self) -> Self:
        refuse_unknown(self.study.claims)
        used = [attack.label for attack in self.attacks.use]
        for attack in (one.attack for one in self.claim if one.attack and one.attack not in used):
            raise ValueError(
                f"a claim is by the attack '{printable(attack)}', not used here.{near_misses(attack, used)}"
            )
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for what, names, remedy in (
            ("bases", [base.model for base in self.base], _ONE_PRECISION),
            ("corpora", [corpus.name for corpus in self.corpus], "Give one of them another `name`, or remove it."),
            ("methods", [method.label for method in self.method], _ONE_GRID),
        ):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"two {what} bear the same name: {named(twice)}. {remedy}")
        return self

    @model_validator(mode="after")
    def _bases_can_be_pretrained(self) -> Self:
        scratch = [base.model for base in self.base if is_scratch(base.model)]
        if scratch and self.pretrain is None:
            raise ValueError(
                f"{named(scratch)}: a [pretrain] table is needed, which says on which texts. See "
                "docs/reference/study-file.md."
            )
        if self.pretrain is not None and not scratch:
            raise ValueError(
                "[pretrain] is for bases that are pretrained from scratch, and there is none: "
                '[[base]] model = "scratch:1m".'
            )
        try:
            sizes = {size_of(name, self.pretrain): name for name in scratch if self.pretrain is not None}
        except ConfigError as error:
            raise ValueError(str(error)) from error
        if len(sizes) < len(scratch):
            raise ValueError(f"two bases are the same: {named(scratch)}. {_ONE_PRECISION}")
        return self

    @model_validator(mode="after")
    def _bases_differ(self) -> Self:
        names: dict[str, str] = {}
        for base in (one for one in self.base if not is_scratch(one.model)):
            place = str(Path(self.place_of(base.model, strict=False)))
            if place in names:
                raise ValueError(f"two bases are the same: {named([names[place], base.model])}. {_ONE_PRECISION}")
            names[place] = base.model
        return self

    @model_validator(mode="after")
    def _can_be_trained(self) -> Self:
        rates = sum(len(method.learning_rate) for method in self.method)
        count = len(self.base) * len(self.corpus) * rates * len(self.study.seeds) * self.study.folds
        if count > MOST_TRAININGS:
            raise ValueError(
                f"bases × corpora × methods × learning rates × seeds × folds come to {count:,} trainings; "
                f"{MOST_TRAININGS:,} are the most. Split the study."
            )
        return self

    @model_validator(mode="after")
    def _can_be_planned(self) -> Self:
        cells = len(self.study.seeds) * self.study.folds
        checkpoints = len(self.base) * len(self.corpus) * len(self.method) * len(self.training.checkpoints)
        read = checkpoints * cells * sum(attack.tables_read(cells) for attack in self.attacks.use)
        if read > MOST_READ:
            raise ValueError(
                f"bases × corpora × methods × checkpoints × seeds × folds × attacks come to {read:,} tables to read, "
                f"where an attack that compares cells reads all of them each time; {MOST_READ:,} are the most. Ask for "
                "fewer seeds or checkpoints, or split the study."
            )
        return self

    @model_validator(mode="after")
    def _is_equal_on_what_is_measured(self) -> Self:
        measured, asked = self.study.utility, self.compare.utility
        if asked not in measured:
            nearest = near_misses(asked, measured)
            raise ValueError(
                f"compare.utility is '{printable(asked)}', which is not measured.{nearest} study.utility has: "
                f"{', '.join(measured)}."
            )
        return self

    @model_validator(mode="after")
    def _attacks_are_at_checkpoints(self) -> Self:
        kept, at = self.training.checkpoints, self.attacks.at
        elsewhere = [] if isinstance(at, str) else sorted(set(at) - set(kept))
        if elsewhere:
            raise ValueError(
                f"attacks.at names {_epochs(elsewhere)}, and no checkpoint is kept there. They are kept at: "
                f"{_epochs(kept)}."
            )
        return self

    @model_validator(mode="after")
    def _shadows_are_of_the_study(self) -> Self:
        known = {
            "base": [base.model for base in self.base],
            "corpus": [corpus.name for corpus in self.corpus],
            "method": [method.label for method in self.method],
        }
        for attack in self.attacks.use:
            for need in attack.reads:
                need.refuse_unknown(attack.name, known)
        return self

    @model_validator(mode="after")
    def _can_recompute(self) -> Self:
        stuck = [method.label for method in self.method if not method.recomputable]
        if self.training.gradient_checkpointing and stuck:
            raise ValueError(
                f"gradient_checkpointing does not work with {named(stuck)}: its keys and values would be appended "
                "twice. Leave it out, or raise training.gradient_accumulation to save memory instead."
            )
        return self


def _epochs(epochs: Sequence[float]) -> str:
    return ", ".join(f"{epoch:g}" for epoch in epochs)


_ONE_PRECISION: Final = "A study has each base once, in one precision: remove one, or put it into a study of its own."
_ONE_GRID: Final = (
    "Learning rates of one method are one list: learning_rate = [1e-3, 1e-2]. Otherwise let a parameter differ, or "
    "remove one."
)


def load_study(path: str | Path, *, strict: bool = True) -> Study:
    """Read and check a study file; its paths are relative to the folder that it lies in.

    `strict`: a path that leads to nothing from there, and to something from the working directory, is refused; who only
    reads what is in a store needs none of the files.

    Raises:
        ConfigError: it cannot be read, is not TOML, or something in it is unknown or out of range (near misses shown).
    """
    file = Path(path)
    return make_study(read_tables(file), source=printable(str(file), limit=200), folder=file.parent, strict=strict)


def make_study(
    table: Mapping[str, Any], *, source: str = "the study", folder: Path | None = None, strict: bool = True
) -> Study:
    """A study from the tables of a study file; `strict` and errors as in `load_study`. Paths are relative to `folder`,
    the working directory unless it is given.
    """
    wrong = f"{source} is not a valid study:\n"
    try:
        tables = with_each_pool(plain(table))
    except ConfigError as error:
        raise ConfigError(f"{wrong}  {error}") from None
    try:
        return Study.model_validate(tables, context={"folder": (folder or Path()).absolute(), "strict": strict})
    except ValidationError as error:
        raise ConfigError(wrong + problems(error, tables=tables, model=Study)) from None
