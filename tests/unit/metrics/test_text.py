"""Metrics of generated texts: the libraries' own on whole corpora, by hand where they are short, and where refused."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from itertools import product, zip_longest
from typing import Any

import numpy as np
import pytest
import sacrebleu

from vestige.errors import ConfigError
from vestige.metrics import Bootstrap, text_utility
from vestige.metrics.measures import TEXT_QUANTITIES
from vestige.metrics.text import refuse_missing_libraries
from vestige.records import Estimate, Generations
from vestige.testing.models import tiny_texts

QUICK = Bootstrap(samples=200)
TEXTS = 40


def generations(answers: list[str], *, reasons: list[str] | None = None) -> Generations:
    ids = np.array([f"t{place:02d}" for place in range(len(answers))])
    return Generations(ids, tuple(answers), np.array(reasons or [""] * len(answers), dtype=np.str_))


def measured(quantity: Any, cells: list[Generations], references: list[list[str]], **changes: Any) -> Estimate:
    groups = np.array([""] * len(references))
    return text_utility(quantity, cells, **{"references": references, "groups": groups, "bootstrap": QUICK, **changes})


def corpus(*, seed: int = 0) -> tuple[list[str], list[list[str]]]:
    """Answers of which some words are right, one that is empty, and one to four references each."""
    generator = np.random.default_rng(seed)
    references = [[f" {text}", *tiny_texts(place % 4, seed=place)] for place, text in enumerate(tiny_texts(TEXTS))]
    answers = [" ".join(w for w in own[0].split() if generator.random() < 0.8) for own in references]
    return [*answers[:-1], ""], references


def streams(references: list[list[str]]) -> list[Any]:
    return list(zip_longest(*([one.strip() for one in own] for own in references)))


def test_bleu_and_chrf_are_those_of_sacrebleu() -> None:
    answers, references = corpus()
    for quantity, truth in (("bleu", sacrebleu.corpus_bleu), ("chrf", sacrebleu.corpus_chrf)):
        estimate = measured(quantity, [generations(answers)], references)
        assert estimate.value == pytest.approx(truth(answers, streams(references)).score, abs=1e-9)
        assert estimate.value is not None
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low < estimate.value < estimate.high
        assert f"nrefs:var|case:mixed|eff:{'no' if quantity == 'bleu' else 'yes'}|" in estimate.signature
        assert f"version:{sacrebleu.__version__}|cells:1|seeds:1|boot:200" in estimate.signature


@pytest.mark.parametrize("quantity", ["bleu", "chrf"])
def test_a_sample_of_the_bootstrap_is_the_score_of_the_drawn_texts(quantity: Any) -> None:
    """Three groups: 27 draws are equally likely, each with its score; t has two degrees of freedom."""
    answers, references = corpus()
    parts = {"a": slice(12), "b": slice(12, 25), "c": slice(25, TEXTS)}
    groups = np.array([name for name, part in parts.items() for _ in answers[part]])
    estimate = measured(quantity, [generations(answers)], references, groups=groups, bootstrap=Bootstrap(samples=9000))
    truth = sacrebleu.corpus_bleu if quantity == "bleu" else sacrebleu.corpus_chrf
    every = []
    for names in product(parts, repeat=3):
        drawn = [place for one in names for place in range(TEXTS)[parts[one]]]
        own = [answers[place] for place in drawn], streams([references[place] for place in drawn])
        every.append(truth(*own).score)
    reach = 4.30265 * np.sqrt(np.var(every) * 3 / 2)
    assert estimate.value is not None
    expected = (max(0, estimate.value - reach), min(100, estimate.value + reach))
    assert (estimate.low, estimate.high) == pytest.approx(expected, rel=0.02)


def test_rouge_l_by_hand() -> None:
    """LCS over words: 3 of 4 and 3 of 6 (F = 0.6); against the better of two references; no overlap."""
    answers = ["the cat sat down", "A dog!", "nothing"]
    references = [["the black cat sat on it"], ["a cow", "a dog"], ["x y z"]]
    estimate = measured("rouge_l", [generations(answers)], references)
    assert estimate.value == pytest.approx((2 * 0.75 * 0.5 / 1.25 + 1 + 0) / 3)
    assert estimate.signature.startswith("rouge_l|best-reference|stem:no|rouge-score:0.")


def test_final_number_by_hand() -> None:
    """The last number of each, whatever stands around it: 1,200 = 1200.0, −3 is not 3, and no number is not right."""
    answers = ["so 7 + 5 = 12.", "#### 1,200", "it is 3", "none", "12 or 13", "x = 5-3"]
    references = [["#### 12"], ["= 1200.0"], ["-3"], ["#### 4"], ["12"], ["3"]]
    estimate = measured("final_number", [generations(answers)], references)
    assert estimate.value == pytest.approx(3 / 6)
    assert estimate.signature.startswith("final_number|any-reference|last-number")


def test_exact_match_by_hand() -> None:
    answers = [" Paris", "paris", "in Rome\n", ""]
    references = [["Paris"], ["Paris"], ["Rome", " in Rome"], ["Bern"]]
    estimate = measured("exact_match", [generations(answers)], references)
    assert estimate.value == 0.5
    assert estimate.signature.startswith("exact_match|any-reference|case:mixed|cells:1")


def test_no_match_at_all_leaves_room_for_some() -> None:
    estimate = measured("exact_match", [generations(["a"] * 20)], [["b"]] * 20)
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert estimate.high == pytest.approx(1 - 0.025 ** (1 / 20))


@pytest.mark.parametrize("quantity", TEXT_QUANTITIES)
def test_cells_are_averaged_and_seeds_drawn(quantity: Any) -> None:
    answers, references = corpus()
    good, bad = generations([own[0] for own in references]), generations(answers)
    alone = [measured(quantity, [cell], references).value for cell in (good, bad)]
    both = measured(quantity, [good, bad], references, seeds=[0, 1])
    assert both.value == pytest.approx(np.mean(alone))  # type: ignore[arg-type]
    assert "|cells:2|seeds:2|" in both.signature


@pytest.mark.parametrize("quantity", TEXT_QUANTITIES)
def test_texts_without_an_answer_are_left_out_and_counted(quantity: Any) -> None:
    answers, references = corpus()
    whole = measured(quantity, [generations(answers)], references)
    cell = generations([*answers, "", ""], reasons=[""] * TEXTS + ["no_prompt", "prompt_too_long"])
    estimate = measured(quantity, [cell], [*references, [], ["x"]])
    assert (estimate.value, estimate.low, estimate.high) == (whole.value, whole.low, whole.high)
    assert (estimate.counts.texts, estimate.counts.groups) == (TEXTS, TEXTS)
    assert dict(estimate.counts.unscored) == {"no_prompt": 1, "prompt_too_long": 1}


@pytest.mark.parametrize("quantity", TEXT_QUANTITIES)
def test_what_the_texts_cannot_carry_is_refused(quantity: Any) -> None:
    none = measured(quantity, [generations(["", ""], reasons=["no_prompt"] * 2)], [[], []])
    assert (none.value, none.low, none.high) == (None, None, None)
    assert "no text has a prompt" in none.reason
    few = measured(quantity, [generations(["a", "b"])], [["a"], ["b"]], groups=np.array(["g", "g"]))
    assert few.value is None
    assert "of 1 group" in few.reason


def test_answers_to_different_prompts_are_an_error() -> None:
    cell, references = generations(["a", "b"]), [["a"], ["b"]]
    with pytest.raises(ValueError, match="same prompts"):
        measured("bleu", [cell, generations(["a", "b"], reasons=["", "no_prompt"])], references)
    with pytest.raises(ValueError, match="a seed for each"):
        measured("bleu", [cell], references, seeds=[0, 1])
    with pytest.raises(ValueError, match="references for each"):
        measured("bleu", [cell], references[:1], groups=np.array(["", ""]))


def test_a_missing_library_is_named_by_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"sacrebleu, which is not installed. Run: pip install sacrebleu, or leave"):
        refuse_missing_libraries(["exact_match", "chrf"])
    refuse_missing_libraries(["exact_match"])


def test_importing_the_metrics_needs_none_of_the_libraries() -> None:
    code = "import json, sys, vestige.metrics, vestige.study.spec; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert not {"sacrebleu", "rouge_score", "nltk"} & set(loaded)
