"""What a pretraining starts from, in the cache of models: the tokenizer of a family, the runs of words of its texts,
and a model of one size with the weights that it has before the first step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from vestige.models.cache import building, cache_folder, is_complete, made_from
from vestige.models.sources import ModelSource
from vestige.pretraining.runs import Runs
from vestige.pretraining.sizes import Size, config_of, size_of
from vestige.pretraining.spec import Pretraining
from vestige.pretraining.texts import refuse_few, texts_of
from vestige.store.keys import canonical_json

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

VERSION: Final = "1"
"""Raised when the same table gives other tokenizers, weights or trainings."""

END: Final = "<|endoftext|>"
_RUNS: Final = "runs.npy"

Say = Callable[[str], None]


def identity_of(model: str, pretraining: Pretraining) -> dict[str, str]:
    """What a model is known by that is pretrained as the table says: all that it follows from, of which no study's
    texts are a part. DataError where a file of the texts is missing.
    """
    size = size_of(model, pretraining)
    told = {**pretraining.identity(), "layers": size.layers, "width": size.width, "version": VERSION}
    return {"scratch": f"{pretraining.shape}-{size.layers}x{size.width}", "pretraining": _digest(told)}


def _digest(value: Mapping[str, object]) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def place_of(model: str, pretraining: Pretraining) -> Path:
    """Where the start of a model lies, or is to lie, in the cache; errors as in `identity_of`."""
    return _place(identity_of(model, pretraining))


def _place(identity: Mapping[str, str]) -> Path:
    return cache_folder() / "models" / _name(identity)


def _name(identity: Mapping[str, str]) -> str:
    return f"{identity['scratch']}-{identity['pretraining'][:12]}"


def is_place_of(place: Path, identity: Mapping[str, str]) -> bool:
    """Whether a start that lies at this place, or is to, is that of the model of this identity."""
    return place.name == _name(identity)


def found_at(place: Path) -> Mapping[str, str] | None:
    """What the model is known by whose start lies at a place; None where there is none."""
    return made_from(place) if is_complete(place) else None


def start_of(model: str, pretraining: Pretraining, *, say: Say) -> ModelSource:
    """The model before its pretraining, made where it is not in the cache yet; `say` is told before what takes time.

    Raises:
        ConfigError: the name is no size.
        DataError: the texts cannot be read.
        StoreError: the cache cannot be written, or is damaged.
    """
    identity = identity_of(model, pretraining)
    place = _place(identity)
    if not is_complete(place):
        family = _family(pretraining, say=say)
        with building(place, made_from=identity) as folder:
            _write_start(folder, size_of(model, pretraining), pretraining, family)
    return ModelSource(model, "scratch", place, identity, note=note_of(pretraining))


def note_of(pretraining: Pretraining) -> str:
    """What to say wherever results of a model of the family are shown."""
    where = ", ".join(Path(path).name for path in pretraining.path) or f"{pretraining.hub} ({pretraining.hub_split})"
    return f"pretrained from scratch on {pretraining.tokens:,} tokens of {where}, where no text of the study occurs"


def runs_of(pretraining: Pretraining, *, say: Say) -> Runs:
    """The runs of words of all texts of the source; errors as in `start_of`."""
    return Runs(np.load(_family(pretraining, say=say) / _RUNS))


def _family(pretraining: Pretraining, *, say: Say) -> Path:
    """The folder of what all sizes share, made where it is not there yet."""
    source = pretraining.identity()
    shared = {name: source[name] for name in ("field", "vocabulary", "files")}
    shared |= {name: source[name] for name in source if name.startswith("hub")}
    digest = _digest({**shared, "version": VERSION})
    place = cache_folder() / "models" / f"scratch-family-{digest[:12]}"
    if not is_complete(place):
        say("reading the texts to pretrain on, and training a tokenizer on them once")
        with building(place, made_from={"family": digest}) as folder:
            texts = list(texts_of(pretraining))
            refuse_few(texts)
            tokenizer_of(texts, vocabulary=pretraining.vocabulary).save_pretrained(folder)
            np.save(folder / _RUNS, Runs.of(texts).hashes)
    return place


def tokenizer_of(texts: Iterable[str], *, vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE of at most `vocabulary` pieces, trained on texts; one of them ends a text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=END, eos_token=END, pad_token=END)


def _write_start(folder: Path, size: Size, pretraining: Pretraining, family: Path) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(family, local_files_only=True)
    tokenizer.model_max_length = pretraining.context
    told = config_of(size, pretraining, end=tokenizer.eos_token_id)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(pretraining.seed)
        config = AutoConfig.for_model(pretraining.shape, **told)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
