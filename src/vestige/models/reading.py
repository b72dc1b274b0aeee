"""The only calls of transformers that read a model's files: from the disk, without code and pickles, and judged.

Readers of foreign files raise what they like; whatever it is, it leaves here as a ModelError of one line.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from logging import ERROR, getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from vestige.errors import ModelError, VestigeError, printable, reason
from vestige.models.completeness import foreign_parts
from vestige.models.files import CONFIG, refuse_foreign_code
from vestige.models.headers import refuse_odd_config

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_LINE: Final = 300


@final
@dataclass(frozen=True)
class Loaded:
    """A model, frozen and in evaluation mode, and the parts of its files that are no part of it (`vision_tower`)."""

    model: PreTrainedModel
    foreign: tuple[str, ...]


def read(factory: Any, folder: Path, *, name: str, **how: Any) -> Any:
    """What one of transformers' `Auto…` classes makes of a folder; `name` is what errors call it.

    Raises:
        ModelError: it cannot be read, is quantized, or needs code that is not transformers' own.
    """
    if (folder / CONFIG).exists():
        refuse_foreign_code(folder)
        refuse_odd_config(folder)
    what = "tokenizer of the model" if factory.__name__ == "AutoTokenizer" else "model"
    with errors_of(name, what=what, folder=folder), quiet():
        return factory.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **how)


def read_model(factory: Any, folder: Path, *, name: str, **how: Any) -> Loaded:
    """A model with all its weights, on the processor.

    Raises:
        ModelError: as `read`; or weights are missing, have another shape, or are left over inside the model.
    """
    asked = {"use_safetensors": True, "output_loading_info": True, "ignore_mismatched_sizes": True}
    model, info = read(factory, folder, name=name, **asked, **how)
    foreign = foreign_parts(model, info, name=printable(name))
    return Loaded(model=model.requires_grad_(False).eval(), foreign=foreign)


@contextlib.contextmanager
def errors_of(name: str, *, what: str = "model", folder: Path | None = None) -> Iterator[None]:
    """Inside, whatever is raised becomes a ModelError that names the model, and the JSON file of its folder that holds
    no object, which readers leave out.
    """
    try:
        yield
    except VestigeError:
        raise
    except Exception as error:  # the readers of a foreign file raise what they like
        broken = next(_no_json(folder), None) if folder else None
        where = f"{printable(broken, limit=_LINE)} is damaged or not whole: " if broken else ""
        raise ModelError(f"Cannot load the {what} {printable(name)!r}: {where}{reason(error)}") from error


def _no_json(folder: Path) -> Iterator[str]:
    """The names of the files that are to hold a JSON object, and do not."""
    for file in sorted(folder.glob("*.json")):
        try:
            is_object = isinstance(json.loads(file.read_bytes()), dict)
        except (OSError, ValueError, RecursionError):
            is_object = False
        if not is_object:
            yield file.name


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """transformers' tables of missing weights and its progress bars stay away, and advice of bitsandbytes: what matters
    of them is an error or a line of ours.
    """
    from transformers.utils import logging

    verbosity, has_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    # Once peft loads it, bitsandbytes advises to install a kernel of somebody else's.
    advice = getLogger("bitsandbytes")
    level = advice.level
    advice.setLevel(ERROR)
    try:
        yield
    finally:
        advice.setLevel(level)
        logging.set_verbosity(verbosity)
        if has_bars:
            logging.enable_progress_bar()
