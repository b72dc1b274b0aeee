"""The facts around the numbers of a study: what was asked, of which data, and what happened on the way.

Frozen records that whoever collects a study builds and the report reads. Their JSON beside a report is `Facts.as_json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, final

from vestige.metrics.comparison import Comparison, Standing
from vestige.metrics.slopes import Slope
from vestige.outcome.claims import Claim
from vestige.outcome.lengths import Lengths


@final
@dataclass(frozen=True)
class NamedPrimary:
    """An attack that the study has named its primary one, and since when (ISO time); None where no run has."""

    attack: str
    since: str | None


@final
@dataclass(frozen=True)
class TrainingFacts:
    """How long and on what every method was trained; `others`: whatever else was set, by its name in the study file."""

    search: str
    epochs: float
    batch_size: int
    checkpoints: tuple[float, ...]
    others: Mapping[str, Any]


@final
@dataclass(frozen=True)
class GenerateFacts:
    """The limits of what is generated: tokens of an answer, and how many texts are asked for one."""

    max_new_tokens: int
    texts: int


@final
@dataclass(frozen=True)
class StudyFacts:
    """What was asked. `primaries`: the primary attacks that the study has named, in order, today's last.
    `attacked_since`: when its first estimate of leakage was begun (ISO time); None where there is none. `claims`: what
    it is asked to hold true or not.
    """

    name: str
    seeds: tuple[int, ...]
    folds: int
    utility: tuple[str, ...]
    training: TrainingFacts
    generate: GenerateFacts
    primary: str
    primaries: tuple[NamedPrimary, ...]
    attacked_since: str | None
    fpr: tuple[float, ...]
    claims: tuple[Claim, ...] = ()


@final
@dataclass(frozen=True)
class BaseFacts:
    """A base; `model`: what its files are known by. `has_end`: whether its tokenizer has an end token.
    `parameters`: how many it has; None where that is not on record.
    """

    name: str
    kind: str
    note: str | None
    dtype: str
    has_end: bool
    model: Mapping[str, str]
    parameters: int | None = None


@final
@dataclass(frozen=True)
class RoleSize:
    """Texts and groups of a role of a corpus."""

    texts: int
    groups: int


@final
@dataclass(frozen=True)
class CorpusFacts:
    """A corpus: the size of each role, and for each base and each role that has a text how long its texts are.

    `design`: how members were told from non-members. `near_duplicates`: texts that were left out as near copies of
    one of another group, id → that one's id; None where nobody looked for any. `published`: what its texts are
    where they are a public data set (`Paragraphs of Wikipedia articles`), else empty.
    """

    name: str
    source: str
    max_length: int
    dropped_duplicates: int
    sha256: str
    roles: Mapping[str, RoleSize]
    lengths: Mapping[str, Mapping[str, Lengths]]
    published: str = ""
    near_duplicates: Mapping[str, str] | None = None
    design: str = "random"


@final
@dataclass(frozen=True)
class MethodFacts:
    """A method with its settings (`spec`, as in the study file); `trainable`: base → trained parameters.

    `copies_base`: it trains a copy of the base in fp32, not something beside its frozen weights.
    """

    label: str
    name: str
    family: str
    spec: Mapping[str, Any]
    learning_rates: tuple[float, ...]
    trainable: Mapping[str, int]
    copies_base: bool = False


@final
@dataclass(frozen=True)
class AttackFacts:
    """An attack and its control on the base. `assumes`: what an attacker must have, by name; `passes`: forward passes
    over one text. Of a trained one, `learner`: how it is fitted, and `train_on`: whose shadow it learns from where that
    is not the target's own (`{"method": "lora"}`). `name` and `parameters`: what it is called without its settings, and
    those that somebody chose a value of.
    """

    label: str
    control_label: str
    about: str
    assumes: Mapping[str, bool]
    passes: int
    learner: str | None
    train_on: Mapping[str, str]
    name: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class AttackModelFacts:
    """What an attack model was fitted on, the settings chosen there, and its AUC on texts of its shadow that it had not
    seen.
    """

    base: str
    corpus: str
    method: str
    family: str
    learning_rate: float
    epoch: float
    seed: int
    attack: str
    chosen: Mapping[str, Any]
    cross_validated_auc: float
    members: int
    non_members: int


@final
@dataclass(frozen=True)
class Corner:
    """How many texts an attack scored by a rule (`note`) where its formula has no value, over all seeds and folds."""

    base: str
    corpus: str
    method: str
    family: str
    learning_rate: float
    epoch: float
    attack: str
    note: str
    members: int
    non_members: int


@final
@dataclass(frozen=True)
class Tried:
    """A learning rate of a method: its validation losses by epoch (nats per token) and the lowest of them (None where
    there is none), whether it was chosen, and how many other rates were tried. `tied`: another rate was chosen, and
    the validation texts cannot tell the two (paired by group, 95%).
    """

    base: str
    corpus: str
    method: str
    learning_rate: float
    loss: float | None
    losses: Mapping[float, float]
    chosen: bool
    rivals: int
    tied: bool = False


@final
@dataclass(frozen=True)
class Failed:
    """A part of the study that failed: what it was about, and what went wrong."""

    about: str
    message: str


@final
@dataclass(frozen=True)
class Environment:
    """What stages ran in: vestige's version and commit (None where unknown), and all that they recorded of it."""

    vestige: str
    commit: str | None
    dirty: bool | None
    record: Mapping[str, Any]


@final
@dataclass(frozen=True)
class ComparisonFacts:
    """What the methods of a base and corpus came to at equal utility."""

    base: str
    corpus: str
    comparison: Comparison


@final
@dataclass(frozen=True)
class ScalingFacts:
    """How leakage grows with what is varied (`axis`): `parameters` of the bases of a study on one corpus, `texts` that
    are trained on, or parameters that are `trained` by variants of one method. `over`: the corpus, or the base and the
    corpus.
    """

    axis: str
    over: str
    slopes: tuple[Slope, ...]


@final
@dataclass(frozen=True)
class Facts:
    """All facts of a study.

    * `floors`: what tells members from non-members without any model, by name.
    * `comparisons`: one for each base and corpus whose methods have been compared.
    * `scalings`: one for each series of sizes.
    * `environments`: the different ones. `seconds`: stage → how long its tasks took together.
    """

    study: StudyFacts
    bases: tuple[BaseFacts, ...]
    corpora: tuple[CorpusFacts, ...]
    methods: tuple[MethodFacts, ...]
    attacks: tuple[AttackFacts, ...]
    attack_models: tuple[AttackModelFacts, ...]
    floors: tuple[str, ...]
    corners: tuple[Corner, ...]
    search: tuple[Tried, ...]
    failures: tuple[Failed, ...]
    environments: tuple[Environment, ...]
    seconds: Mapping[str, float]
    comparisons: tuple[ComparisonFacts, ...] = ()
    scalings: tuple[ScalingFacts, ...] = ()

    def base(self, name: str) -> BaseFacts:
        """The base of that name."""
        return next(base for base in self.bases if base.name == name)

    def corpus(self, name: str) -> CorpusFacts:
        """The corpus of that name."""
        return next(corpus for corpus in self.corpora if corpus.name == name)

    def comparison(self, *, base: str, corpus: str) -> Comparison | None:
        """What the methods came to at equal utility there; None where they have not been compared."""
        found = (one.comparison for one in self.comparisons if (one.base, one.corpus) == (base, corpus))
        return next(found, None)

    def standings(self, *, base: str, corpus: str) -> tuple[Standing, ...]:
        """How the methods stand in that comparison; none where there is none."""
        found = self.comparison(base=base, corpus=corpus)
        return found.standings if found else ()

    def as_json(self) -> dict[str, Any]:
        """The facts as JSON values; the settings of the training stand beside those of the study."""
        told = asdict(self)
        training = told["study"].pop("training")
        told["study"] |= {**training.pop("others"), **training}
        told["environments"] = [environment.record for environment in self.environments]
        for one in told["attacks"]:
            one["assumes"] |= {"passes": one.pop("passes")}
        for one in told["search"]:
            one["losses"] = {f"{epoch:g}": loss for epoch, loss in one["losses"].items()}
        return told
