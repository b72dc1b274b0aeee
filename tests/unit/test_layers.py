"""What must not be imported is not: proven in fresh processes, and by the import contracts of pyproject.toml."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import vestige

HEAVY = ("torch", "transformers", "peft", "accelerate", "ray")
PACKAGE = Path(vestige.__file__).parent
# A folder is created when its first file lands.
MODEL_FREE = [name for name in ("attacks", "metrics", "checks", "claims", "report") if (PACKAGE / name).is_dir()]

_IMPORT_ALL = """
import importlib, json, pkgutil, sys
package = importlib.import_module(sys.argv[1])
names = [one.name for one in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
for name in names:
    importlib.import_module(name)
print(json.dumps({"imported": names, "loaded": sorted(sys.modules)}))
"""

_HELP = """
import json, runpy, sys
sys.argv = ["vestige", *sys.argv[1:]]
try:
    runpy.run_module("vestige", run_name="__main__", alter_sys=True)
except SystemExit as stop:
    assert not stop.code, stop.code
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def _run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("name", MODEL_FREE)
def test_no_module_of_the_package_loads_a_model_library(name: str) -> None:
    found = json.loads(_run(_IMPORT_ALL, f"vestige.{name}").stdout)
    assert found["imported"], f"vestige.{name} holds no module"
    assert not set(HEAVY) & set(found["loaded"])


def test_root_loads_no_heavy_library() -> None:
    loaded = json.loads(_run("import json, sys, vestige; print(json.dumps(sorted(sys.modules)))").stdout)
    assert not {*HEAVY, "numpy", "polars", "sklearn"} & set(loaded)


@pytest.mark.parametrize("command", ["--help", "run --help", "list --help"])
def test_help_loads_no_heavy_library(command: str) -> None:
    loaded = json.loads(_run(_HELP, *command.split()).stderr.splitlines()[-1])
    assert not {*HEAVY, "numpy", "polars", "sklearn"} & set(loaded)


def test_import_contracts_hold(repo: Path) -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=repo, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
