"""What a study costs on a device, in floating-point operations, hours and memory: from its file, its models' shapes and
the number of passes, without a model or a text at hand.

Operations are counted (`models/shapes.py`), and held to torch's own counter by a test. Hours follow from the device's
peak and a share of it that such work attains; they are an estimate, and say so.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, final

from vestige.errors import ConfigError, near_misses, printable
from vestige.models.loading import Dtype
from vestige.models.shapes import TRAINED_BYTES, Shape
from vestige.store.keys import Task
from vestige.store.layout import Store
from vestige.study.inputs import Inputs
from vestige.study.plan import Plan
from vestige.study.spec import Study
from vestige.study.stages.generations import GenerationsSpec
from vestige.study.stages.gradients import GradientsSpec
from vestige.study.stages.pretrain import PretrainSpec
from vestige.study.stages.registry import stage_named
from vestige.study.stages.stats import StatsSpec
from vestige.study.stages.train import TrainSpec
from vestige.study.supposed import shapes_of, supposed
from vestige.tuning.methods.base import Method
from vestige.tuning.methods.full import Full
from vestige.tuning.methods.prefix import Prefix

_ATTAINED: Final = 0.35
"""Share of a device's peak that training and scoring attain."""

_READ: Final = 0.6
"""Share of its bandwidth at which weights are read, which is what a step of an answer waits for."""

_AT_ONCE: Final = 24
"""Answers that are made together."""

_ACTIVATIONS: Final = 34
"""Bytes that a token leaves in a layer for the way back, for each of its width, in 16 bits and with fused attention
(Korthikanti et al. 2022, arXiv:2205.05198, eq. 2 without the scores).
"""


@final
@dataclass(frozen=True)
class Device:
    """Peak of operations a second in dense bfloat16 and in float32 (no TF32), bytes of memory, and bytes read from it a
    second; as its maker says.
    """

    peak: float
    float32: float
    memory: float
    bandwidth: float

    def rate(self, dtype: Dtype) -> float:
        """Operations a second that are attained."""
        return _ATTAINED * (self.peak if dtype == "bfloat16" else self.float32)


DEVICES: Final[Mapping[str, Device]] = {
    "h200": Device(989e12, 67e12, 141e9, 4.8e12),
    "h100": Device(989e12, 67e12, 80e9, 3.35e12),
    "a100": Device(312e12, 19.5e12, 80e9, 2.0e12),
    "a100-40gb": Device(312e12, 19.5e12, 40e9, 1.55e12),
    "l40s": Device(362e12, 91.6e12, 48e9, 0.864e12),
    "l4": Device(121e12, 30.3e12, 24e9, 0.3e12),
    "rtx4090": Device(165e12, 82.6e12, 24e9, 1.0e12),
}


@final
@dataclass(frozen=True)
class Item:
    """One kind of work on one base: how many tasks, their operations, and seconds and bytes of memory on a device."""

    base: str
    what: str
    tasks: int
    operations: float
    seconds: float
    memory: float


@final
@dataclass(frozen=True)
class Price:
    """What a study comes to at most. `unpriced`: stages that run a model whose shape a study does not say."""

    device: str
    items: tuple[Item, ...]
    unpriced: tuple[str, ...]

    @property
    def room(self) -> float:
        """Memory of the device, bytes."""
        return DEVICES[self.device].memory

    @property
    def fits(self) -> bool:
        """Whether the largest task fits into it."""
        return self.memory <= self.room

    @property
    def operations(self) -> float:
        """All of them."""
        return sum(item.operations for item in self.items)

    @property
    def seconds(self) -> float:
        """All of them, one task after the other."""
        return sum(item.seconds for item in self.items)

    @property
    def memory(self) -> float:
        """What the largest task takes, bytes."""
        return max((item.memory for item in self.items), default=0.0)


def price(study: Study, *, device: str) -> Price:
    """What a study costs on a device of that name, from its file alone.

    Raises:
        ConfigError: the device, or the shape of a base, is not known.
    """
    if device not in DEVICES:
        raise ConfigError(f"no device is called '{printable(device)}'.{near_misses(device, DEVICES)}")
    shapes = shapes_of(study)
    with tempfile.TemporaryDirectory() as nothing_done:
        plan = Plan(Inputs(study, supposed(study, shapes), {}), Store(Path(nothing_done)))
        tasks = [task for task in plan.expected() if stage_named(task.stage).runs_model]
    found: dict[tuple[str, str], list[Item]] = {}
    unpriced: dict[str, None] = {}
    for task in tasks:
        item = _priced(task, plan, shapes, DEVICES[device])
        if item is None:
            unpriced[task.stage] = None
        else:
            found.setdefault((item.base, item.what), []).append(item)
    return Price(device, tuple(_together(items) for items in found.values()), tuple(unpriced))


def _together(items: list[Item]) -> Item:
    return Item(
        base=items[0].base,
        what=items[0].what,
        tasks=len(items),
        operations=sum(item.operations for item in items),
        seconds=sum(item.seconds for item in items),
        memory=max(item.memory for item in items),
    )


def _priced(task: Task, plan: Plan, shapes: Mapping[str, Shape], device: Device) -> Item | None:
    spec = stage_named(task.stage).read(task.spec)
    base = task.where.get("model", "")
    if base not in shapes:
        return None
    work = _Work(shapes[base], plan, task, plan.identities.bases[base].dtype)
    if isinstance(spec, TrainSpec):
        return work.training(spec, device)
    if isinstance(spec, PretrainSpec):
        return replace(work, dtype="float32").pretraining(device)
    if isinstance(spec, StatsSpec):
        return work.scoring(spec, device)
    if isinstance(spec, GradientsSpec):
        return work.gradients(spec, device)
    return work.answers(spec, device) if isinstance(spec, GenerationsSpec) else None


@final
@dataclass(frozen=True)
class _Work:
    """One task on a base of a shape."""

    shape: Shape
    plan: Plan
    task: Task
    dtype: Dtype

    @property
    def _base(self) -> str:
        return self.task.where["model"]

    @property
    def _bytes(self) -> int:
        return 2 if self.dtype == "bfloat16" else 4

    @property
    def _weights(self) -> float:
        return float(self.shape.parameters * self._bytes)

    def _texts(self, role: str) -> tuple[int, int]:
        """How many texts a role has, and the tokens of each."""
        corpus = next(
            one for one in self.plan.identities.corpora.values() if one.task.address == self.task.inputs["corpus"]
        )
        return int(corpus.facts["roles"][role]["texts"]), corpus.spec.max_length

    def _item(self, what: str, operations: float, memory: float, device: Device, *, waits: float = 0.0) -> Item:
        seconds = max(operations / device.rate(self.dtype), waits)
        return Item(self._base, what, 1, operations, seconds, memory)

    def training(self, spec: TrainSpec, device: Device) -> Item:
        texts, length = self._texts(spec.role)
        method, training = spec.made, spec.training
        operations = training_operations(
            self.shape,
            method,
            texts=texts // 2,
            length=length,
            epochs=training.epochs,
            recomputed=training.gradient_checkpointing,
        )
        at_once = math.ceil(training.batch_size / training.gradient_accumulation) * (length + method.virtual_tokens)
        memory = self._weights + trained_bytes(self.shape, method)
        memory += self._activations(at_once, recomputed=training.gradient_checkpointing)
        return self._item(f"train {method.label}", operations, memory, device)

    def pretraining(self, device: Device) -> Item:
        pretraining = self.plan.study.pretrain
        assert pretraining is not None
        length, method = pretraining.context, Full()
        blocks = pretraining.tokens / length
        operations = training_operations(self.shape, method, texts=1, length=length, epochs=blocks)
        memory = trained_bytes(self.shape, method)
        memory += self._activations(pretraining.batch_size * length, recomputed=False)
        return self._item("pretrain", operations, memory, device)

    def scoring(self, spec: StatsSpec, device: Device) -> Item:
        texts, length = self._texts(spec.role)
        each = self.shape.forward(length=length) + self.shape.logits
        return self._item("score", each * texts * length, self._weights, device)

    def gradients(self, spec: GradientsSpec, device: Device) -> Item:
        texts, length = self._texts(spec.role)
        each = 3 * (self.shape.forward(length=length) + self.shape.logits)
        memory = self._weights + self.shape.parameters * 4 + self._activations(length, recomputed=False)
        return self._item("gradients", each * texts * length, memory, device)

    def answers(self, spec: GenerationsSpec, device: Device) -> Item:
        _, length = self._texts(spec.role)
        read = spec.texts * length * self.shape.forward(length=length)
        made = spec.texts * spec.max_new_tokens * (self.shape.forward(length=length) + self.shape.logits)
        steps = math.ceil(spec.texts / _AT_ONCE) * spec.max_new_tokens
        waits = steps * self._weights / (_READ * device.bandwidth)
        return self._item("answer", read + made, self._weights, device, waits=waits)

    def _activations(self, tokens: int, *, recomputed: bool) -> float:
        kept = 2 if recomputed else _ACTIVATIONS
        layers = self.shape.layers * kept * self.shape.width * self._bytes / 2
        return tokens * (layers + 8.0 * self.shape.vocabulary)


def training_operations(
    shape: Shape,
    method: Method,
    *,
    texts: int,
    length: int,
    epochs: float,
    recomputed: bool = False,
    trained: float = 1.0,
) -> float:
    """Operations of a training: forward, back to what stands before each layer, and the gradients of what is trained.

    `trained`: the share of the tokens that are, the others being prompts. What an adapter adds is left out, a hundredth
    of the layers that it stands on.
    """
    parts, matrices = method.name.split("+"), 2.0 * shape.trunk
    past = method.virtual_tokens if isinstance(method, Prefix) else 0
    positions = length + method.virtual_tokens - past
    scores = shape.forward(length=positions, past=past) - matrices
    if parts == ["head"]:  # the hidden states of a frozen trunk are computed once
        return texts * length * (matrices + scores + 2 * epochs * trained * shape.logits)
    forward, back = matrices + scores, matrices + 2 * scores
    own = matrices if parts == ["full"] else 0.0
    head = shape.logits * (3 if {"full", "head"} & {*parts} else 2)
    layers = positions * (forward * (2 if recomputed else 1) + back + own)
    return texts * epochs * (layers + length * trained * head)


def trained_bytes(shape: Shape, method: Method) -> float:
    """What training keeps of its parameters, but for adapters and virtual tokens, which are a hundredth at most."""
    parts = method.name.split("+")
    trained = shape.parameters if parts == ["full"] else shape.head if "head" in parts else 0
    return float(TRAINED_BYTES * trained)
