"""What the training loop costs: head tuning on cached states against its bound, LoRA against a bare loop.

Run by hand: `.venv/bin/python benchmarks/tuning.py`. Last line, as `name=value`:

* `head_cached_ratio`: time of an epoch of head tuning that runs the trunk, over the time of one on cached states, from
  epoch 2 on;
* `head_bound`: what that could be at best, t_full / (t_full − t_trunk), from the same run (bar: ratio ≥ 0.9 × bound);
* `lora_ratio`: tokens per second of the training loop over those of a bare loop of forward, backward and AdamW on the
  same batches (bar: 0.95).

Loops are timed in turns and the fastest turn of each counts, so that a busy machine disturbs the ratios little. The
first epoch of every turn warms up and is not counted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from vestige.data.case_notes import case_notes
from vestige.data.encode import Encoded, encode
from vestige.models.head import base_of, head_taken_out, logit_adjustment, output_head
from vestige.models.loading import load_base, load_tokenizer
from vestige.models.sources import get, resolve
from vestige.records import Example
from vestige.tuning.batch import collate, trained_positions
from vestige.tuning.checkpoint import trained_parameters
from vestige.tuning.methods.head import Head
from vestige.tuning.methods.lora import Lora
from vestige.tuning.schedule import Training
from vestige.tuning.train import Job, isolated_rng, train

MODEL = "smollm2-135m"
BATCH = 8
TURNS = 3


def texts(count: int) -> list[Encoded]:
    """Case notes with their prompts."""
    notes = case_notes(count, seed=0)
    examples = [Example(note.id, note.prompt, note.notes[0]) for note in notes]
    return encode(examples, load_tokenizer(resolve(MODEL)), max_length=160)


def job_over(encoded: list[Encoded], folder: Path, *, epochs: int) -> Job:
    """A training without warm-up that keeps its last weights."""
    training = Training(epochs=epochs, batch_size=BATCH, checkpoints=(epochs,))
    return Job(
        training=training,
        learning_rate=1e-4,
        warmup_steps=0,
        seed=0,
        texts=encoded,
        batches=training.batches([len(text.ids) for text in encoded], entropy=(0,)),
        steps=[training.step_of(epochs, texts=len(encoded))],
        folder=folder,
        pad_id=0,
    )


def trained(method: Head | Lora, base: PreTrainedModel, encoded: list[Encoded], *, epochs: int) -> float:
    """Seconds of an epoch of the training loop, the first one and the saving of weights left out."""
    ends: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        isolated_rng(0),
        method.prepare(base, seed=0) as model,
    ):
        train(
            model, job_over(encoded, Path(folder), epochs=epochs), progress=lambda _: ends.append(time.perf_counter())
        )
    first = len(ends) // epochs
    return (ends[-1] - ends[first - 1]) / (epochs - 1)


def batches(encoded: list[Encoded], *, epochs: int) -> Iterator[dict[str, torch.Tensor]]:
    """What the training loop meets, collated."""
    job = job_over(encoded, Path(), epochs=epochs)
    for batch in job.batches:
        yield collate([encoded[index] for index in batch], pad_id=0)


def timed(step: Callable[[dict[str, torch.Tensor]], None], encoded: list[Encoded], *, epochs: int) -> float:
    """Seconds of an epoch of a bare loop, the first one left out."""
    ends = []
    for batch in batches(encoded, epochs=epochs):
        step(batch)
        ends.append(time.perf_counter())
    first = len(ends) // epochs
    return (ends[-1] - ends[first - 1]) / (epochs - 1)


def bare(method: Lora, base: PreTrainedModel, encoded: list[Encoded], *, epochs: int) -> float:
    """The loop that everybody would write."""
    with isolated_rng(0), method.prepare(base, seed=0) as prepared:
        model: Any = prepared.train()
        optimizer = torch.optim.AdamW(trained_parameters(model).values(), lr=1e-4, weight_decay=0.0, fused=True)

        def step(batch: dict[str, torch.Tensor]) -> None:
            model(**batch, use_cache=False).loss.backward()
            optimizer.step()
            optimizer.zero_grad()

        seconds = timed(step, encoded, epochs=epochs)
        model.eval()
        return seconds


def uncached(base: PreTrainedModel, encoded: list[Encoded], *, epochs: int, trunk_only: bool) -> float:
    """Head tuning that runs the trunk in every step, or the trunk alone."""
    with isolated_rng(0), Head().prepare(base, seed=0) as model:
        core, head, adjust = base_of(model), output_head(base_of(model)), logit_adjustment(base_of(model))
        optimizer = torch.optim.AdamW(trained_parameters(model).values(), lr=1e-4, weight_decay=0.0, fused=True)

        def step(batch: dict[str, torch.Tensor]) -> None:
            labels = batch["labels"]
            positions = trained_positions(labels)
            with torch.no_grad(), head_taken_out(core) as hidden_states:
                core(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False)
            hidden = hidden_states()[:, :-1][positions]
            if not trunk_only:
                logits = adjust(head(hidden))
                torch.nn.functional.cross_entropy(logits.float(), labels[:, 1:][positions]).backward()
                torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()

        return timed(step, encoded, epochs=epochs)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=32)
    parser.add_argument("--dtype", choices=["bfloat16", "float32"], default="bfloat16")
    given = parser.parse_args()
    get(MODEL)
    base = load_base(resolve(MODEL), dtype=given.dtype)
    encoded = texts(given.texts)
    loops: dict[str, Callable[[], float]] = {
        "trunk": lambda: uncached(base, encoded, epochs=2, trunk_only=True),
        "full": lambda: uncached(base, encoded, epochs=2, trunk_only=False),
        "cached": lambda: trained(Head(), base, encoded, epochs=3),
        "bare": lambda: bare(Lora(), base, encoded, epochs=2),
        "lora": lambda: trained(Lora(), base, encoded, epochs=2),
    }
    best = dict.fromkeys(loops, float("inf"))
    for _ in range(TURNS):
        for name, loop in loops.items():
            best[name] = min(best[name], loop())
    print(f"{MODEL}, {given.dtype}, {len(encoded)} texts, {torch.get_num_threads()} threads")
    print(", ".join(f"{name} {seconds:.2f} s" for name, seconds in best.items()), "for an epoch")
    print(
        f"head_cached_ratio={best['full'] / best['cached']:.2f} "
        f"head_bound={best['full'] / (best['full'] - best['trunk']):.2f} "
        f"lora_ratio={best['bare'] / best['lora']:.3f}"
    )


if __name__ == "__main__":
    main()
