"""Attacks that other distributions add: a folder with a module and a .dist-info is all it takes to be one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vestige.attacks import discover, make_attack
from vestige.attacks.registry import origin
from vestige.errors import ConfigError
from vestige.testing.attacks import check_attack

ATTACK = '''
"""An attack of somebody else."""
from typing import ClassVar, Literal, final

from vestige.attacks.base import TARGET_LOGP, Attack, Share, as_scores


@final
class Lowest(Attack):
    """The mean of the lowest tokens."""

    name: Literal["{name}"] = "{name}"
    needs: ClassVar = (TARGET_LOGP,)
    k: Share = 0.5

    def score(self, tables):
        logp = tables.tokens(TARGET_LOGP)
        return as_scores(tables, logp.lowest_means(share=self.k), lengths=logp.lengths)
'''

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a distribution with one attack on the path."""

    def put(distribution: str, *, entry: str, content: str, module: str = "strange_attacks") -> None:
        folder = tmp_path / distribution
        info = folder / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir(parents=True)
        (folder / f"{module}.py").write_text(content, encoding="utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[vestige.attacks]\n{entry}\n")
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, module, raising=False)
        discover.cache_clear()

    discover.cache_clear()
    yield put
    monkeypatch.undo()
    discover.cache_clear()


def test_an_added_attack_is_found_and_keeps_the_promises(install: Install) -> None:
    install("my-attacks", entry="lowest = strange_attacks:Lowest", content=ATTACK.format(name="lowest"))
    attack = make_attack({"name": "lowest", "k": 0.1})
    assert attack.label == "lowest(k=0.1)"
    assert origin(type(attack)) == "strange_attacks"
    assert origin(type(make_attack("loss"))) == "vestige"
    check_attack(attack)


@pytest.mark.parametrize(
    ("entry", "content", "message"),
    [
        ("lowest = strange_attacks:Lowest", "raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("lowest = strange_attacks:Lowest", "import a_module_that_is_not_there", "ModuleNotFoundError"),
        ("lowest = strange_attacks:Lowst", ATTACK.format(name="lowest"), "AttributeError"),
        ("lowest = strange_attacks:Share", ATTACK.format(name="lowest"), "not a class derived from"),
        ("lowest = strange_attacks:Attack", ATTACK.format(name="lowest"), "not a class derived from"),
        ("lowest = strange_attacks:Lowest", ATTACK.format(name="highest"), "'highest' under the name 'lowest'"),
        ("loss = strange_attacks:Lowest", ATTACK.format(name="loss"), "which vestige.attacks.loss has already"),
    ],
)
def test_a_bad_one_is_laid_at_the_door_of_its_distribution(
    install: Install, entry: str, content: str, message: str
) -> None:
    install("my-attacks", entry=entry, content=content)
    with pytest.raises(ConfigError) as caught:
        discover()
    assert message in str(caught.value)
    assert "The distribution 'my-attacks' 1.2" in str(caught.value)
    assert "ninstall" in str(caught.value)


def test_two_distributions_with_one_name_are_refused(install: Install) -> None:
    content = ATTACK.format(name="lowest")
    install("one", entry="lowest = attacks_of_one:Lowest", content=content, module="attacks_of_one")
    install("two", entry="lowest = attacks_of_two:Lowest", content=content, module="attacks_of_two")
    with pytest.raises(ConfigError, match=r"'two' 1.2 adds an attack named 'lowest', which attacks_of_one has already"):
        discover()
