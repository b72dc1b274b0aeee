"""The training loop: its loss, its resumption after a kill, its failures, and what it leaves behind (nothing)."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vestige.data.encode import Encoded
from vestige.errors import TuningError
from vestige.stats.collect import collect
from vestige.testing.methods import attached, tiny_encoded, tiny_job
from vestige.testing.models import Architecture, tiny_model
from vestige.tuning.batch import IGNORED, collate
from vestige.tuning.checkpoint import WEIGHTS, load_tensors, trained_parameters
from vestige.tuning.methods import make_method
from vestige.tuning.methods.base import Method
from vestige.tuning.methods.hybrid import LoraPrompt
from vestige.tuning.methods.lora import Lora
from vestige.tuning.methods.prompt import Prompt
from vestige.tuning.train import CHECKPOINTS, CellTrainer, Job, isolated_rng, train

DROPOUT = Lora(dropout=0.3)


class Killed(BaseException):
    """Stands for a signal: nothing on the way may catch it."""


def prepared(method: Method = DROPOUT, architecture: Architecture = "gpt2") -> Any:
    """GPT-2 has dropout of its own, beside LoRA's."""
    return attached(method, tiny_model(architecture).requires_grad_(False))


def run(job: Job, *, method: Method = DROPOUT, kill_after: int | None = None) -> list[float]:
    steps = 0

    def progress(tokens: int) -> None:
        nonlocal steps
        assert tokens > 0
        steps += 1
        if steps == kill_after:
            raise Killed

    return train(prepared(method), job, progress=progress)


def weights(folder: Path) -> dict[str, bytes]:
    found = (folder / CHECKPOINTS).rglob(WEIGHTS)
    return {path.parent.name: path.read_bytes() for path in found}


# The loss


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "gemma2", "cohere", "granite"])
@pytest.mark.parametrize("name", ["lora", "prompt"])
def test_the_loss_is_the_mean_over_trained_tokens_of_the_full_logits(
    tmp_path: Path, name: str, architecture: Architecture
) -> None:
    model = prepared(make_method({"name": name}), architecture).eval()
    job = tiny_job(tmp_path, learning_rate=1e-3)
    batch = collate(tiny_encoded(6), pad_id=0)
    with isolated_rng(0):
        found = CellTrainer(model, job, progress=lambda _: None).compute_loss(model, batch)
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.double()
    logits = logits[:, logits.shape[1] - batch["labels"].shape[1] :]
    expected = torch.nn.functional.cross_entropy(logits[:, :-1].mT, batch["labels"][:, 1:])
    assert found.item() == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize("name", ["lora", "prompt", "prefix", "head"])
@pytest.mark.parametrize("change", [{"gradient_accumulation": 3}, {"gradient_checkpointing": True}], ids=str)
def test_saving_memory_does_not_change_the_training(tmp_path: Path, name: str, change: dict[str, Any]) -> None:
    method = make_method({"name": name})
    if not method.recomputable and "gradient_checkpointing" in change:
        pytest.skip("refused by the study: see tests/unit/study/test_spec.py")
    plain = tiny_job(tmp_path / "plain", learning_rate=1e-2, texts=18)
    thrifty = dataclasses.replace(plain, training=plain.training.model_copy(update=change), folder=tmp_path / "thrifty")
    ends, losses = [], []
    for job in (plain, thrifty):
        base = tiny_model("llama").requires_grad_(False)
        with method.prepare(base, seed=0) as model:
            losses.append(train(model, job, progress=lambda _: None))
            ends.append({name: value.detach().clone() for name, value in trained_parameters(model).items()})
        assert not base.is_activation_checkpointing
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    assert all(torch.allclose(value, ends[1][name], atol=1e-3) for name, value in ends[0].items())


def test_gradient_checkpointing_does_compute_anew(tmp_path: Path) -> None:
    job = tiny_job(tmp_path, learning_rate=1e-3, checkpoints=(1,))
    calls = []
    for recompute in (False, True):
        base = tiny_model("llama").requires_grad_(False)
        count = [0]  # before the layer runs: recomputing stops as soon as it has all that it needs
        base.get_submodule("model.layers.0.mlp").register_forward_pre_hook(_counting(count))
        training = job.training.model_copy(update={"gradient_checkpointing": recompute})
        with DROPOUT.prepare(base, seed=0) as model:
            train(
                model, dataclasses.replace(job, training=training, folder=tmp_path / str(recompute)), progress=_ignore
            )
        calls.append(count[0])
    assert calls[1] == 2 * calls[0]


def _counting(count: list[int]) -> Any:
    def hook(*_: Any) -> None:
        count[0] += 1

    return hook


def _ignore(_: int) -> None:
    pass


def test_parts_of_a_hybrid_have_learning_rates_of_their_own(tmp_path: Path) -> None:
    method = LoraPrompt(ratio=50)
    job = dataclasses.replace(tiny_job(tmp_path, learning_rate=1e-3), rate_factor=method.rate_factor)
    with isolated_rng(0), method.prepare(tiny_model("llama").requires_grad_(False), seed=0) as model:
        groups = CellTrainer(model, job, progress=_ignore).create_optimizer().param_groups
        rates = {id(value): group["lr"] for group in groups for value in group["params"]}
        found = {name: rates[id(value)] for name, value in trained_parameters(model).items()}
    assert {rate for name, rate in found.items() if "lora_" in name} == {1e-3}
    assert {rate for name, rate in found.items() if "prompt_encoder" in name} == {0.05}
    assert len(set(found.values())) == 2


@pytest.mark.parametrize("name", ["lora", "prompt"])
def test_the_gradient_is_that_of_the_models_own_loss(tmp_path: Path, name: str) -> None:
    gradients = []
    for own in (True, False):
        model = prepared(make_method({"name": name}), "llama").eval()
        batch = collate(tiny_encoded(6), pad_id=0)
        job = tiny_job(tmp_path, learning_rate=1e-3)
        with isolated_rng(0):
            trainer = CellTrainer(model, job, progress=lambda _: None)
            loss = model(**batch).loss if own else trainer.compute_loss(model, batch)
        loss.backward()
        gradients.append([value.grad for value in trained_parameters(model).values()])
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-6)
    assert any(one is not None and bool(one.any()) for one in gradients[0])


def test_labels_are_the_completion_and_eos() -> None:
    plain = Encoded("plain", np.array([5, 6, 7, 2]), 1, 3, False, 0, 0)
    prompted = Encoded("prompted", np.array([5, 6, 7, 8, 9, 2]), 3, 5, False, 0, 0)
    batch = collate([plain, prompted], pad_id=0)
    assert batch["input_ids"].tolist() == [[5, 6, 7, 2, 0, 0], [5, 6, 7, 8, 9, 2]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 0, 0], [1] * 6]
    no = IGNORED
    assert batch["labels"].tolist() == [[no, 6, 7, 2, no, no], [no, no, no, 8, 9, 2]]


def test_one_loss_a_step_and_one_checkpoint_a_step_that_was_asked_for(tmp_path: Path) -> None:
    job = tiny_job(tmp_path, learning_rate=1e-3, texts=18, checkpoints=(0.2, 0.5, 1, 2))
    losses = run(job)
    assert len(losses) == len(job.batches) == 10
    assert sorted(map(int, weights(tmp_path))) == [1, 2, 5, 10]
    assert len(set(weights(tmp_path).values())) == 4


def test_the_last_checkpoint_is_the_model_in_memory(tmp_path: Path) -> None:
    model = prepared()
    train(model, tiny_job(tmp_path, learning_rate=1e-3), progress=lambda _: None)
    stored = load_tensors(tmp_path / CHECKPOINTS / "8" / WEIGHTS)
    own = trained_parameters(model)
    assert set(stored) == set(own)
    assert all(torch.equal(stored[name], own[name]) for name in own)


def test_the_learning_rate_is_constant_after_the_warm_up(tmp_path: Path) -> None:
    job = dataclasses.replace(tiny_job(tmp_path, learning_rate=0.01, checkpoints=(3,)), warmup_steps=4)
    seen = []
    with isolated_rng(0):
        trainer = CellTrainer(prepared(), job, progress=lambda _: seen.append(trainer.lr_scheduler.get_last_lr()[0]))  # type: ignore[union-attr]
        trainer.train()
    assert seen == pytest.approx([0, 0.0025, 0.005, 0.0075, *[0.01] * 8])


# Repeatable, resumable


@pytest.mark.parametrize("method", [DROPOUT, Prompt(tokens=3)], ids=lambda method: method.name)
@pytest.mark.parametrize("kill_after", [1, 2, 3, 4, 7, 8])
def test_a_killed_training_ends_with_the_same_bytes(tmp_path: Path, method: Method, kill_after: int) -> None:
    """Checkpoints at steps 2, 4 and 8: killed before any, on one, between two, and on the last step."""
    undisturbed = tiny_job(tmp_path / "undisturbed", learning_rate=1e-2)
    expected = run(undisturbed, method=method)
    job = tiny_job(tmp_path / "killed", learning_rate=1e-2)
    with pytest.raises(Killed):
        run(job, method=method, kill_after=kill_after)
    assert run(job, method=method) == expected
    assert weights(job.folder) == weights(undisturbed.folder)


def test_a_training_killed_at_every_step_gets_there(tmp_path: Path) -> None:
    """At most the work since the last checkpoint is lost, so that every attempt goes on where the last one got to."""
    expected = run(tiny_job(tmp_path / "undisturbed", learning_rate=1e-2))
    job = tiny_job(tmp_path / "killed", learning_rate=1e-2)
    for _ in range(3):
        with pytest.raises(Killed):
            run(job, kill_after=3)
    assert run(job) == expected
    assert weights(job.folder) == weights(tmp_path / "undisturbed")


def test_a_finished_training_is_not_trained_on(tmp_path: Path) -> None:
    job = tiny_job(tmp_path, learning_rate=1e-2)
    losses = run(job)
    assert run(job, kill_after=1) == losses


def test_half_written_state_is_not_gone_on_from(tmp_path: Path) -> None:
    expected = run(tiny_job(tmp_path / "undisturbed", learning_rate=1e-2))
    job = tiny_job(tmp_path / "killed", learning_rate=1e-2)
    with pytest.raises(Killed):
        run(job, kill_after=3)
    draft = job.folder / "state" / ".4"
    draft.mkdir()
    (draft / "losses.json").write_text("[1,")
    assert run(job) == expected


def test_dropout_is_on_and_drawn_from_the_seed_of_the_job(tmp_path: Path) -> None:
    jobs = [tiny_job(tmp_path / str(i), learning_rate=1e-3) for i in range(2)]
    other = dataclasses.replace(tiny_job(tmp_path / "other", learning_rate=1e-3), seed=1)
    assert run(jobs[0]) == run(jobs[1]) != run(other)


def test_the_callers_generators_neither_matter_nor_move(tmp_path: Path) -> None:
    expected = run(tiny_job(tmp_path / "one", learning_rate=1e-3))
    model = prepared()
    torch.manual_seed(99)
    np.random.seed(98)  # noqa: NPY002  # the global state is what this test is about
    random.seed(97)
    before = _generators()
    assert train(model, tiny_job(tmp_path / "two", learning_rate=1e-3), progress=lambda _: None) == expected
    assert _generators() == before


def _generators() -> tuple[object, ...]:
    return torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate()  # noqa: NPY002


def test_nothing_is_pickled_and_only_the_latest_state_is_kept(tmp_path: Path) -> None:
    run(tiny_job(tmp_path, learning_rate=1e-3))
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} == {".safetensors", ".json"}
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["8"]


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
def test_the_lent_base_is_back_in_evaluation_mode(tmp_path: Path, architecture: Architecture) -> None:
    base = tiny_model(architecture).requires_grad_(False)
    before = collect(base, tiny_encoded(8), pad_id=0)
    with DROPOUT.prepare(base, seed=0) as model:
        train(model, tiny_job(tmp_path, learning_rate=1e-2), progress=lambda _: None)
    assert not any(module.training for module in base.modules())
    assert np.array_equal(collect(base, tiny_encoded(8), pad_id=0).tokens["logp"], before.tokens["logp"])


# Failures


def test_a_loss_that_is_not_finite_names_step_and_learning_rate(tmp_path: Path) -> None:
    with pytest.raises(TuningError, match=r"became (nan|inf) at step \d with learning rate 1e\+30\. Try a lower"):
        run(tiny_job(tmp_path, learning_rate=1e30))


def test_poisoned_weights_fail_at_the_first_step(tmp_path: Path) -> None:
    model = prepared()
    with torch.no_grad():
        next(iter(trained_parameters(model).values())).fill_(float("nan"))
    with pytest.raises(TuningError, match="nan at step 1"):
        train(model, tiny_job(tmp_path, learning_rate=1e-3), progress=lambda _: None)


def test_a_failed_training_leaves_the_generators_and_the_base_as_they_were(tmp_path: Path) -> None:
    base = tiny_model("gpt2").requires_grad_(False)
    with DROPOUT.prepare(base, seed=0) as model:
        before = torch.get_rng_state()
        with pytest.raises(TuningError):
            train(model, tiny_job(tmp_path, learning_rate=1e30), progress=lambda _: None)
    assert torch.equal(torch.get_rng_state(), before)
    assert not any(module.training for module in base.modules())
