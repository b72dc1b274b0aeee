"""What a stage is: a name and version, a typed spec, a way to run it, and what it costs where it runs a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, cast, final

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, ValidationError, model_serializer

from vestige.errors import StoreError
from vestige.records import Fold, Role
from vestige.store.keys import Task, canonical_json
from vestige.store.layout import Store

Number = int | float
"""A number as it was written: 1 and 1.0 make two keys, so that neither becomes the other."""


class Spec(BaseModel, ABC):
    """What a stage is told, typed; `keyed` is the JSON that its key is made of.

    A field without a default is always in that JSON; one with a default only where it is not at it, so that a field
    added later, at its default, moves no key.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_serializer(mode="wrap")
    def _without_defaults(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told: dict[str, Any] = dump(self)
        return {name: value for name, value in told.items() if not self._is_at_default(name)}

    def _is_at_default(self, name: str) -> bool:
        field = type(self).model_fields.get(name)
        return field is not None and not field.is_required() and bool(getattr(self, name) == field.default)

    def keyed(self) -> dict[str, Any]:
        """The spec as JSON; `Stage.read` turns it back."""
        return self.model_dump(mode="json")


@final
class SeatSpec(Spec):
    """A seed and a fold; inputs of it bear `name`."""

    seed: int
    fold: Fold

    @property
    def name(self) -> str:
        """`0/A`."""
        return f"{self.seed}/{self.fold}"


S = TypeVar("S", bound=Spec)


@final
@dataclass(frozen=True)
class Bench:
    """Where a stage works: the store it reads its inputs from, the folder it fills, and whom it tells of its
    progress, and of what people must know.
    """

    store: Store
    folder: Path
    progress: Callable[[int], None]
    say: Callable[[str], None] = lambda _: None


@final
@dataclass(frozen=True)
class Sizes:
    """How long the texts of a base and corpus are: tokens by role, and the prompts that are answered, with theirs."""

    tokens: Mapping[Role, int]
    prompts: int = 0
    prompt_tokens: int = 0


@final
@dataclass(frozen=True)
class Kind:
    """What has a pace of its own: a stage on a base (as JSON), and of trainings the method."""

    stage: str
    base: str
    method: str = ""


class Stage(ABC, Generic[S]):
    """One kind of task, without a state of its own. A subclass is final and one file of this folder, with its spec and
    the readers of what it writes.

    * `name`: the folder of its results in a store. `version`: raised when its code changes what it writes for the same
      spec; every key below it then changes.
    * `runs_model`: whether it takes time; the others cost next to nothing.
    * `reads_other_texts`: whether it reads texts that are none of the study's, which nobody takes out of the messages
      of errors: such a message is left out whole.
    * `travels`: whether what it leaves may be handed to another store (`study/pieces.py`): small, and with no text, no
      token and no weight in it. What costs next to nothing and follows from such stages and the corpus need not.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    runs_model: ClassVar[bool] = False
    travels: ClassVar[bool] = False
    reads_other_texts: ClassVar[bool] = False
    spec: ClassVar[type[Spec]]

    @classmethod
    @abstractmethod
    def run(cls, spec: S, task: Task, bench: Bench) -> None:
        """Do the work; its files are in `bench.folder` afterwards."""

    @classmethod
    def task(
        cls, spec: S, inputs: Mapping[str, str], *, where: Mapping[str, str] | None = None, about: str = ""
    ) -> Task:
        """The task of this stage that is told `spec`; the rest as in `Task`."""
        return Task(cls.name, cls.version, spec.keyed(), inputs, where=where or {}, about=about)

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> S:
        """A spec from its JSON: that of a task, or of a `DONE.json`; StoreError where it is none of this stage."""
        try:
            return cast("S", cls.spec.model_validate(told))
        except ValidationError as error:
            fields = ", ".join(sorted({str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}))
            raise StoreError(
                f"This is no spec of the stage {cls.name} as vestige writes it: see {fields or 'all of it'}. It was "
                "written by another version, or changed. Run the study again."
            ) from None

    @classmethod
    def load(cls, store: Store, address: str) -> Any:
        """What a finished task left, for the needs of attacks; of a stage that no need reads there is nothing."""
        raise NotImplementedError(f"no need of an attack reads what the stage {cls.name} leaves")

    @classmethod
    def cost(cls, spec: S, sizes: Sizes) -> float:
        """Scored tokens that the work amounts to, at most where it generates; 0 for what needs no model."""
        return 0.0


class ModelStage(Stage[S], ABC):
    """A stage that runs a model, and therefore takes time.

    * `ends_early`: whether it may do less than was planned, so that what it did is no measure of its cost.
    """

    runs_model: ClassVar[bool] = True
    ends_early: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def cost(cls, spec: S, sizes: Sizes) -> float: ...

    @classmethod
    def token_cost(cls, spec: S) -> float:
        """Scored tokens that one token of it amounts to. By rule, until a stage of its kind has been timed."""
        return 1.0

    @classmethod
    @abstractmethod
    def model(cls, spec: S) -> Mapping[str, Any]:
        """The model that is run, as JSON."""

    @classmethod
    def kind(cls, spec: S) -> Kind:
        """What pace it has."""
        return Kind(cls.name, canonical_json(cls.model(spec)))
