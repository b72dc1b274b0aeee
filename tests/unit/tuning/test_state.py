"""What an unfinished training goes on from: damage is named and set aside, and the end is as if nothing had been."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from vestige.testing.methods import attached, tiny_job
from vestige.testing.models import tiny_model
from vestige.tuning.checkpoint import WEIGHTS
from vestige.tuning.methods.lora import Lora
from vestige.tuning.state import DAMAGED, STATE, latest
from vestige.tuning.train import CHECKPOINTS, Job, train


class Killed(BaseException):
    """Stands for a signal."""


def run(folder: Path, *, kill_after: int | None = None, say: Callable[[str], None] = print) -> list[float]:
    left = [kill_after or 0]

    def progress(_: int) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    return train(
        attached(Lora(r=1), tiny_model("llama").requires_grad_(False)), job(folder), progress=progress, say=say
    )


def job(folder: Path) -> Job:
    """8 steps, checkpoints at 2, 4 and 8."""
    return tiny_job(folder, learning_rate=1e-2)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[float], dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("undisturbed")
    return run(folder), checkpoints(folder)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Killed in step 6: the state of step 4 is there, and the checkpoints of 2 and 4."""
    folder = tmp_path_factory.mktemp("interrupted")
    with pytest.raises(Killed):
        run(folder, kill_after=6)
    return folder


def checkpoints(folder: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in (folder / CHECKPOINTS).rglob(WEIGHTS)}


FILES = [
    f"{STATE}/4/hashes.json",
    f"{STATE}/4/losses.json",
    f"{STATE}/4/optimizer.json",
    f"{STATE}/4/optimizer.safetensors",
    f"{STATE}/4/rng.safetensors",
    f"{STATE}/4/scheduler.json",
    f"{STATE}/4/trainer_state.json",
    f"{STATE}/4/{WEIGHTS}",
    f"{CHECKPOINTS}/2/{WEIGHTS}",
    f"{CHECKPOINTS}/4/{WEIGHTS}",
]


def flip(path: Path) -> None:
    """One bit, in the middle, where a safetensors file has numbers."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "deleted": Path.unlink,
    "flipped": flip,
}


def test_these_are_all_files_that_a_training_goes_on_from(interrupted: Path) -> None:
    found = [path.relative_to(interrupted).as_posix() for path in interrupted.rglob("*") if path.is_file()]
    assert sorted(found) == sorted(FILES)


@pytest.mark.parametrize("damage", sorted(DAMAGE))
@pytest.mark.parametrize("name", FILES)
def test_what_is_damaged_is_named_and_set_aside(tmp_path: Path, interrupted: Path, name: str, damage: str) -> None:
    shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True)
    DAMAGE[damage](tmp_path / name)
    said: list[str] = []
    assert latest(tmp_path, say=said.append) is None
    assert len(said) == 1
    named = str(tmp_path / STATE / "4") if name.endswith("hashes.json") else str(tmp_path / name)
    assert named in said[0]
    assert not (tmp_path / STATE / "4").exists()
    assert list((tmp_path / DAMAGED).iterdir())
    assert latest(tmp_path, say=said.append) is None
    assert len(said) == 1, "what is set aside is in nobody's way"


@pytest.mark.parametrize(
    ("name", "damage"),
    [(f"{STATE}/4/{WEIGHTS}", "flipped"), (f"{CHECKPOINTS}/2/{WEIGHTS}", "cut"), (f"{STATE}/4/hashes.json", "deleted")],
)
def test_a_damaged_training_ends_as_an_undisturbed_one(
    tmp_path: Path, interrupted: Path, undisturbed: tuple[list[float], dict[str, bytes]], name: str, damage: str
) -> None:
    shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True)
    DAMAGE[damage](tmp_path / name)
    assert (run(tmp_path), checkpoints(tmp_path)) == undisturbed


def test_an_older_state_that_is_whole_is_gone_on_from(
    tmp_path: Path, interrupted: Path, undisturbed: tuple[list[float], dict[str, bytes]]
) -> None:
    """Killed between the new state and the removal of the old one, and then damaged."""
    shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True)
    shutil.copytree(tmp_path / STATE / "4", tmp_path / STATE / "6")
    (tmp_path / STATE / "6" / "hashes.json").unlink()
    said: list[str] = []
    assert latest(tmp_path, say=said.append) == tmp_path / STATE / "4"
    assert str(tmp_path / STATE / "6") in said[0]
    assert (run(tmp_path, kill_after=5), checkpoints(tmp_path)) == undisturbed, "4 steps were left"


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd"])
def test_hashes_of_files_elsewhere_are_damage(tmp_path: Path, interrupted: Path, name: str) -> None:
    shutil.copytree(interrupted, tmp_path / "it")
    (tmp_path / "it" / STATE / "4" / "hashes.json").write_text(f'{{"{name}": "0"}}')
    assert latest(tmp_path / "it", say=print) is None
