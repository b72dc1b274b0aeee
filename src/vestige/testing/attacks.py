"""`check_attack`: what every attack must do, whatever it computes. Run it on your own before you trust it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from functools import cache
from typing import Any

import numpy as np

from vestige.attacks.base import Attack, Column, Needs, Tables, TextColumn, assumed_by
from vestige.attacks.needs.base import Beside
from vestige.attacks.needs.learned import Learned
from vestige.metrics.roc import weighted_auc
from vestige.records import TokenStats, View
from vestige.testing.stats import Planted, planted_tables

_EACH = 200
_STRONG = 4.0
_FOUR_STANDARD_ERRORS = 4 * np.sqrt((2 * _EACH + 1) / (12 * _EACH**2))


def check_attack(attack: Attack) -> None:
    """Raise AssertionError, saying which promise is broken, unless `attack` keeps all of these.

    It comes back from its JSON spec; is frozen; needs something that can tell members, and no more than it declares;
    assumes no less than its needs do; finds a strong planted signal (AUC ≥ .95) and nothing in noise; scores a text
    alike in any order and company; masks a text without tokens with a reason; and its control needs the base alone.
    Score arrays are never written to: the tables given here are read-only. The signal is in every column of the target,
    as it is in a model that is surer of itself: log-probabilities and the mean of the next-token distribution are
    higher, ranks, its variance and gradients are lower. An attack that is trained learns from a planted signal of its
    own first.
    """
    _check_spec(attack)
    _check_needs(attack)
    planted, noise = (_planted(attack, strength, seed=seed) for strength, seed in ((_STRONG, 1), (0.0, 2)))
    found, fancied = _auc(attack, planted), _auc(attack, noise)
    assert found >= 0.95, f"{attack.label}: AUC {found:.3f} on a planted signal; is higher = more likely a member?"
    assert abs(fancied - 0.5) <= _FOUR_STANDARD_ERRORS, f"{attack.label}: AUC {fancied:.3f} on noise"
    _check_order(attack, planted.tables)
    _check_unscorable(attack, planted.tables)
    _check_control(attack)


def ready(attack: Attack, tables: Tables) -> Tables:
    """The tables with what a trained attack learns from texts with a plain planted signal; as they are for others."""
    return replace(tables, beside={**_learned(attack), **tables.beside})


@cache
def _learned(attack: Attack) -> dict[Beside[Any], Any]:
    planted = planted_tables(_STRONG, members=2, non_members=2, needs=attack.reads).tables.beside
    return {need: value for need, value in planted.items() if isinstance(need, Learned)}


def _planted(attack: Attack, separation: float, *, seed: int, empty: int = 0) -> Planted:
    """Texts with a signal, and of them what the attack has declared alone."""
    each: Any = {"members": _EACH, "non_members": _EACH, "needs": attack.reads, "empty": empty}
    planted = planted_tables(separation, **each, seed=seed)
    return replace(planted, tables=_declared(attack.reads, planted.tables))


def _check_spec(attack: Attack) -> None:
    spec = json.loads(json.dumps(attack.spec()))
    assert spec.get("name") == attack.name, f"{attack.label}: the spec must hold the name"
    assert type(attack).model_validate(spec) == attack, f"{attack.label}: does not come back from its JSON spec"
    assert type(attack).model_config.get("frozen"), f"{attack.label}: must be frozen"


def _check_needs(attack: Attack) -> None:
    assert any(need.tells for need in attack.reads), (
        f"{attack.label}: no declared column carries a signal, so nothing can tell members from others. It reads "
        f"{_named(attack.reads) or 'nothing'}; declare in `needs` what the target makes of a text, such as TARGET_LOGP."
    )
    says, takes = asdict(attack.assumed), asdict(assumed_by(attack.reads))
    less = [name.replace("_", " ") for name, value in takes.items() if says[name] < value]
    assert not less, f"{attack.label}: its needs take more than it assumes: {', '.join(less)}"


def _named(needs: Needs) -> str:
    return ", ".join(_name(need) for need in needs)


def _name(need: object) -> str:
    if isinstance(need, Column | TextColumn):
        return f"{need.name} of {need.view.name}"
    return need.what if isinstance(need, Beside) else str(need)


def _auc(attack: Attack, planted: Planted) -> float:
    """AUC with only the declared columns at hand."""
    scores = attack.score(planted.tables)
    assert scores.scored.all(), f"{attack.label}: left texts of 36 to 44 tokens unscored: {np.unique(scores.reasons)}"
    weights = np.ones((1, len(scores.ids)))
    return float(weighted_auc(scores.values, is_member=planted.is_member, weights=weights)[0])


def _check_order(attack: Attack, tables: Tables) -> None:
    straight = attack.score(tables)
    order = np.random.default_rng(3).permutation(len(tables.ids))[: len(tables.ids) // 2]
    shuffled = attack.score(tables.taken(order))
    assert np.array_equal(shuffled.ids, straight.ids[order]), f"{attack.label}: scores must keep the order of the texts"
    alike = np.allclose(shuffled.values, straight.values[order], rtol=1e-9, atol=1e-12)
    assert alike, f"{attack.label}: the score of a text depends on the order or the company of the texts"


def _check_unscorable(attack: Attack, tables: Tables) -> None:
    emptied = _planted(attack, _STRONG, seed=1, empty=3).tables
    before, after = attack.score(tables), attack.score(emptied)
    gone = np.arange(len(tables.ids)) % 3 == 0
    assert not after.scored[gone].any(), f"{attack.label}: scored a text without tokens, expected a reason"
    kept = np.allclose(after.values[~gone], before.values[~gone], rtol=1e-9, atol=1e-12)
    assert kept, f"{attack.label}: texts without tokens change the scores of the others"


def _check_control(attack: Attack) -> None:
    needs = attack.control_needs
    for view in (view for need in needs for view in need.views):
        assert view.model == "base", f"{attack.label}: its control reads {view.name}, which is not the base's"
    tables = planted_tables(0.0, members=_EACH, non_members=_EACH, needs=needs, seed=4).tables
    control = attack.control(_declared(needs, tables))
    assert control.scored.all(), f"{attack.label}: its control left texts unscored"


def _declared(needs: Needs, tables: Tables) -> Tables:
    """The tables without any column that was not declared."""
    views = {view for need in needs for view in need.views}
    return replace(tables, views={view: _only(needs, view, table=tables[view]) for view in views})


def _only(needs: Needs, view: View, *, table: TokenStats) -> TokenStats:
    tokens = {name: values for name, values in table.tokens.items() if Column(view, name) in needs}
    texts = {name: values for name, values in table.texts.items() if TextColumn(name, view) in needs}
    return TokenStats(ids=table.ids, offsets=table.offsets, tokens=tokens, texts=texts)
