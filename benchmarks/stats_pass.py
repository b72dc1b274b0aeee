"""What the scoring pass costs: against a bare `model(**batch)` over the same batches, and against a pass that keeps
the logits.

Run by hand: `.venv/bin/python benchmarks/stats_pass.py`. Last line, as `name=value`:

* `time_ratio`: fp32 scoring pass over bare fp32 forward (bar: 1.15);
* `bf16_ratio`: bf16 scoring pass with its fp32 head over bare bf16 forward (bar: 1.8);
* `memory_ratio`: peak memory above the weights, fp32 scoring pass over a pass that keeps the logits (bar: 0.25).

Both passes are timed in turns and the fastest turn of each counts, so that a busy machine disturbs the ratio little.
Memory is the peak of the resident set in a process of its own, above what it held when the model was loaded and had
run once.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from turns import fastest, joined_notes
from vestige.data.encode import Encoded, encode
from vestige.models.loading import Dtype, load_base, load_tokenizer
from vestige.models.sources import resolve

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MODEL = "smollm2-135m"


def texts(count: int, *, length: int) -> list[Encoded]:
    """Case notes without their prompts, joined to texts of `length` tokens, all of them scored but the first."""
    return encode(joined_notes(count), load_tokenizer(resolve(MODEL)), max_length=length)


def bare(model: PreTrainedModel, encoded: list[Encoded], *, keep: bool = False) -> None:
    """A plain forward over the batches that the scoring pass makes; with `keep` it holds the logits and their
    log-softmax.
    """
    import torch

    from vestige.stats.collect import TOKENS_PER_BATCH, batches, input_lengths, inputs_of

    with torch.inference_mode():
        for batch in batches(input_lengths(encoded), range(len(encoded)), tokens_per_batch=TOKENS_PER_BATCH):
            inputs = inputs_of([encoded[index] for index in batch], pad_id=0, device=model.device)
            logits = model(**inputs, use_cache=False).logits
            if keep:
                torch.log_softmax(logits.float(), -1).gather(-1, inputs["input_ids"][:, :, None]).sum()


def scored(model: PreTrainedModel, encoded: list[Encoded]) -> None:
    """The scoring pass."""
    from vestige.stats.collect import collect

    collect(model, encoded, pad_id=0)


def time_ratio(dtype: Dtype, encoded: list[Encoded]) -> float:
    """Fastest turn of the scoring pass over the fastest turn of the bare forward."""
    model = load_base(resolve(MODEL), dtype=dtype)
    best = fastest({"bare": lambda: bare(model, encoded), "scored": lambda: scored(model, encoded)})
    tokens = sum(len(text.ids) for text in encoded)
    print(
        f"{dtype}: bare {best['bare'] / tokens * 1e3:.3f} ms/token, scored {best['scored'] / tokens * 1e3:.3f} ms/token"
    )
    return best["scored"] / best["bare"]


def peak_above_weights(which: str, count: int, length: int, answer: Connection) -> None:
    """In a process of its own: bytes of the resident set at its peak above those at rest with the model in memory."""
    encoded = texts(count, length=length)
    model = load_base(resolve(MODEL), dtype="float32")
    bare(model, encoded[:1])
    at_rest = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    if which == "scored":
        scored(model, encoded)
    else:
        bare(model, encoded, keep=True)
    answer.send(resident("VmHWM") - at_rest)


def resident(field: str) -> int:
    """A field of /proc/self/status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(field)))


def memory_ratio(count: int, *, length: int) -> float:
    """Peak of the scoring pass over the peak of the pass that keeps the logits."""
    peaks = {}
    for which in ("scored", "kept"):
        receiver, sender = multiprocessing.get_context("spawn").Pipe(duplex=False)
        process = multiprocessing.get_context("spawn").Process(
            target=peak_above_weights, args=(which, count, length, sender)
        )
        process.start()
        peaks[which] = receiver.recv()
        process.join()
        print(f"{which}: {peaks[which] / 2**20:.0f} MiB above the weights")
    return float(peaks["scored"] / peaks["kept"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=64)
    parser.add_argument("--length", type=int, default=128)
    arguments = parser.parse_args()
    print(f"{MODEL}, {arguments.texts} texts of {arguments.length} tokens, {os.cpu_count()} cores")
    encoded = texts(arguments.texts, length=arguments.length)
    memory = memory_ratio(arguments.texts, length=arguments.length)
    fp32 = time_ratio("float32", encoded)
    bf16 = time_ratio("bfloat16", encoded)
    print(f"time_ratio={fp32:.3f} bf16_ratio={bf16:.3f} memory_ratio={memory:.3f}")


if __name__ == "__main__":
    main()
