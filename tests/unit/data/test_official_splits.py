"""Members from one file, non-members from another: as a published study has them, and nothing dealt out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from vestige.data.corpus import CorpusSpec, identity, load_examples, said_of
from vestige.data.splits import cut, members_of
from vestige.errors import DataError
from vestige.records import ROLES


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Thirty texts in each; both name their records by their line."""
    paths = (tmp_path / "train.jsonl", tmp_path / "test.jsonl")
    for path in paths:
        rows = [{"note": f"note {number} of the {path.stem} file"} for number in range(30)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return paths


def spec(files: tuple[Path, Path], **values: Any) -> CorpusSpec:
    given = {"path": str(files[0]), "non_members": str(files[1]), "design": "official-splits", "pool": 9}
    roles = {"validation": 4, "calibration": 3, "shadow": 6, "fields": {"completion": "note"}}
    return CorpusSpec.model_validate({**given, **roles, **values})


def test_members_are_of_the_training_file_whatever_the_seed(files: tuple[Path, Path]) -> None:
    told = spec(files)
    split = cut(load_examples(told), told)
    pool = split.roles["pool"]
    for seed in (0, 1):
        members = members_of(pool, seed=seed, fold="A")
        assert members.sum() == 5
        assert ["train" in one.completion for one in pool] == members.tolist()
    assert members.tolist() != sorted(members.tolist(), reverse=True), "the order tells nothing"


def test_what_is_never_trained_on_is_of_the_test_file_and_shadows_are_dealt_out(files: tuple[Path, Path]) -> None:
    told = spec(files)
    roles = cut(load_examples(told), told).roles
    assert all("test" in one.completion for role in ("validation", "calibration") for one in roles[role])
    assert all("train" in one.completion for one in roles["shadow"])
    halves = [tuple(members_of(roles["shadow"], seed=seed, fold="A")) for seed in range(5)]
    assert all(sum(half) == 3 for half in halves)
    assert len(set(halves)) > 1
    ids = [one.id for role in ROLES for one in roles[role]]
    assert len(ids) == len(set(ids)) == 9 + 4 + 3 + 6


def test_its_identity_knows_which_file_is_whose(files: tuple[Path, Path]) -> None:
    one, turned = identity(spec(files)), identity(spec(files[::-1]))
    assert one["files"] == turned["files"][::-1]
    assert (one["design"], one["files_of_non_members"]) == ("official-splits", 1)
    assert said_of(spec(files))["files"] == ["train.jsonl", "test.jsonl"]
    three = {"path": [str(files[0]), str(files[1])], "non_members": str(files[0])}
    other = {"path": str(files[0]), "non_members": [str(files[1]), str(files[0])]}
    assert identity(spec(files, **three)) != identity(spec(files, **other))


def test_a_corpus_without_it_has_the_identity_of_before(files: tuple[Path, Path]) -> None:
    told = identity(spec(files, design="random", non_members=None))
    assert not {"design", "non_members", "files_of_non_members"} & set(told)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"design": "random"}, "give both, or neither"),
        ({"non_members": None}, "give both, or neither"),
        ({"path": None, "hub": "a/b"}, "name both"),
    ],
)
def test_one_without_the_other_is_refused(files: tuple[Path, Path], values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        spec(files, **values)


def test_too_few_texts_say_in_which_file(files: tuple[Path, Path]) -> None:
    told = spec(files, pool=70)
    with pytest.raises(DataError, match=r"35 \+ 6 = 41 are needed .* 30 in 30 groups of `path`"):
        cut(load_examples(told), told)
