"""Membership decided: roles cut by group, folds of the pool, and the manifest that says what went where.

Everything here follows from the corpus and a seed alone, never from the method, so that methods meet on the same texts.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Any

import numpy as np

from vestige.data.corpus import CorpusSpec, identity, load_examples
from vestige.data.near import NearCopies
from vestige.data.validity import drop_duplicates, refuse_duplicates
from vestige.errors import DataError, printable
from vestige.records import ROLES, Bools, Example, Fold, Role, Split, Texts
from vestige.store.keys import canonical_json

Roles = dict[Role, tuple[Example, ...]]

# First word of each seed sequence, so that the streams of the cut, the cap and the folds are independent.
_CUT, _CAP, _FOLD = 1, 2, 3

_UNBALANCED, _TRIES = 0.05, 200
"""By what share of the texts two folds may differ, and how many permutations are tried for it."""


def cut(examples: Sequence[Example], spec: CorpusSpec, *, left_out: Collection[str] = ()) -> Split:
    """Give each role its texts, by whole groups in a random order that depends on `spec.seed` and the corpus alone.

    Duplicates are dropped first where the spec says so, and with them the ids `left_out`, which a model takes for
    earlier texts; then `per_group` is applied. Roles are filled in the order of `ROLES`, where the spec says so
    without near copies of texts that are in one already; the rest of the group that completes a role goes to no
    role. Raises DataError for too few texts, and for equal texts in different groups where duplicates are refused.
    """
    kept = drop_duplicates(examples) if spec.duplicates == "drop" else list(examples)
    kept = [example for example in kept if example.id not in left_out]
    groups = _capped(kept, spec)
    near = NearCopies() if spec.near_duplicates == "drop" else None
    fill = partial(_filled, spec=spec, dropped=len(examples) - len(kept), near=near)
    roles = fill(groups, spec.sizes_filled) if spec.design == "random" else _official(groups, spec, fill)
    roles = {**roles, "pool": roles["pool"][: spec.pool]}
    if spec.duplicates == "refuse":
        refuse_duplicates([example for role in ROLES for example in roles[role]], name=spec.name)
    return Split(roles=roles, dropped=len(examples) - len(kept), near=near and near.left_out)


def split_of(spec: CorpusSpec, *, left_out: tuple[str, ...] = ()) -> Split:
    """The corpus read and cut into roles, without the ids `left_out`; kept for the stage that stores it, and read anew
    where a file has changed. Errors as in `load_examples` and `cut`.
    """
    return _split_of(spec, left_out, canonical_json(identity(spec)))


@functools.lru_cache(maxsize=4)
def _split_of(spec: CorpusSpec, left_out: tuple[str, ...], known_by: str) -> Split:
    return cut(_read(spec, known_by), spec, left_out=frozenset(left_out))


def every_example(spec: CorpusSpec) -> Sequence[Example]:
    """`load_examples`, read once as long as no file changes; those of the last two corpora are kept."""
    return _read(spec, canonical_json(identity(spec)))


@functools.lru_cache(maxsize=2)
def _read(spec: CorpusSpec, _: str) -> tuple[Example, ...]:
    return tuple(load_examples(spec))


def fold_members(groups: Sequence[str] | np.ndarray[Any, Any], *, seed: int, fold: Fold) -> Bools:
    """Who is a member in one fold of the pool: shape (texts,), True = member.

    `groups` names the group of each text of the pool, shape (texts,). The seed sends whole groups into two halves, A
    and B, that differ by a twentieth of the texts at most, or by as little as whole groups allow; fold B is the
    complement of fold A. Raises DataError for fewer than two groups.
    """
    names, index, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise DataError(
            f"The pool has {_counted(len(index), 'text')} in {_counted(len(names), 'group')}; folds are cut by group "
            "and need at least 2. Lower `per_group`, enlarge the pool, or name a finer `group`."
        )
    in_a = _half(sizes, _generator(_FOLD, seed))[index]
    return in_a if fold == "A" else ~in_a


def groups_of(examples: Sequence[Example]) -> Texts:
    """The group of each example, shape (texts,)."""
    return np.asarray([example.group for example in examples], dtype=np.str_)


def members_of(examples: Sequence[Example], *, seed: int, fold: Fold) -> Bools:
    """True for the examples of a role, in a study the pool or `shadow`, that the cell (seed, fold) trains on: a half by
    the seed, or the one that is given, whatever the seed.
    """
    if examples and examples[0].official is not None:
        given = np.asarray([example.official for example in examples], dtype=np.bool_)
        return given if fold == "A" else ~given
    return fold_members(groups_of(examples), seed=seed, fold=fold)


def _half(sizes: np.ndarray[Any, Any], rng: np.random.Generator) -> Bools:
    """Groups of half A: the first half of a random permutation of the groups, the first one that is balanced enough.

    Were the largest groups dealt out first, they would nearly always be parted in the same way, whatever the seed, and
    seeds would agree on who is a member.
    """
    total, best, least = int(sizes.sum()), np.zeros(len(sizes), dtype=np.bool_), np.inf
    for _ in range(_TRIES):
        order = rng.permutation(len(sizes))
        leads = np.abs(2 * np.cumsum(sizes[order])[:-1] - total)
        cut = int(np.argmin(leads))
        if leads[cut] < least:
            best, least = np.zeros(len(sizes), dtype=np.bool_), leads[cut]
            best[order[: cut + 1]] = True
        if least <= max(1, total * _UNBALANCED):
            break
    return ~best if rng.integers(2) else best


def _generator(stream: int, seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([stream, seed])))


def _capped(examples: Iterable[Example], spec: CorpusSpec) -> list[list[Example]]:
    """The texts of each group in the order of the source, at most `per_group` of them, chosen at random."""
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(example.group, []).append(example)
    if spec.per_group is None:
        return list(groups.values())
    rng = _generator(_CAP, spec.seed)
    return [_chosen(group, spec.per_group, rng) for group in groups.values()]


def _chosen(group: list[Example], count: int, rng: np.random.Generator) -> list[Example]:
    if len(group) <= count:
        return group
    return [group[place] for place in sorted(rng.choice(len(group), size=count, replace=False).tolist())]


_Fill = Callable[[Sequence[list[Example]], Mapping[Role, int]], Roles]


def _official(groups: Sequence[list[Example]], spec: CorpusSpec, fill: _Fill) -> Roles:
    """Half of the pool, and the shadow texts, from the file of the members; all else from the other one."""
    trained, sizes = spec.pool - spec.pool // 2, spec.sizes
    from_train: dict[Role, int] = {"pool": trained, "shadow": sizes["shadow"]}
    of_members = fill([one for one in groups if one[0].official], from_train)
    from_test: dict[Role, int] = {**sizes, "pool": spec.pool - trained, "shadow": 0}
    of_others = fill([one for one in groups if not one[0].official], from_test)
    pool = [*of_members["pool"], *of_others["pool"]]
    order = _generator(_CUT, spec.seed).permutation(len(pool)).tolist()
    # Shadows are dealt out at random as ever: nobody publishes theirs.
    shadow = tuple(replace(one, official=None) for one in of_members["shadow"])
    return {**of_others, "pool": tuple(pool[place] for place in order), "shadow": shadow}


def _filled(
    groups: Sequence[list[Example]],
    sizes: Mapping[Role, int],
    *,
    spec: CorpusSpec,
    dropped: int,
    near: NearCopies | None,
) -> Roles:
    order = iter(_generator(_CUT, spec.seed).permutation(len(groups)).tolist())
    roles: dict[Role, tuple[Example, ...]] = {}
    for role, size in sizes.items():
        texts: list[Example] = []
        while len(texts) < size:
            place = next(order, None)
            if place is None:
                raise _too_few(groups, sizes, spec, dropped=dropped, near=len(near.left_out) if near else 0)
            most = size - len(texts)
            texts += groups[place][:most] if near is None else near.without(groups[place], most=most)
        roles[role] = tuple(texts)
    return roles


def _too_few(
    groups: Sequence[list[Example]], sizes: Mapping[Role, int], spec: CorpusSpec, *, dropped: int, near: int
) -> DataError:
    have = sum(map(len, groups))
    wanted = {role: size for role, size in sizes.items() if size}
    cap = f", at most {spec.per_group} of a group" if spec.per_group else ""
    lost = f", {dropped} duplicates dropped" if dropped else ""
    lost += f", {near} near copies dropped" if near else ""
    if spec.design != "random":
        lost += f" of `{'path' if groups and groups[0][0].official else 'non_members'}`, which half of the pool is of"
    counted = " + ".join(map(str, wanted.values()))
    return DataError(
        f"Corpus '{printable(spec.name)}' has too few texts: {counted} = {sum(wanted.values())} are needed "
        f"({', '.join(wanted)}), and there are {have} in {_counted(len(groups), 'group')}{cap}{lost}. "
        f"A group never serves two roles, so that what is left of the last group of a role is not used. "
        f"{_advice(groups, wanted, near=near)}"
    )


def _advice(groups: Sequence[list[Example]], wanted: Mapping[Role, int], *, near: int) -> str:
    """How to mend a corpus with too few texts: smaller roles, smaller groups, or more texts."""
    have, largest = sum(map(len, groups)) - near, max(map(len, groups), default=0)
    # Every role may lose all but one text of the group that completes it.
    fitting = _fitting(have - len(wanted) * max(0, largest - 1), wanted)
    if fitting and len(groups) >= 2 * len(wanted):
        return f"Sizes that fit: {fitting}."
    ungrouped = _fitting(have, wanted)
    if ungrouped and largest > 1:
        whole = "All of them are" if len(groups) == 1 else f"The largest has {_counted(largest, 'text')}, which is"
        return (
            f"{whole} too much for one group: name a finer `group`, or none where every record stands for itself, and "
            f"these sizes fit: {ungrouped}."
        )
    return "Add texts."


def _fitting(texts: int, wanted: Mapping[Role, int]) -> str:
    """Sizes in the proportion wanted that this many texts can fill; empty where a role would become too small."""
    share = min(1.0, max(0, texts) / sum(wanted.values()))
    sizes = {role: int(size * share) for role, size in wanted.items()}
    sound = sizes["pool"] >= 4 and all(sizes.values())
    return ", ".join(f"{role} = {size}" for role, size in sizes.items()) if sound else ""


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def manifest(split: Split) -> dict[str, Any]:
    """What went where, as JSON: texts, groups and ids of each role, dropped duplicates, a sha256 over all (role, id,
    prompt, completion), and where near copies were looked for, `near_duplicates`: which text is nearly which."""
    digest = sha256()
    for role in ROLES:
        for example in split.roles.get(role, ()):
            line = json.dumps([role, example.id, example.prompt, example.completion], ensure_ascii=False)
            digest.update(line.encode() + b"\n")
    near = {} if split.near is None else {"near_duplicates": dict(split.near)}
    facts = {"roles": _role_facts(split.roles), "dropped_duplicates": split.dropped, "sha256": digest.hexdigest()}
    return facts | near


def _role_facts(roles: Mapping[Role, tuple[Example, ...]]) -> dict[str, dict[str, int]]:
    return {
        role: {"texts": len(roles.get(role, ())), "groups": len({example.group for example in roles.get(role, ())})}
        for role in ROLES
    }
