"""How good a family of pretrained sizes is: held-out loss against parameters, on logarithmic axes.

`.venv/bin/python benchmarks/family.py studies/cpu/scaling.toml`, after a run of it: a row for each `scratch:` base of
the study with what its pretraining came to and the sha256 of its weights, then for parameters with and without
embeddings the line of log(loss) against log(parameters): slope, R², and the curvature that a parabola has (its 95%
interval by Student's t with points − 3 degrees of freedom). Last line, as `name=value`: both R² (bar: .97, or the
curvature reported).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from scipy.stats import t

from vestige.api import finished
from vestige.metrics.scaling import line_weights, r_squared
from vestige.models.places import is_scratch
from vestige.store.io import sha256_of
from vestige.study.stages.pretrain import Pretrained, model_folder, pretrained_of


def curvature(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The square's coefficient in the least-squares parabola, and the half-width of its 95% interval."""
    design = np.vander(x - x.mean(), 3)
    found, *_ = np.linalg.lstsq(design, y, rcond=None)
    freedom = len(x) - 3
    variance = np.sum((y - design @ found) ** 2) / freedom
    spread = np.sqrt(variance * np.linalg.inv(design.T @ design)[0, 0])
    return float(found[0]), float(spread * t.ppf(0.975, freedom))


def line(name: str, sizes: list[int], made: list[Pretrained]) -> float:
    """Print the fit over these sizes; R²."""
    x, y = np.log10(sizes), np.log10([one.held_out for one in made])
    slope, squared = line_weights(x) @ y, r_squared(x, y)
    bend, half = curvature(x, y)
    print(f"{name}: log loss = {slope:+.4f} · log parameters, R² {squared:.4f}, curvature {bend:+.4f} ± {half:.4f}")
    return squared


def main() -> None:
    """Print the table, in Markdown, and the fits."""
    plan = finished(Path(sys.argv[1]), say=print)
    made, bases = [], [base.model for base in plan.study.base if is_scratch(base.model)]
    print(
        "| model | parameters | without embeddings | tokens | held-out loss, nats per token | sha256 of its weights |"
    )
    print("|---|---|---|---|---|---|")
    for name in bases:
        address = plan.choice.catalogue.pretrain(name).address
        one = pretrained_of(plan.store, address)
        digest = sha256_of(model_folder(plan.store, address) / "model.safetensors")
        cells = (name, f"{one.parameters:,}", f"{one.inner:,}", f"{one.tokens:,}", f"{one.held_out:.4f}", digest)
        print("|", " | ".join(cells), "|", flush=True)
        made.append(one)
    whole = line("all parameters", [one.parameters for one in made], made)
    inner = line("without embeddings", [one.inner for one in made], made)
    print(f"r_squared={whole:.4f} r_squared_without_embeddings={inner:.4f}")


if __name__ == "__main__":
    main()
