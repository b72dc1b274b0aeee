"""`check_method`: what every fine-tuning method must do. Run it on your own before you trust it."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, PreTrainedModel

from vestige.data.encode import Encoded, encode
from vestige.records import Example, TokenStats
from vestige.stats.collect import collect
from vestige.stats.generate import Limits, generate
from vestige.testing.models import Architecture, save_tiny_model, tiny_texts, tiny_tokenizer
from vestige.tuning.checkpoint import load_weights, save_weights, trained_parameters
from vestige.tuning.methods import make_method
from vestige.tuning.methods.base import Family, Method
from vestige.tuning.schedule import Training
from vestige.tuning.train import Job, train

MAX_LENGTH = 48
NEW_TOKENS = 6


def tiny_encoded(count: int, *, seed: int = 0) -> list[Encoded]:
    """`tiny_texts`, every other one with a prompt, as the tiny models see them."""
    examples = [
        Example(id=f"t{i}", prompt="Who?\n" if i % 2 else "", completion=text)
        for i, text in enumerate(tiny_texts(count, seed=seed))
    ]
    return encode(examples, tiny_tokenizer(), max_length=MAX_LENGTH)


def tiny_job(
    folder: Path,
    *,
    learning_rate: float,
    texts: int = 16,
    batch_size: int = 4,
    checkpoints: Sequence[float] = (0.5, 1, 2),
    seed: int = 0,
) -> Job:
    """A training of seconds: `texts` generated texts, to the last of `checkpoints` (in epochs), without warm-up."""
    encoded = tiny_encoded(texts)
    training = Training(epochs=checkpoints[-1], batch_size=batch_size, checkpoints=tuple(checkpoints))
    return Job(
        training=training,
        learning_rate=learning_rate,
        warmup_steps=0,
        seed=seed,
        texts=encoded,
        batches=training.batches([len(text.ids) for text in encoded], entropy=(seed,)),
        steps=sorted(set(training.steps(texts=texts).values())),
        folder=folder,
        pad_id=0,
    )


def attached(method: Method, base: PreTrainedModel, *, seed: int = 0) -> Any:
    """The prepared model, never released: for a test that throws the base away."""
    manager = method.prepare(base, seed=seed)
    model: Any = manager.__enter__()
    model.kept_attached = manager  # dropped, it would release the base
    return model


def far_from(base: PreTrainedModel, kind: str, *, by: float = 0.3) -> Any:
    """The base with the method `kind` on it, whose trained weights have moved at random, by a normal number times `by`
    each, and which has 7 virtual tokens if any; the base as it is where `kind` is "base". In evaluation mode.
    """
    if kind == "base":
        return base
    model = attached(
        make_method({"name": kind, **({"tokens": 7} if kind in ("prompt", "prefix", "p_tuning") else {})}), base
    )
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for value in trained_parameters(model).values():
            value.add_(by * torch.randn(value.shape, generator=generator))
    return model.eval()


def check_method(method: Method, *, architecture: Architecture = "llama") -> None:
    """Raise AssertionError, saying which promise is broken, unless `method` keeps all of these on a tiny model.

    * It comes back from its JSON spec, is frozen and names its family.
    * It attaches the same trained parameters for the same seed, in fp32, and predicts as the base does then, or says
      that it does not (`starts_as_base`).
    * A training moves nothing else, its loss falls clearly at the largest of its learning rates, and a training that
      was killed and resumed ends with the same weights, bit by bit.
    * Scores are exactly alike after its weights were saved and loaded, do not move with batch, order and padding, and
      are those of the full logits behind the virtual tokens (to 1e-5 nats, which a tiny model keeps on any processor;
      `collect` says what a large one does).
    * Greedy answers do not move with batch, order and padding, and are those of the full logits.
    * The base is exactly as it was when the method is released, before a training and after.
    """
    _check_spec(method)
    with tempfile.TemporaryDirectory() as scratch:
        model_folder = save_tiny_model(Path(scratch) / "model", architecture)
        base: PreTrainedModel = AutoModelForCausalLM.from_pretrained(model_folder).requires_grad_(False).eval()
        before = _Snapshot.of(base)
        _check_preparation(method, base)
        _check_start(method, base, before.scores)
        before.compare(base, method, when="prepared and released")
        weights = _check_training(method, base, folder=Path(scratch) / "whole")
        before.compare(base, method, when="trained and released")
        _check_resumption(method, base, weights, folder=Path(scratch) / "killed")
        before.compare(base, method, when="killed, resumed and released")


def _check_spec(method: Method) -> None:
    spec = json.loads(json.dumps(method.spec()))
    again = make_method({**spec, "learning_rate": list(method.learning_rate)})
    assert again == method, f"{method.label}: does not come back from its JSON spec"
    assert "learning_rate" not in spec, f"{method.label}: the learning rate is no part of the spec, a cell has its own"
    assert method.family in get_args(Family), f"{method.label}: the family must be one of {get_args(Family)}"
    assert type(method).model_config.get("frozen"), f"{method.label}: must be frozen"
    named = all(part in method.label for part in method.name.split("+"))
    assert named, f"{method.label}: the label must hold the name"
    assert method.virtual_tokens >= 0, f"{method.label}: virtual tokens are counted from 0"


def _check_preparation(method: Method, base: PreTrainedModel) -> None:
    first, second = (_start(method, base, seed=3) for _ in range(2))
    assert first, f"{method.label}: nothing is trained"
    assert _equal(first, second), f"{method.label}: the same seed must give the same start"
    wrong = [name for name, value in first.items() if value.dtype != torch.float32]
    assert not wrong, f"{method.label}: trained weights must be fp32: {wrong[:3]}"


def _check_start(method: Method, base: PreTrainedModel, scores: TokenStats) -> None:
    with method.prepare(base, seed=0) as model:
        moved = np.abs(_scores(model).tokens["logp"] - scores.tokens["logp"]).max()
    assert (moved <= 1e-5) == method.starts_as_base, (
        f"{method.label}: attached and not trained it moves scores by {moved:.2g}, yet `starts_as_base` is "
        f"{method.starts_as_base}"
    )


def _start(method: Method, base: PreTrainedModel, *, seed: int) -> dict[str, Tensor]:
    with method.prepare(base, seed=seed) as model:
        return _copied(trained_parameters(model))


def _check_training(method: Method, base: PreTrainedModel, *, folder: Path) -> dict[str, Tensor]:
    """Train for ten epochs of four batches; returns the trained weights."""
    with method.prepare(base, seed=0) as model:
        frozen = _copied(_frozen(model))
        losses = train(model, _job(method, folder), progress=lambda _: None)
        assert _equal(_frozen(model), frozen), f"{method.label}: the training moved what is not declared as trained"
        first, last = np.mean(losses[:4]), np.mean(losses[-4:])
        assert last < first - 0.2, (
            f"{method.label}: in ten epochs the loss went from {first:.3f} to {last:.3f} nats only"
        )
        _check_scores(method, model)
        _check_answers(method, model)
        scores, weights = _scores(model), _copied(trained_parameters(model))
        save_weights(model, folder / "saved")
    with method.prepare(base, seed=1) as again:
        load_weights(again, folder / "saved")
        same = _same(scores, _scores(again))
        assert same, (
            f"{method.label}: scores change when the weights are saved, and loaded after a start with another seed: is "
            "something that is frozen drawn from `seed`?"
        )
    return weights


def _job(method: Method, folder: Path) -> Job:
    job = tiny_job(folder, learning_rate=max(method.learning_rate), checkpoints=(5, 10))
    return replace(job, rate_factor=method.rate_factor)


class _Killed(BaseException):
    """Stands for a signal: nothing on the way may catch it."""


def _check_resumption(method: Method, base: PreTrainedModel, weights: Mapping[str, Tensor], *, folder: Path) -> None:
    """Kill the same training between its checkpoints, and go on in a freshly prepared model."""
    job = _job(method, folder)
    steps = iter(range(len(job.batches)))

    def kill(_: int) -> None:
        if next(steps) == job.steps[0] + 2:
            raise _Killed

    with contextlib.suppress(_Killed), method.prepare(base, seed=0) as model:
        train(model, job, progress=kill)
    with method.prepare(base, seed=0) as model:
        train(model, job, progress=lambda _: None)
        same = _equal(trained_parameters(model), weights)
    assert same, f"{method.label}: a killed and resumed training ends with other weights than an undisturbed one"


def _check_scores(method: Method, model: Any) -> None:
    texts = tiny_encoded(8)
    table = collect(model, texts, pad_id=0)
    for batched in (collect(model, texts, pad_id=5, tokens_per_batch=1), collect(model, texts[::-1], pad_id=0)):
        for place, name in enumerate(batched.ids):
            difference = np.abs(_logp(batched, place) - _logp(table, table.ids.tolist().index(name))).max()
            assert difference <= 1e-5, f"{method.label}: scores move by {difference:.2g} with batch, order or padding"
    naive = np.concatenate([_naive(model, text, virtual=method.virtual_tokens) for text in texts])
    difference = np.abs(table.tokens["logp"] - naive).max()
    assert difference <= 1e-5, f"{method.label}: scores differ by {difference:.2g} from those of the full logits"


@torch.inference_mode()
def _naive(model: Any, text: Encoded, *, virtual: int) -> Tensor:
    """Log-probabilities from the full logits of one text; a prefix leaves no logits of its own, a prompt does."""
    logits = model(input_ids=torch.from_numpy(text.ids)[None]).logits[0].double()
    ahead = len(logits) - len(text.ids)
    assert ahead in (0, virtual), f"{ahead} positions ahead of the text, {virtual} virtual tokens declared"
    chosen = logits[ahead + text.first - 1 : ahead + text.end - 1].log_softmax(1)
    logp: Tensor = chosen.gather(1, torch.from_numpy(text.ids[text.first : text.end])[:, None])[:, 0]
    return logp


def _check_answers(method: Method, model: Any) -> None:
    prompts = [text.ids[: 2 + 2 * place] for place, text in enumerate(tiny_encoded(5))]
    naive = [_naive_answer(model, prompt) for prompt in prompts]
    for chosen in (prompts, prompts[::-1]):
        found = generate(model, chosen, limits=Limits(stop=(2,), max_new_tokens=NEW_TOKENS))
        same = [answer.tolist() for answer in found] == (naive if chosen is prompts else naive[::-1])
        assert same, f"{method.label}: batched answers differ from those of one text at a time"


@torch.inference_mode()
def _naive_answer(model: Any, prompt: Any) -> list[int]:
    """The greatest of the last full logits, again and again, through the wrapping as its library calls it."""
    ids = prompt.tolist()
    while len(ids) < len(prompt) + NEW_TOKENS:
        token = int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax())
        if token == 2:
            break
        ids.append(token)
    answer: list[int] = ids[len(prompt) :]
    return answer


def _logp(table: TokenStats, place: int) -> Any:
    return table.tokens["logp"][table.offsets[place] : table.offsets[place + 1]]


def _same(one: TokenStats, other: TokenStats) -> bool:
    return all(np.array_equal(values, other.tokens[name]) for name, values in one.tokens.items())


def _scores(model: Any) -> TokenStats:
    return collect(model.eval(), tiny_encoded(8), pad_id=0)


def _frozen(model: nn.Module) -> dict[str, Tensor]:
    trained = {id(value) for value in trained_parameters(model).values()}
    state = model.state_dict(keep_vars=True)
    return {name: value.detach() for name, value in state.items() if id(value) not in trained}


def _copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in tensors.items()}


def _equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return set(one) == set(other) and all(torch.equal(value, other[name]) for name, value in one.items())


@dataclass(frozen=True)
class _Snapshot:
    """Everything of a base that a method could leave changed."""

    weights: Mapping[str, Tensor]
    modules: Mapping[str, tuple[type, bool, frozenset[str]]]
    gradients: Mapping[str, tuple[bool, bool]]
    scores: TokenStats

    @classmethod
    def of(cls, base: PreTrainedModel) -> _Snapshot:
        return cls(
            weights=_copied(base.state_dict()),
            modules={
                name: (type(module), module.training, frozenset(vars(module))) for name, module in base.named_modules()
            },
            gradients={name: (value.requires_grad, value.grad is not None) for name, value in base.named_parameters()},
            scores=collect(base, tiny_encoded(8), pad_id=0),
        )

    def compare(self, base: PreTrainedModel, method: Method, *, when: str) -> None:
        now = _Snapshot.of(base)
        changed = {name for name in {*self.modules, *now.modules} if self.modules.get(name) != now.modules.get(name)}
        assert not changed, f"{method.label}, {when}: modules of the base were changed or left behind: {_few(changed)}"
        assert _equal(self.weights, now.weights), (
            f"{method.label}, {when}: the weights of the base are not what they were"
        )
        assert self.gradients == now.gradients, f"{method.label}, {when}: the base requires or keeps gradients"
        same = all(np.array_equal(values, now.scores.tokens[name]) for name, values in self.scores.tokens.items())
        assert same, f"{method.label}, {when}: the base scores differently"


def _few(names: set[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names)[:5])
