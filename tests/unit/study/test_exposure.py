"""One cell record by record: which cell is meant, and what its rows hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from vestige.cli.records import print_records
from vestige.errors import ConfigError
from vestige.metrics import adjusted_p_values, conformal_p_values
from vestige.store.layout import Store
from vestige.study.cells import find_folds
from vestige.study.exposure import Exposure, expose, exposure_of
from vestige.study.grid import Checkpoint
from vestige.study.plan import Plan
from vestige.study.stages.corpus import examples_of
from vestige.study.stages.scores import scores_of
from vestige.testing.studies import Outcome, run_study, tiny_study, write_tiny_corpus


@pytest.fixture(scope="module")
def calibrated(tiny_llama: Path, tiny_notes: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The tiny study with calibration texts, an attack that uses them as its population, and one learning rate."""
    table = tiny_study(model=tiny_llama, corpus=tiny_notes)
    table["corpus"][0] |= {"validation": 4, "calibration": 8}
    table["method"] = [{"name": "full", "learning_rate": 1e-2}]
    table["training"] = {"epochs": 6, "batch_size": 4, "checkpoints": [1, 6]}
    table["attacks"] = {"use": ["loss", "ref", "dc_pdd"], "primary": "ref"}
    outcome = run_study(table, tmp_path_factory.mktemp("calibrated") / "runs")
    assert not outcome.failures
    return outcome


@pytest.fixture(scope="module")
def checkpoint(calibrated: Outcome) -> Checkpoint:
    (found,) = find_folds(calibrated.plan, "fold B, last")
    return found


@pytest.fixture(scope="module")
def exposed(calibrated: Outcome, checkpoint: Checkpoint) -> Exposure:
    return expose(calibrated.plan, checkpoint, fdr=0.5)


# Which cell


def test_a_cell_is_found_by_what_tells_it_from_the_others(finished: Outcome) -> None:
    plan = finished.plan
    (found,) = find_folds(plan, "prompt(tokens=4), fold B, epoch 1")
    assert (found.arm.corpus, found.seat, found.epoch) == ("notes", (0, "B"), 1.0)
    assert find_folds(plan, found.name) == (found,)
    assert find_folds(plan, "prompt(tokens=4), fold B") == find_folds(plan, "prompt(tokens=4), fold B, best")
    assert [one.epoch for one in find_folds(plan, "prompt(tokens=4), fold B, last")] == [2.0]


def test_several_cells_are_named(finished: Outcome) -> None:
    with pytest.raises(ConfigError, match=r"not one cell(?s:.*)lora.*fold A(?s:.*)lora.*fold B"):
        find_folds(finished.plan, "epoch 1")


def test_an_unknown_part_has_near_misses(finished: Outcome) -> None:
    with pytest.raises(ConfigError, match=r"no cell is called 'fold C'\. Did you mean 'fold "):
        find_folds(finished.plan, "fold C")


def test_parts_that_never_meet_are_told(finished: Outcome) -> None:
    with pytest.raises(ConfigError, match="is none of the cells"):
        find_folds(finished.plan, "fold A, fold B")


def test_an_empty_store_holds_no_cell(finished: Outcome, tmp_path: Path) -> None:
    empty = Plan(finished.plan.inputs, Store(tmp_path / "empty"))
    with pytest.raises(ConfigError, match="no finished cell"):
        find_folds(empty, "")


# Its records


def test_p_values_are_held_against_the_calibration_texts(
    calibrated: Outcome, checkpoint: Checkpoint, exposed: Exposure
) -> None:
    plan, store = calibrated.plan, calibrated.store
    assert exposed.testing == ["loss", "ref"]
    for attack in plan.study.attacks.use[:2]:
        pool, held = (
            scores_of(store, plan.choice.scores(attack, checkpoint, role).address) for role in ("pool", "calibration")
        )
        assert len(held.ids) == 8
        own = exposed.frame.sort("id")[attack.label, f"{attack.label} p", f"{attack.label} q"]
        order = np.argsort(pool.ids)
        p_values = conformal_p_values(pool, calibration=held)
        assert np.array_equal(own[:, 0], pool.values[order])
        assert np.array_equal(own[:, 1], p_values[order])
        assert np.array_equal(own[:, 2], adjusted_p_values(p_values)[order])


def test_an_attack_that_knows_the_calibration_texts_has_no_p_value(exposed: Exposure) -> None:
    assert exposed.frame["dc_pdd"].is_not_null().all()
    assert exposed.frame["dc_pdd p"].is_null().all()


def test_agreement_counts_attacks_and_comes_first(exposed: Exposure) -> None:
    frame = exposed.frame
    counted = frame.select(pl.sum_horizontal((pl.col("loss q", "ref q") <= 0.5).cast(pl.Int64)).alias("agree"))
    assert counted["agree"].equals(frame["agree"])
    assert frame["agree"].is_sorted(descending=True)
    order = np.log(frame.select("loss p", "ref p").to_numpy()).mean(axis=1)
    keys = list(zip(-frame["agree"], order.round(9), -frame["ref"], strict=True))
    assert keys == sorted(keys)


def test_what_was_trained_on_is_memorized(exposed: Exposure) -> None:
    """Six epochs of full fine-tuning on eight texts: each is better known to the cell that saw it."""
    assert (exposed.frame["memorized"] > 0).all()


def test_memorization_is_the_same_seen_from_either_fold(calibrated: Outcome, exposed: Exposure) -> None:
    (other,) = find_folds(calibrated.plan, "fold A, last")
    turned = expose(calibrated.plan, other).frame.sort("id")
    frame = exposed.frame.sort("id")
    assert turned["memorized"].equals(frame["memorized"])
    assert turned["is_member"].equals(~frame["is_member"])


def test_without_calibration_nothing_agrees(finished: Outcome) -> None:
    (one,) = find_folds(finished.plan, "prompt(tokens=4), fold A, last")
    frame = expose(finished.plan, one).frame
    assert frame["agree"].is_null().all()
    assert frame["ref p"].is_null().all()
    assert frame["ref"].is_sorted(descending=True)


def test_texts_are_given_only_when_asked_for(calibrated: Outcome, exposed: Exposure) -> None:
    (bare,), (full,) = exposed.rows(1), exposed.rows(1, texts=True)
    corpus = calibrated.plan.identities.corpora["notes"].task.address
    text = next(one for one in examples_of(calibrated.store, corpus, "pool") if one.id == bare["id"])
    assert full == bare | {"text": text.prompt + text.completion}
    assert text.completion not in str(bare)


def test_an_attack_that_has_not_run_is_named(calibrated: Outcome, checkpoint: Checkpoint) -> None:
    attacks = calibrated.plan.study.attacks.model_validate({"use": ["zlib"], "primary": "zlib"})
    study = calibrated.plan.study.model_copy(update={"attacks": attacks})
    further = Plan(replace(calibrated.plan.inputs, study=study), calibrated.store)
    with pytest.raises(ConfigError, match=r"attack zlib on .* is not in the store yet"):
        expose(further, checkpoint)


def test_attacks_of_every_kind_have_p_values_and_those_that_read_other_cells_have_none(
    tiny_llama: Path, tiny_notes: Path, tmp_path: Path
) -> None:
    """What is attacked is scored on the calibration texts too: shadows, gradients and other forms of the text."""
    table = tiny_study(model=tiny_llama, corpus=tiny_notes)
    table["study"]["seeds"] = [0, 1, 2]
    table["corpus"][0] |= {"path": str(write_tiny_corpus(tmp_path / "more.jsonl", texts=60))}
    table["corpus"][0] |= {"validation": 4, "calibration": 6, "shadow": 8}
    table["method"] = [{"name": "lora", "r": 2, "learning_rate": 1e-2}]
    table["training"] = {"epochs": 1, "batch_size": 4, "checkpoints": [1]}
    fair = ["loss", "logistic", "grad_norm", "lowercase", {"name": "ref", "reference": "shadow"}]
    table["attacks"] = {"use": [*fair, "rmia"], "primary": "loss"}
    outcome = run_study(table, tmp_path / "runs")
    assert not outcome.failures
    exposed = expose(outcome.plan, *find_folds(outcome.plan, "seed 1, fold A"))
    assert exposed.testing == ["loss", "logistic", "grad_norm", "lowercase", 'ref(reference="shadow")']
    assert exposed.frame["rmia"].is_not_null().all()
    assert exposed.frame["rmia p"].is_null().all()


# Both folds, groups, and what nobody sees


def test_without_a_fold_each_record_is_shown_where_it_was_trained_on(calibrated: Outcome, exposed: Exposure) -> None:
    whole = exposure_of(calibrated.plan, find_folds(calibrated.plan, "last"), fdr=0.5)
    assert whole.name.endswith("seed 0, folds A and B, epoch 6")
    assert whole.frame["is_member"].all()
    assert sorted(whole.frame["id"]) == sorted(exposed.frame["id"])
    own = whole.frame.filter(fold="B").sort("id")
    assert own.equals(exposed.frame.filter("is_member").sort("id"))
    both = exposure_of(calibrated.plan, find_folds(calibrated.plan, "last"), fdr=0.5, non_members=True)
    assert (len(both.frame), int(both.frame["is_member"].sum())) == (32, 16)


def test_groups_sum_up_their_records(calibrated: Outcome) -> None:
    """By hand, on a frame whose records belong to two customers."""
    records = exposure_of(calibrated.plan, find_folds(calibrated.plan, "fold A, last"), fdr=0.5)
    owner = pl.when(pl.int_range(pl.len()) < 5).then(pl.lit("[b]<i>one</i>")).otherwise(pl.lit("two"))
    groups = replace(records, frame=records.frame.with_columns(owner.alias("group"))).by_group()
    own = records.frame[:5]
    row = groups.frame.row(by_predicate=pl.col("group") == "[b]<i>one</i>", named=True)
    assert (row["records"], row["called"], row["agree"]) == (5, int((own["agree"] > 0).sum()), own["agree"].max())
    assert (row["ref"], row["ref mean"]) == (own["ref"].max(), pytest.approx(own["ref"].mean()))
    assert (row["ref p"], row["memorized mean"]) == (own["ref p"].min(), pytest.approx(own["memorized"].mean()))
    assert "<i>" not in groups._repr_html_()
    assert "[b]&lt;i&gt;one" in groups._repr_html_()


def test_how_many_calibration_texts_it_takes_is_said_where_nobody_is_called(
    calibrated: Outcome, checkpoint: Checkpoint
) -> None:
    """Eight calibration texts allow no p below 1/9: at a rate of 1% nobody can be called, whatever the scores."""
    strict = expose(calibrated.plan, checkpoint, fdr=0.01)
    assert strict.calls == 0
    assert strict.needed is not None
    assert strict.needed >= 99


def test_the_resolution_of_being_called_is_told(
    calibrated: Outcome, checkpoint: Checkpoint, exposed: Exposure, capsys: pytest.CaptureFixture[str]
) -> None:
    """16 texts against 8 calibration texts, none of which shares a group: ⌈16 / (9 · ½)⌉ at once or none."""
    assert exposed.fewest == 4
    assert (exposed.calibration, exposed.calibration_groups) == (8, 8)
    print_records(exposed, top=1, texts=False)
    said = " ".join(capsys.readouterr().out.split())
    assert "an attack calls at least 4 records of a cell, or none" in said
    assert "are of" not in said
    print_records(replace(exposed, calibration_groups=3), top=1, texts=False)
    said = " ".join(capsys.readouterr().out.split())
    assert "The 8 calibration texts are of 3 groups" in said
    assert "up to once in 4 for the smallest" in said
    assert expose(calibrated.plan, checkpoint, fdr=0.01).fewest == 178


def test_what_a_notebook_prints_has_ids_and_no_text(calibrated: Outcome, exposed: Exposure) -> None:
    for shown in (repr(exposed), exposed._repr_html_(), repr(exposed.checkpoints)):
        assert not [text for text in exposed.texts.values() if text in shown]
    assert str(exposed.frame["id"][0]) in repr(exposed)
    assert str(exposed.frame["id"][0]) in exposed._repr_html_()


def test_a_printed_exposure_steers_no_terminal(exposed: Exposure) -> None:
    odd = replace(exposed, frame=exposed.frame.with_columns(id=pl.lit("a\x1b[31mX")))
    for shown in (repr(odd), odd._repr_html_(), repr(odd.by_group())):
        assert "\x1b" not in shown
    assert r"a\x1b[31mX" in repr(odd)


def test_texts_of_groups_are_not_to_be_had(exposed: Exposure) -> None:
    assert exposed.rows(1, texts=True)[0]["text"]
    with pytest.raises(ConfigError, match="these rows are groups"):
        exposed.by_group().rows(1, texts=True)
