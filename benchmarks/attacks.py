"""What the attacks cost once the views are collected: all of them on 2,000 texts, and how that grows to 50,000.

Run by hand, on one core: `OMP_NUM_THREADS=1 .venv/bin/python benchmarks/attacks.py`. Last line, as `name=value`:

* `seconds`: the attacks that read nothing but what target and base say of texts as they are (`served`), on 2,000 texts
  of 128 stored tokens (bar: 2);
* `growth`: time per text at 50,000 texts over time per text at 2,000 (bar: 1.5).

The line before it, `memory_mib`: the most that any attack holds beside the tables at 50,000 texts (the tables take
about 230 MiB; bar: 64).

The fastest of several turns counts, but for the large set, which has one.
"""

from __future__ import annotations

import argparse
import os
import time
import tracemalloc

import numpy as np

from vestige.attacks import Tables, discover, make_attack
from vestige.attacks.base import COUNTS, Attack, score_in_blocks
from vestige.attacks.needs.base import Beside
from vestige.records import TokenCounts, TokenStats, View

VOCABULARY = 50_000
TURNS = 3


def tables(texts: int, *, length: int) -> Tables:
    """Random tables of the stored types: texts of `length` tokens, target and base."""
    generator = np.random.default_rng(0)
    ids = np.array([f"t{i:06d}" for i in range(texts)])
    offsets = np.arange(texts + 1, dtype=np.int64) * length
    total = texts * length
    token_id = generator.integers(0, VOCABULARY, size=total, dtype=np.int32)
    sizes = generator.integers(200, 400, size=texts, dtype=np.int32)
    views = {}
    for view in (View("target"), View("base")):
        tokens = {
            "token_id": token_id,
            "logp": -generator.exponential(3, size=total).astype(np.float32),
            "mean_logp": -generator.exponential(2, size=total).astype(np.float32),
            "var_logp": generator.exponential(2, size=total).astype(np.float32),
            "rank": generator.geometric(0.3, size=total).astype(np.int32) - 1,
        }
        views[view] = TokenStats(ids=ids, offsets=offsets, tokens=tokens, texts={"zlib_bytes": sizes})
    counts = TokenCounts(generator.integers(0, 100, size=VOCABULARY))
    return Tables(views, {COUNTS: counts})


def served(given: Tables) -> list[str]:
    """The built-in attacks that such tables are enough for: no other form of a text, no shadow, no gradients, no other
    cells, and nothing learned.
    """
    built_in = [make_attack(name) for name in discover().own()]
    return [one.name for one in built_in if _is_served(one, given)]


def _is_served(attack: Attack, given: Tables) -> bool:
    beside = {need for need in attack.reads if isinstance(need, Beside)}
    return beside <= set(given.beside) and {view for need in attack.reads for view in need.views} <= set(given.views)


def timed(name: str, given: Tables, *, turns: int) -> float:
    """Seconds of the fastest turn of one attack."""
    attack = make_attack(name)
    best = float("inf")
    for _ in range(turns):
        began = time.perf_counter()
        score_in_blocks(attack, given)
        best = min(best, time.perf_counter() - began)
    return best


def memory(name: str, given: Tables) -> float:
    """The most that one attack allocates at a time, in MiB; NumPy tells tracemalloc of its arrays."""
    attack = make_attack(name)
    tracemalloc.start()
    score_in_blocks(attack, given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=2_000)
    parser.add_argument("--many", type=int, default=50_000)
    parser.add_argument("--length", type=int, default=128)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    few, many = (tables(texts, length=arguments.length) for texts in (arguments.few, arguments.many))
    names = served(few)
    small = {name: timed(name, few, turns=TURNS) for name in names}
    large = {name: timed(name, many, turns=1) for name in names}
    smaller = arguments.few / arguments.many
    for name in names:
        cost = f"{small[name] * 1e3:7.1f} ms for {arguments.few:,}, {large[name]:6.2f} s for {arguments.many:,}"
        print(f"{name:14} {cost}: {large[name] / small[name] * smaller:.2f}")
    growth = sum(large.values()) / sum(small.values()) * smaller
    print(f"memory_mib={max(memory(name, many) for name in names):.0f}")
    print(f"seconds={sum(small.values()):.3f} growth={growth:.2f}")


if __name__ == "__main__":
    main()
