"""What plugs in by name: the walk of a folder, and what other distributions add to attacks, methods and recipes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from vestige import attacks
from vestige.attacks import make_attack
from vestige.data import recipes
from vestige.data.corpus import CorpusSpec, load_examples
from vestige.discovery import Kind, Registry, derived_from, find_all
from vestige.errors import ConfigError
from vestige.testing.attacks import check_attack
from vestige.testing.methods import check_method
from vestige.tuning import methods
from vestige.tuning.methods import make_method

# ------------------------------------------------------------------------------------------------- the walk of a folder

BASE = """
from abc import ABC, abstractmethod

class Tool(ABC):
    @abstractmethod
    def use(self): ...

class Named(Tool):
    def use(self): ...
"""
TOOL = """
from typing import final
from {package}.base import Named, Tool

@final
class Own(Named):
    name = "{name}"
"""

Walk = Callable[..., Registry[Any]]
_packages = count()


@pytest.fixture
def walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Walk:
    """Write modules into a package of their own, beside `base.py`, and find its tools."""

    def find(**modules: str) -> Registry[Any]:
        package = f"walked_{next(_packages)}"
        (tmp_path / package).mkdir()
        for name, content in {"__init__": "", "base": BASE, **modules}.items():
            (tmp_path / package / f"{name}.py").write_text(content.replace("{package}", package), encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        kind: Kind[Any] = Kind(
            word="tool",
            package=package,
            is_one=derived_from(import_module(f"{package}.base").Tool),
            wanted="a Tool",
            name_of=lambda one: getattr(one, "name", None),
        )
        return find_all(kind)

    return find


def test_a_file_registers_the_class_that_it_defines(walk: Walk) -> None:
    found = walk(b=TOOL.replace("{name}", "saw"), a=TOOL.replace("{name}", "spade"), c=TOOL.replace("{name}", "axe"))
    assert list(found) == ["axe", "saw", "spade"]
    assert len(found) == 3
    assert found["saw"].__module__.endswith(".b")
    assert found.origin("saw") == found["saw"].__module__.partition(".")[0]
    assert found.own() == {}
    assert attacks.discover().own()["loss"] is attacks.discover()["loss"]


def test_what_is_imported_is_no_registration(walk: Walk) -> None:
    found = walk(b=TOOL.replace("{name}", "saw"), a="from {package}.b import Own\nOther = Own\n")
    assert list(found) == ["saw"]
    assert found["saw"].__module__.endswith(".b")


def test_an_imported_class_of_another_package_is_no_registration(walk: Walk) -> None:
    elsewhere = walk(b=TOOL.replace("{name}", "saw"))["saw"].__module__
    found = walk(b=TOOL.replace("{name}", "axe"), base=f"from {elsewhere} import Own, Tool, Named\n")
    assert list(found) == ["axe"]


def test_two_of_one_name_are_refused(walk: Walk) -> None:
    with pytest.raises(TypeError, match=r"two tools bear the name 'saw': walked_\d+\.a and walked_\d+\.b"):
        walk(b=TOOL.replace("{name}", "saw"), a=TOOL.replace("{name}", "saw"))


def test_a_final_class_without_a_name_is_refused(walk: Walk) -> None:
    with pytest.raises(TypeError, match=r"walked_\d+\.a defines a tool without a name"):
        walk(a=TOOL.replace('name = "{name}"', "pass"))


def test_a_file_that_cannot_be_loaded_says_so(walk: Walk) -> None:
    with pytest.raises(ModuleNotFoundError, match="a_module_that_is_not_there"):
        walk(a="import a_module_that_is_not_there")


def test_values_that_are_imported_count_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "numbers_of_mine").mkdir()
    for name, content in {"__init__": "", "a": "from numbers_of_mine.b import ONE", "b": "ONE = 2 + 3j"}.items():
        (tmp_path / "numbers_of_mine" / f"{name}.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    kind: Kind[complex] = Kind(
        word="number",
        package="numbers_of_mine",
        is_one=lambda value: isinstance(value, complex),
        wanted="a number",
        name_of=str,
    )
    assert dict(find_all(kind)) == {"(2+3j)": 2 + 3j}


# ------------------------------------------------------------------------------------------------- other distributions

ATTACK = '''
"""An attack of somebody else."""
from typing import ClassVar, Literal, final

from vestige.attacks.base import TARGET_LOGP, Attack, Share, as_scores


@final
class Mine(Attack):
    """The mean of the lowest tokens."""

    name: Literal["{name}"] = "{name}"
    needs: ClassVar = (TARGET_LOGP,)
    k: Share = 0.5

    def score(self, tables):
        logp = tables.read(TARGET_LOGP)
        return as_scores(tables, logp.lowest_means(share=self.k), lengths=logp.lengths)
'''

METHOD = '''
"""A method of somebody else."""
import contextlib
from typing import ClassVar, Literal, final

from vestige.tuning.methods.base import LearningRates, Method


@final
class Mine(Method):
    """Trains the norm before the output layer."""

    family: ClassVar = "parameter"
    saves: ClassVar = "the scale of the last norm"
    mergeable: ClassVar = True
    name: Literal["{name}"] = "{name}"
    learning_rate: LearningRates = (3e-1,)

    @contextlib.contextmanager
    def prepare(self, base, *, seed):
        import torch

        old = base.model.norm.weight
        base.model.norm.weight = torch.nn.Parameter(old.detach().float().clone())
        try:
            yield base
        finally:
            base.model.norm.weight = old
'''

RECIPE = '''
"""A data set of somebody else."""
from vestige.data.recipes import Recipe
from vestige.records import Example


def examples(rows):
    for row in rows:
        yield Example(row.record_id("id"), "", row.text("line"), (), row.record_id("id"))


Mine = Recipe(name="{name}", about="Lines", licence="MIT", examples=examples, hub="me/lines")
'''


@dataclass(frozen=True)
class Extended:
    """A kind that other distributions extend."""

    group: str
    word: str
    content: str
    taken: str
    """A name of vestige's own, and the module where it is."""

    home: str
    discover: Any

    def __str__(self) -> str:
        return self.word


KINDS = [
    Extended("vestige.attacks", "attack", ATTACK, "loss", "vestige.attacks.loss", attacks.discover),
    Extended("vestige.methods", "method", METHOD, "lora", "vestige.tuning.methods.lora", methods.discover),
    Extended("vestige.recipes", "recipe", RECIPE, "xsum", "vestige.data.recipes.xsum", recipes.discover),
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=str)

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put a distribution on the path that adds one thing of a kind: a folder with a module and a .dist-info is one."""

    def put(kind: Extended, distribution: str, *, entry: str, content: str, module: str = "strange") -> None:
        folder = tmp_path / distribution
        info = folder / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir(parents=True)
        (folder / f"{module}.py").write_text(content, encoding="utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[{kind.group}]\n{entry}\n")
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, module, raising=False)
        kind.discover.cache_clear()

    _forget()
    yield put
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    for kind in KINDS:
        kind.discover.cache_clear()


@every_kind
def test_an_added_one_is_found_with_the_package_that_it_comes_from(kind: Extended, install: Install) -> None:
    before = list(kind.discover())
    install(kind, "my-things", entry="mine = strange:Mine", content=kind.content.replace("{name}", "mine"))
    found = kind.discover()
    assert list(found) == sorted([*before, "mine"])
    assert (found.origin("mine"), found.origin(kind.taken)) == ("strange", "vestige")
    assert list(found.own()) == before


def test_an_added_attack_keeps_the_promises(install: Install) -> None:
    install(KINDS[0], "my-attacks", entry="my_lowest = strange:Mine", content=ATTACK.replace("{name}", "my_lowest"))
    attack = make_attack({"name": "my_lowest", "k": 0.1})
    assert attack.label == "my_lowest(k=0.1)"
    check_attack(attack)


def test_an_added_method_keeps_the_promises(install: Install) -> None:
    install(KINDS[1], "my-methods", entry="my_norm = strange:Mine", content=METHOD.replace("{name}", "my_norm"))
    check_method(make_method({"name": "my_norm"}))


def test_an_added_recipe_reads_a_corpus(install: Install, tmp_path: Path) -> None:
    install(KINDS[2], "my-recipes", entry="my_lines = strange:Mine", content=RECIPE.replace("{name}", "my_lines"))
    (tmp_path / "lines.jsonl").write_text('{"id": "a", "line": "One."}\n{"id": "b", "line": "Two."}\n')
    spec = CorpusSpec(recipe="my_lines", path=str(tmp_path / "lines.jsonl"), pool=4, validation=1)
    assert [(one.id, one.completion) for one in load_examples(spec)] == [("a", "One."), ("b", "Two.")]


@every_kind
@pytest.mark.parametrize(
    ("entry", "change", "message"),
    [
        ("mine = strange:Mine", "raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("mine = strange:Mine", "import a_module_that_is_not_there", "ModuleNotFoundError"),
        ("mine = strange:Mnie", "", "AttributeError"),
        ("mine = strange:__name__", "", "which is not a "),
        ("mine = strange:{base}", "", "which is not a "),
        ("yours = strange:Mine", "", "adds the {word} 'mine' under the name 'yours'"),
    ],
)
def test_a_bad_one_is_laid_at_the_door_of_its_distribution(
    kind: Extended, install: Install, entry: str, change: str, message: str
) -> None:
    base = {"attack": "Attack", "method": "Method", "recipe": "Recipe"}[kind.word]
    content = kind.content.replace("{name}", "mine") + change
    install(kind, "my-things", entry=entry.replace("{base}", base), content=content)
    with pytest.raises(ConfigError) as caught:
        kind.discover()
    assert message.replace("{word}", kind.word) in str(caught.value)
    assert "The distribution 'my-things' 1.2 adds " in str(caught.value)
    assert "ninstall it" in str(caught.value)


@every_kind
def test_a_name_that_vestige_has_is_refused(kind: Extended, install: Install) -> None:
    content = kind.content.replace("{name}", kind.taken)
    install(kind, "my-things", entry=f"{kind.taken} = strange:Mine", content=content)
    with pytest.raises(
        ConfigError, match=f"'my-things' 1.2 adds an? {kind.word} named .* which {kind.home} has already"
    ):
        kind.discover()


@every_kind
def test_two_distributions_with_one_name_are_refused(kind: Extended, install: Install) -> None:
    content = kind.content.replace("{name}", "mine")
    install(kind, "one", entry="mine = things_of_one:Mine", content=content, module="things_of_one")
    install(kind, "two", entry="mine = things_of_two:Mine", content=content, module="things_of_two")
    with pytest.raises(ConfigError, match=r"'two' 1.2 adds an? \w+ named 'mine', which things_of_one has already"):
        kind.discover()
