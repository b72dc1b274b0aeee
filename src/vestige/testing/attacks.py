"""`check_attack`: what every attack must do, whatever it computes. Run it on your own before you trust it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vestige.attacks.base import Attack, Tables
from vestige.attacks.learned.base import LearnedAttack
from vestige.metrics.roc import weighted_auc
from vestige.records import AttackModel, Column, GradientNorms, Ints, OtherCell, TokenStats, View
from vestige.testing.stats import Planted, is_rewritten, planted_tables

_EACH = 200
_STRONG = 4.0
_BEGINNINGS = ("prefixed-", "members-")
_FOUR_STANDARD_ERRORS = 4 * np.sqrt((2 * _EACH + 1) / (12 * _EACH**2))


def check_attack(attack: Attack) -> None:
    """Raise AssertionError, saying which promise is broken, unless `attack` keeps all of these.

    It comes back from its JSON spec; is frozen; needs no more than it declares; finds a strong planted signal (AUC ≥
    .95) and nothing in noise; scores a text alike in any order and company; masks a text without tokens with a reason;
    what it assumes agrees with what it needs; and its control needs the base alone. Score arrays are never written to:
    the tables given here are read-only. An attack that is trained learns from a planted signal of its own first.
    """
    _check_spec(attack)
    _check_assumptions(attack)
    views = [column.view for column in attack.reads]
    each: Any = {"members": _EACH, "non_members": _EACH, "views": views, "others": attack.needs_cells}
    planted = _ready(attack, planted_tables(_STRONG, **each, seed=1))
    noise = _ready(attack, planted_tables(0.0, **each, seed=2))
    found, fancied = _auc(attack, planted), _auc(attack, noise)
    assert found >= 0.95, f"{attack.label}: AUC {found:.3f} on a planted signal; is higher = more likely a member?"
    assert abs(fancied - 0.5) <= _FOUR_STANDARD_ERRORS, f"{attack.label}: AUC {fancied:.3f} on noise"
    _check_order(attack, planted.tables)
    _check_unscorable(attack, planted.tables)
    _check_control(attack)


def _ready(attack: Attack, planted: Planted) -> Planted:
    return replace(planted, tables=replace(planted.tables, model=fitted(attack)))


@cache
def fitted(attack: Attack) -> AttackModel | None:
    """What a trained attack learns from texts with a plain planted signal; None for one that is not trained."""
    if not isinstance(attack, LearnedAttack):
        return None
    shadow = planted_tables(_STRONG, members=_EACH // 2, non_members=_EACH // 2, seed=5)
    return attack.fit(shadow.tables, shadow.is_member, groups=shadow.tables.ids)


def _check_spec(attack: Attack) -> None:
    spec = json.loads(json.dumps(attack.spec()))
    assert spec.get("name") == attack.name, f"{attack.label}: the spec must hold the name"
    assert type(attack).model_validate(spec) == attack, f"{attack.label}: does not come back from its JSON spec"
    assert type(attack).model_config.get("frozen"), f"{attack.label}: must be frozen"
    assert attack.reads, f"{attack.label}: declares no column, so nothing would be collected for it"


def _check_assumptions(attack: Attack) -> None:
    says, columns = attack.assumed, {column.name for column in attack.reads}
    passes = len({column.view for column in attack.reads})
    assert says.passes >= passes, f"{attack.label}: assumes {says.passes} passes, its columns take {passes}"
    for what, said, needed in (
        ("a reference model", says.reference_model, attack.compares),
        ("shadow models", says.shadow_models, any(column.view.model == "shadow" for column in attack.reads)),
        ("gradients", says.gradients, attack.needs_gradients),
        ("shadow models", says.shadow_models, attack.needs_cells),
        ("known members", says.known_members, any(c.view.text.startswith("members-") for c in attack.reads)),
        ("a population", says.population, attack.needs_counts or _has_beginning(attack)),
        ("texts", says.texts, bool(attack.needs_text) or any(is_rewritten(column.view) for column in attack.reads)),
        ("distributions", says.distributions, bool(columns & {"mean_logp", "var_logp", "rank"})),
    ):
        assert said or not needed, f"{attack.label}: needs {what}, and does not say so in `assumes`"


def _has_beginning(attack: Attack) -> bool:
    return any(column.view.text.startswith(_BEGINNINGS) for column in attack.reads)


def _auc(attack: Attack, planted: Planted) -> float:
    """AUC with only the declared columns at hand."""
    scores = attack.score(_declared(attack, planted.tables))
    assert scores.scored.all(), f"{attack.label}: left texts of 36 to 44 tokens unscored: {np.unique(scores.reasons)}"
    weights = np.ones((1, len(scores.ids)))
    return float(weighted_auc(scores.values, is_member=planted.is_member, weights=weights)[0])


def _check_order(attack: Attack, tables: Tables) -> None:
    straight = attack.score(tables)
    order = np.random.default_rng(3).permutation(len(tables.ids))[: len(tables.ids) // 2]
    shuffled = attack.score(_taken(tables, order))
    assert np.array_equal(shuffled.ids, straight.ids[order]), f"{attack.label}: scores must keep the order of the texts"
    alike = np.allclose(shuffled.values, straight.values[order], rtol=1e-9, atol=1e-12)
    assert alike, f"{attack.label}: the score of a text depends on the order or the company of the texts"


def _check_unscorable(attack: Attack, tables: Tables) -> None:
    cells = tuple(replace(cell, stats=_emptied(cell.stats, every=3)) for cell in tables.cells)
    emptied = replace(tables, views={view: _emptied(table, every=3) for view, table in tables.items()}, cells=cells)
    before, after = attack.score(tables), attack.score(emptied)
    gone = np.arange(len(tables.ids)) % 3 == 0
    assert not after.scored[gone].any(), f"{attack.label}: scored a text without tokens, expected a reason"
    kept = np.allclose(after.values[~gone], before.values[~gone], rtol=1e-9, atol=1e-12)
    assert kept, f"{attack.label}: texts without tokens change the scores of the others"


def _check_control(attack: Attack) -> None:
    for column in attack.control_needs:
        assert column.view.model == "base", f"{attack.label}: its control reads {column}, which is not the base's"
    views = {column.view for column in attack.control_needs}
    tables = planted_tables(0.0, members=_EACH, non_members=_EACH, views=views, seed=4).tables
    base = {view: table for view, table in tables.items() if view.model == "base"}
    control = attack.control(replace(tables, views=base))
    assert control.scored.all(), f"{attack.label}: its control left texts unscored"


def _declared(attack: Attack, tables: Tables) -> Tables:
    """The tables without any column that the attack has not declared."""
    views = {column.view for column in attack.reads}
    counts = tables.counts if attack.needs_counts else None
    declared = {view: _only(attack, view, table=tables[view]) for view in views}
    gradients = tables.gradients if attack.needs_gradients else None
    cells = tables.cells if attack.needs_cells else ()
    calibration = tables.calibration if attack.needs_calibration else None
    return Tables(declared, counts, tables.model, gradients, cells, calibration)


def _only(attack: Attack, view: View, *, table: TokenStats) -> TokenStats:
    tokens = {name: values for name, values in table.tokens.items() if Column(view, name) in attack.reads}
    texts = {name: values for name, values in table.texts.items() if name in attack.needs_text}
    return TokenStats(ids=table.ids, offsets=table.offsets, tokens=tokens, texts=texts)


def _taken(tables: Tables, order: Ints) -> Tables:
    norms = tables.gradient_norms()
    gradients = GradientNorms(norms.ids[order], norms.first[order], norms.second[order])
    cells = tuple(OtherCell(_rows(cell.stats, order), cell.is_member[order]) for cell in tables.cells)
    views = {view: _rows(table, order) for view, table in tables.items()}
    return replace(tables, views=views, gradients=gradients, cells=cells)


def _rows(table: TokenStats, order: Ints) -> TokenStats:
    """Some texts of a table, in the order given."""
    spans = [np.arange(table.offsets[i], table.offsets[i + 1]) for i in order]
    texts = {name: values[order] for name, values in table.texts.items()}
    return _rebuilt(table.ids[order], spans=spans, tokens=table.tokens, texts=texts)


def _emptied(table: TokenStats, *, every: int) -> TokenStats:
    """The same table with each `every`-th text, the first included, stripped of its tokens."""
    spans = [
        np.arange(table.offsets[i], table.offsets[i] if i % every == 0 else table.offsets[i + 1])
        for i in range(len(table.ids))
    ]
    return _rebuilt(table.ids, spans=spans, tokens=table.tokens, texts=table.texts)


def _rebuilt(
    ids: NDArray[np.str_],
    *,
    spans: list[Ints],
    tokens: Mapping[str, NDArray[np.generic]],
    texts: Mapping[str, NDArray[np.generic]],
) -> TokenStats:
    offsets = np.concatenate([[0], np.cumsum([len(span) for span in spans])]).astype(np.int64)
    chosen = np.concatenate(spans)
    taken = {name: values[chosen] for name, values in tokens.items()}
    return TokenStats(ids=ids, offsets=offsets, tokens=taken, texts=texts)
