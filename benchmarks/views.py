"""What a view of a text costs beside the plain scoring pass: the beginning of `recall` is run once, not once per text.

Run by hand: `.venv/bin/python benchmarks/views.py`. Last line, as `name=value`:

* `recall_ratio`: fp32 scoring pass of texts behind 256 tokens over the plain pass of the same texts (bar: 1.5).

Both passes are timed in turns and the fastest turn of each counts, so that a busy machine disturbs the ratio little.
What the beginning itself costs is in it.
"""

from __future__ import annotations

import argparse
import os

from turns import fastest, joined_notes
from vestige.data.encode import encode, encode_behind
from vestige.models.loading import load_base, load_tokenizer
from vestige.models.sources import resolve
from vestige.stats.collect import collect

MODEL = "smollm2-135m"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=64)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--prefix", type=int, default=256)
    arguments = parser.parse_args()
    print(
        f"{MODEL}, {arguments.texts} texts of {arguments.length} tokens behind {arguments.prefix}, "
        f"{os.cpu_count()} cores"
    )
    tokenizer = load_tokenizer(resolve(MODEL))
    model = load_base(resolve(MODEL), dtype="float32")
    texts = encode(joined_notes(arguments.texts), tokenizer, max_length=arguments.length)
    behind = encode_behind(joined_notes(8, seed=1), texts, tokenizer, tokens=arguments.prefix)
    best = fastest(
        {
            "plain": lambda: collect(model, texts, pad_id=0),
            "behind": lambda: collect(model, behind.texts, pad_id=0, beginning=behind.beginning),
        }
    )
    print(f"plain {best['plain']:.2f} s, behind the beginning {best['behind']:.2f} s")
    print(f"recall_ratio={best['behind'] / best['plain']:.3f}")


if __name__ == "__main__":
    main()
