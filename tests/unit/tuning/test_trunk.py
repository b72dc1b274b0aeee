"""Head tuning on hidden states that are computed once: the same weights as with a forward pass in every step."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vestige.models.head import output_head
from vestige.testing.methods import tiny_encoded, tiny_job
from vestige.testing.models import Architecture, tiny_model
from vestige.tuning.batch import IGNORED, collate
from vestige.tuning.methods import make_method
from vestige.tuning.methods.head import Head
from vestige.tuning.train import Job, train
from vestige.tuning.trunk import states_of, trains_head_only


def slowly(job: Job, architecture: Architecture) -> torch.Tensor:
    """The trained head after a plain loop of full forward passes, backward and AdamW."""
    base = tiny_model(architecture).requires_grad_(False)
    with Head().prepare(base, seed=0) as model:
        weights = [value for value in model.parameters() if value.requires_grad]
        optimizer = torch.optim.AdamW(weights, lr=job.learning_rate, weight_decay=0.0)
        for batch in job.batches:
            inputs = collate([job.texts[index] for index in batch], pad_id=0)
            logits = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits
            loss = torch.nn.functional.cross_entropy(
                logits[:, :-1].mT.float(), inputs["labels"][:, 1:], ignore_index=IGNORED
            )
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, job.training.clip)
            optimizer.step()
            optimizer.zero_grad()
        return output_head(model).get_parameter("weight").detach().clone()


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "gemma2", "granite"])
def test_ends_with_the_weights_of_the_slow_path(tmp_path: Path, architecture: Architecture) -> None:
    """GPT-2's trunk has dropout, which a frozen one does without; Gemma 2 caps its logits, Granite scales them."""
    job = tiny_job(tmp_path, learning_rate=1e-3)
    base = tiny_model(architecture).requires_grad_(False)
    before = output_head(base).get_parameter("weight").detach().clone()
    with Head().prepare(base, seed=0) as model:
        train(model, job, progress=lambda _: None)
        found = output_head(model).get_parameter("weight").detach().clone()
    assert (found - slowly(job, architecture)).abs().max() <= 1e-5
    assert (found - before).abs().max() > 1e-3


def test_the_trunk_runs_once_for_each_text(tmp_path: Path) -> None:
    base = tiny_model("llama").requires_grad_(False)
    rows = []
    base.get_submodule("model.layers.0").register_forward_hook(lambda module, args, output: rows.append(len(args[0])))
    with Head().prepare(base, seed=0) as model:
        train(model, tiny_job(tmp_path, learning_rate=1e-3, texts=18, checkpoints=(3,)), progress=lambda _: None)
    assert sum(rows) == 18


@pytest.mark.parametrize("name", ["full", "lora", "prompt", "lora+head", "prompt+head"])
def test_other_methods_need_their_trunk(name: str) -> None:
    with make_method({"name": name}).prepare(tiny_model("llama").requires_grad_(False), seed=0) as model:
        assert not trains_head_only(model)


def test_a_tied_head_is_the_input_layer_too() -> None:
    base = tiny_model("llama").requires_grad_(False)
    output_head(base).requires_grad_(True)
    assert not trains_head_only(base)


def test_states_do_not_depend_on_the_company_of_a_text() -> None:
    base, texts = tiny_model("gpt2").train(), tiny_encoded(40)
    together = states_of(base, texts, pad_id=0)
    alone = [states_of(base, [text], pad_id=3)[0] for text in texts]
    for one, other, text in zip(together, alone, texts, strict=True):
        assert torch.allclose(one.hidden, other.hidden, atol=1e-5)
        assert one.targets.tolist() == other.targets.tolist() == text.ids[text.first :].tolist()
        assert one.n_tokens == len(text.ids)
