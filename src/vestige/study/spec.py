"""The study file: what is asked, read and checked before anything runs."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from vestige.attacks.base import Attack
from vestige.attacks.learned.base import LearnedAttack
from vestige.attacks.registry import make_attack
from vestige.data.corpus import CorpusSpec
from vestige.data.fields import FieldMap
from vestige.errors import ConfigError, near_misses
from vestige.metrics.measures import TEXT_QUANTITIES, TextQuantity
from vestige.metrics.uncertainty import Bootstrap
from vestige.models.loading import BaseSpec
from vestige.store.keys import STAGE_VERSIONS
from vestige.store.layout import LOGS
from vestige.tuning.methods import make_method
from vestige.tuning.methods.base import Method
from vestige.tuning.schedule import Training


def _attack(value: object) -> object:
    return make_attack(value) if isinstance(value, str | Mapping) else value


def _method(value: object) -> object:
    return make_method(value) if isinstance(value, Mapping) else value


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


@final
class StudySection(_Section):
    """The `[study]` table: the name of its folder in the store, the seeds, 1 or 2 folds, and what is measured of the
    task: `loss` always (with the perplexity), and `bleu`, `chrf`, `rouge_l`, `exact_match` of generated texts.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    folds: Literal[1, 2] = 2
    utility: tuple[str, ...] = ("loss",)

    @property
    def text_utility(self) -> tuple[TextQuantity, ...]:
        """What of the utility is measured on generated texts, in the order of the study file."""
        return tuple(known for name in self.utility for known in TEXT_QUANTITIES if known == name)

    @field_validator("name")
    @classmethod
    def _not_a_stage(cls, name: str) -> str:
        if name in {*STAGE_VERSIONS, LOGS, "store.json"}:
            raise ValueError(f"the name {name!r} is taken by the store itself; choose another")
        return name

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds) or min(seeds) < 0:
            raise ValueError("seeds must be different whole numbers from 0 up")
        return seeds

    @field_validator("utility")
    @classmethod
    def _known_utility(cls, utility: tuple[str, ...]) -> tuple[str, ...]:
        known = ("loss", *TEXT_QUANTITIES)
        for name in utility:
            if name not in known:
                raise ValueError(f"there is no utility {name!r}.{near_misses(name, known)}")
        if len(set(utility)) < len(utility):
            raise ValueError(f"utilities are named twice: {list(utility)}")
        if "loss" not in utility:
            raise ValueError("'loss' must be among them: learning rates and checkpoints are chosen by it")
        return utility


@final
class GenerateSection(_Section):
    """The `[generate]` table: how long an answer may become, and how many texts of the validation role (the first
    ones, in its order) are asked for one. Used where `utility` names a quantity of generated texts.
    """

    max_new_tokens: int = Field(default=64, ge=1)
    texts: int = Field(default=100, ge=2)


@final
class AttackSection(_Section):
    """The `[attacks]` table: names, or tables with parameters; the primary one is named before the run. They are made
    at all checkpoints, or with `at = "shown"` only at those that the report shows, of the lowest validation loss and
    the last: what attacks of many passes are for.

    Why `ez` by default: docs/decisions/0013-the-default-primary-attack.md.
    """

    use: tuple[Annotated[Attack, BeforeValidator(_attack)], ...] = Field(
        default=("loss", "zlib", "ref", "ratio", "min_k", "min_k_pp", "ez", "wbc"), validate_default=True, min_length=1
    )
    primary: str = "ez"
    at: Literal["all", "shown"] = "all"

    @model_validator(mode="after")
    def _primary_is_used(self) -> Self:
        labels = [attack.label for attack in self.use]
        if len(set(labels)) < len(labels):
            raise ValueError(f"attacks are named twice: {labels}")
        if self.primary not in labels:
            default = "" if "primary" in self.model_fields_set else ", and no other is named (primary = …)"
            raise ValueError(
                f"the primary attack {self.primary!r} is not among those used{default}."
                + near_misses(self.primary, labels)
            )
        return self


@final
class ReportSection(_Section):
    """The `[report]` table: false-positive rates of the TPR columns, and the bootstrap behind the intervals."""

    fpr: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.01,)
    samples: int = Field(default=1000, ge=100)

    @property
    def bootstrap(self) -> Bootstrap:
        """The bootstrap of every interval of the report."""
        return Bootstrap(samples=self.samples)


@final
class Study(_Section):
    """A whole study file, checked as far as it can be without reading data or models."""

    study: StudySection
    base: tuple[BaseSpec, ...] = Field(min_length=1)
    corpus: tuple[CorpusSpec, ...] = Field(min_length=1)
    method: tuple[Annotated[Method, BeforeValidator(_method)], ...] = Field(min_length=1)
    training: Training = Training()
    generate: GenerateSection = GenerateSection()
    attacks: AttackSection = AttackSection()
    report: ReportSection = ReportSection()

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for what, names in (
            ("bases", [base.model for base in self.base]),
            ("corpora", [corpus.name for corpus in self.corpus]),
            ("methods", [method.label for method in self.method]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"two {what} bear the same name: {', '.join(names)}. Give one a `name`, or remove it.")
        return self

    @model_validator(mode="after")
    def _shadows_are_of_the_study(self) -> Self:
        known = {
            "base": [base.model for base in self.base],
            "corpus": [corpus.name for corpus in self.corpus],
            "method": [method.label for method in self.method],
        }
        for attack in self.attacks.use:
            named = attack.train_on.named if isinstance(attack, LearnedAttack) and attack.train_on else {}
            for what, name in named.items():
                if name not in known[what]:
                    raise ValueError(
                        f"{attack.name}: train_on names the {what} {name!r}, which the study does not have."
                        + near_misses(name, known[what])
                    )
        return self

    @model_validator(mode="after")
    def _can_recompute(self) -> Self:
        stuck = [method.label for method in self.method if not method.recomputable]
        if self.training.gradient_checkpointing and stuck:
            raise ValueError(
                f"gradient_checkpointing does not work with {', '.join(stuck)}: its keys and values would be appended "
                "twice. Leave it out, or raise training.gradient_accumulation to save memory instead."
            )
        return self


def load_study(path: Path) -> Study:
    """Read and check a study file.

    Raises:
        ConfigError: it cannot be read, is not TOML, or something in it is unknown or out of range (near misses shown).
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        beside = [entry.name for entry in path.parent.glob("*.toml")] if path.parent.is_dir() else []
        hint = near_misses(path.name, beside) if beside else ""
        raise ConfigError(f"There is no study file {path}.{hint}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"The study file {path} cannot be read as TOML: {error}.") from error
    return make_study(table, source=str(path))


def make_study(table: Mapping[str, Any], *, source: str = "the study") -> Study:
    """A study from the tables of a study file; errors as in `load_study`."""
    try:
        return Study.model_validate(table)
    except ValidationError as error:
        problems = "\n".join(f"  {_explain(one, table)}" for one in error.errors(include_url=False))
        raise ConfigError(f"{source} is not a valid study:\n{problems}") from error


def _explain(problem: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    """One line for one problem: where, what, and the near misses of an unknown key."""
    location = [part for part in problem["loc"] if part != "function-wrap"]
    where = ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in location)
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown key.{near_misses(str(location[-1]), _known_keys(location, table))}"
    if problem["type"] == "missing":
        return f"{where}: is missing."
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    shown = problem.get("input")
    got = f" (got {shown!r})" if isinstance(shown, str | int | float) and repr(shown) not in message else ""
    return f"{where}: {message}{got}"


def _known_keys(location: list[Any], table: Mapping[str, Any]) -> list[str]:
    if len(location) == 1:
        return list(Study.model_fields)
    model: Any = {
        "study": StudySection,
        "base": BaseSpec,
        "corpus": CorpusSpec,
        "training": Training,
        "generate": GenerateSection,
        "attacks": AttackSection,
        "report": ReportSection,
    }.get(location[0])
    if location[0] == "method":
        model = type(make_method({"name": table["method"][location[1]]["name"]}))
    if location[-2] == "fields":
        model = FieldMap
    return list(model.model_fields) if model else []
