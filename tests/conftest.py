"""Shared by all tests: a quiet, offline, repeatable process, and the few fixtures that more than one folder uses."""

from __future__ import annotations

import gc
import os
import signal
import tempfile

# Before anything imports torch, NumPy or huggingface_hub: they read these once. One thread makes sums repeatable and
# leaves the other core to whoever shares the machine; the hub's cache goes to a folder that disappears with the run.
_hub_home = tempfile.TemporaryDirectory(prefix="vestige-tests-hub-", ignore_cleanup_errors=True)
os.environ.update(
    {
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "POLARS_MAX_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HOME": _hub_home.name,
        "MPLBACKEND": "agg",
    }
)

from pathlib import Path  # noqa: E402

import hypothesis  # noqa: E402
import pytest  # noqa: E402

# An example may take as long as a busy machine makes it.
hypothesis.settings.register_profile("vestige", deadline=None)
hypothesis.settings.load_profile("vestige")

# A shell ignores Ctrl-C for what it runs in the background, and the ignored signal would be inherited.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPO = Path(__file__).resolve().parent.parent


def pytest_collection_finish(session: pytest.Session) -> None:
    """What the libraries hold is set aside: every training walks over all that is alive (`gc.collect`), and a million
    objects of torch and transformers cost it a third of a second each time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own settings reach no test."""
    for name in ("VESTIGE_STORE", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture(scope="session")
def repo() -> Path:
    """The root of the work tree."""
    return REPO


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """WebNLG, WikiText-2 and XSum as development machines have them; elsewhere the test is skipped."""
    folder = Path(os.environ.get("VESTIGE_SHARED_DATA", REPO.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the development corpora are not on this machine (VESTIGE_SHARED_DATA names their folder)")
    return folder


@pytest.fixture(scope="session")
def default_model() -> Path:
    """The folder of smollm2-135m as `make env` left it in the user's cache; the test is skipped where it is absent."""
    from vestige.models.sources import resolve

    source = resolve("smollm2-135m", fetch=False)
    if not source.ready:
        pytest.skip("smollm2-135m is not in the model cache: `vestige models get smollm2-135m` fetches it")
    return source.path


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Llama with random weights; not to be written to."""
    from vestige.testing.models import save_tiny_model

    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny-llama", "llama")


@pytest.fixture(scope="session")
def tiny_notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A jsonl file of 30 generated records; not to be written to."""
    from vestige.testing.studies import write_tiny_corpus

    return write_tiny_corpus(tmp_path_factory.mktemp("data") / "notes.jsonl")
