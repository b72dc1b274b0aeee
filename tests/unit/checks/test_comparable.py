"""Whether what a study has can be compared: groups, utility, texts that are left out, references, settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
import torch

from vestige.checks.base import Verdict
from vestige.outcome.facts import AttackFacts, NamedPrimary, RoleSize
from vestige.outcome.frames import Results
from vestige.testing.models import tiny_model
from vestige.tuning.methods.full import Full
from vestige.tuning.methods.lora import Lora

Judge = Callable[[str, Results], Verdict]
Change = Callable[..., Results]

WHERE = "notes · tiny"


def said(verdict: Verdict) -> str:
    (remark,) = verdict.remarks
    return remark.said


def _of_groups(with_facts: Change, sound: Results, **groups: int) -> Results:
    (corpus,) = sound.facts.corpora
    roles = {role: RoleSize(400, count) for role, count in groups.items()}
    return with_facts(corpora=(replace(corpus, roles=roles),))


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ({"pool": 39, "validation": 20}, "the members and the non-members of a training are of 19 groups: intervals"),
        ({"pool": 19, "validation": 20}, "the members and the non-members of a training are of 9 groups: too few for"),
        ({"pool": 40, "validation": 19}, "the validation texts are of 19 groups: intervals over fewer than 20 are"),
        ({"pool": 40, "validation": 9}, "the validation texts are of 9 groups: too few for a comparison of methods,"),
    ],
)
def test_few_groups(verdict: Judge, sound: Results, with_facts: Change, groups: dict[str, int], words: str) -> None:
    (remark,) = verdict("V022", _of_groups(with_facts, sound, **groups)).remarks
    assert remark.said.startswith(words)
    assert remark.place == WHERE


def test_groups_that_are_enough(verdict: Judge, sound: Results, with_facts: Change) -> None:
    """A training has half of the groups of the pool for members: 40 make 20."""
    assert verdict("V022", sound) == Verdict()
    assert verdict("V022", _of_groups(with_facts, sound, pool=40, validation=20)) == Verdict()
    assert verdict("V022", _of_groups(with_facts, sound)).reason == "no corpus has texts to be attacked"


def _and_prompt(sound: Results, *losses: float) -> Results:
    """The study with a second method, whose losses are these; those of `lora` are 2.0 all along."""
    (lora,) = sound.facts.methods
    own = sound.estimates.filter(method="lora").with_columns(method=pl.lit("prompt"))
    by_epoch = dict(zip((1.0, 2.0, 3.0), losses, strict=True))
    new = pl.col("epoch").replace_strict(by_epoch, default=None)
    changed = own.with_columns(value=pl.when(pl.col("quantity") == "loss").then(new).otherwise("value"))
    facts = replace(sound.facts, methods=(lora, replace(lora, label="prompt", family="prompt")))
    return replace(sound, facts=facts, estimates=pl.concat([sound.estimates, changed]))


def test_methods_that_never_meet(verdict: Judge, sound: Results) -> None:
    (remark,) = verdict("V023", _and_prompt(sound, 3.0, 2.5, 2.1)).remarks
    assert remark.place == f"{WHERE}, prompt"
    assert remark.said.startswith("its lowest validation loss, 2.100, is above every loss of lora: no checkpoint")
    (remark,) = verdict("V023", _and_prompt(sound, 1.9, 1.8, 1.9)).remarks
    assert remark.place == f"{WHERE}, lora", "it is always the worse one that is named"


def test_methods_that_meet(verdict: Judge, sound: Results) -> None:
    assert verdict("V023", _and_prompt(sound, 3.0, 2.5, 2.0)) == Verdict()
    assert verdict("V023", sound).reason == "no two methods have been measured"


def test_texts_left_out_of_one_class(verdict: Judge, sound: Results, with_rows: Change) -> None:
    """1,200 of each class are scored: 13 left out are 1.07%, 12 are .99%."""
    where = {"attack": "loss", "quantity": "auc", "epoch": 3.0}
    (remark,) = verdict("V024", with_rows(where, unscored=json.dumps({"member:not_finite": 13}))).remarks
    assert remark.place == WHERE
    assert remark.said.startswith("loss cannot score 1.1% of the members and 0.0% of the non-members: which texts")
    for even in (
        {"member:not_finite": 12},
        {"member:too_short": 50, "non_member:too_short": 50},
        {"member:known_member": 300},
    ):
        assert verdict("V024", with_rows(where, unscored=json.dumps(even))) == Verdict(), even
    assert verdict("V024", sound) == Verdict()


def test_an_attack_that_scores_one_class_alone(verdict: Judge, with_rows: Change) -> None:
    where = {"attack": "loss", "quantity": "auc", "epoch": 3.0}
    none = with_rows(where, members=0, unscored=json.dumps({"member:not_finite": 1200}))
    assert "loss cannot score 100.0% of the members" in said(verdict("V024", none))


def _of_source(with_facts: Change, sound: Results, **changes: Any) -> Results:
    (corpus,) = sound.facts.corpora
    return with_facts(corpora=(replace(corpus, **changes),))


def test_texts_that_a_base_may_know(verdict: Judge, sound: Results, with_facts: Change) -> None:
    public = _of_source(with_facts, sound, source="wikitext", published="Paragraphs of Wikipedia articles")
    assert said(verdict("V025", public)) == (
        "public texts (Paragraphs of Wikipedia articles): the base may have been pretrained on members and non-members "
        "alike, so that fine-tuning adds less to what it knows than it would of private texts. The reference of ref "
        "would share training data with the target."
    )
    assert verdict("V025", _of_source(with_facts, sound, source="case-notes")) == Verdict(), "they are made up"
    assert verdict("V025", sound).outcome == "not applicable", "of the user's own files nobody else knows"


def test_near_copies_that_a_shadow_may_have_trained_on(verdict: Judge, sound: Results, with_facts: Change) -> None:
    roles = {"pool": RoleSize(400, 400), "shadow": RoleSize(200, 200)}
    assert said(verdict("V032", _of_source(with_facts, sound, roles=roles))).startswith(
        "nobody looked for near copies:"
    )
    for left_out in ({}, {"12": "7"}):
        looked = _of_source(with_facts, sound, roles=roles, near_duplicates=left_out)
        assert verdict("V032", looked) == Verdict()
    assert verdict("V032", sound).reason == "no corpus has texts for a shadow"


def test_a_copy_of_a_rounded_base(verdict: Judge, sound: Results, with_facts: Change) -> None:
    (base,), (lora,) = sound.facts.bases, sound.facts.methods
    full = replace(lora, copies_base=True)
    rounded = replace(base, dtype="bfloat16")
    (remark,) = verdict("V026", with_facts(bases=(rounded,), methods=(full,))).remarks
    assert remark.place == f"{WHERE}, lora"
    assert remark.said.startswith("it trains weights in float32 and the base has its own in bfloat16, so that target")
    assert verdict("V026", with_facts(bases=(rounded,))) == Verdict(), "frozen weights are those of the base"
    assert verdict("V026", with_facts(methods=(full,))) == Verdict(), "both are in float32"
    alone = with_facts(bases=(rounded,), methods=(full,), attacks=sound.facts.attacks[:1])
    assert verdict("V026", alone).reason == "no attack compares the target with a reference"


@torch.no_grad()
def test_untrained_copies_of_a_rounded_base_do_differ_from_it() -> None:
    """What `copies_base` stands for: before any training LoRA on bf16 is the base to the bit, and a copy is not."""
    base, tokens = tiny_model("llama").bfloat16().eval(), torch.arange(1, 33)[None]
    own = base(tokens).logits.float()
    for method in (Full(), Lora()):
        with method.prepare(base, seed=0) as model:
            moved = (model.eval()(tokens).logits.float() - own).abs().max().item()
        assert (moved > 0) == method.copies_base, method.name


def _min_k(like: AttackFacts, k: float, **changes: Any) -> AttackFacts:
    return replace(like, label=f"min_k(k={k})", name="min_k", parameters={"k": k}, **changes)


def test_settings_to_be_picked_from(verdict: Judge, sound: Results, with_facts: Change) -> None:
    loss, ref = sound.facts.attacks
    attacks = (loss, ref, _min_k(loss, 0.1), _min_k(loss, 0.2))
    words = "min_k(k=0.1) and min_k(k=0.2) are one attack with several settings, none of them named before the run:"
    assert said(verdict("V027", with_facts(attacks=attacks))).startswith(words)
    named = {"primary": "min_k(k=0.1)", "primaries": (NamedPrimary("min_k(k=0.1)", "2026-01-01T10:00:00+00:00"),)}
    assert verdict("V027", with_facts(named, attacks=attacks)) == Verdict()
    late = {**named, "attacked_since": "2026-01-01T09:00:00+00:00"}
    assert said(verdict("V027", with_facts(late, attacks=attacks))).startswith(words)


def test_another_reference_is_no_setting(verdict: Judge, sound: Results, with_facts: Change) -> None:
    loss, ref = sound.facts.attacks
    shadow = replace(ref, label='ref(reference="shadow")', name="ref")
    assert verdict("V027", with_facts(attacks=(loss, ref, shadow))).outcome == "not applicable"
