"""Every method of a study tried on every base before anything is written: one training step, one scoring pass, an
answer of two tokens. What an architecture, transformers or peft cannot do together shows here, once, in one line.
"""

from __future__ import annotations

import contextlib
import gc
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, final

import numpy as np

from vestige.data.encode import Encoded
from vestige.errors import ModelError, Stopped, StoreError, VestigeError, printable, reason
from vestige.forms import Behind
from vestige.models.loading import Dtype, foreign_to_base, forget_base, load_base
from vestige.models.sources import ModelSource
from vestige.store.keys import canonical_json
from vestige.study.identity import forms_of
from vestige.study.spec import Study
from vestige.tuning.methods.base import Method
from vestige.tuning.schedule import Training

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

LARGE: Final = 1_000_000_000
"""Parameters beyond which full fine-tuning is not tried: it needs sixteen bytes for each, which a machine that only
plans need not have.
"""

_LENGTHS: Final = (6, 4)
_NEW_TOKENS: Final = 2

_RATE: Final = 1e-3
"""The highest learning rate of the one step: one that diverges fails its own cells, and is no fault of the model's."""

_tried: set[str] = set()
"""What went well in this process, as JSON."""


@final
@dataclass(frozen=True)
class Asked:
    """What a study does with its models besides training and plain scoring."""

    gradients: bool
    answers: bool
    beginnings: bool
    recomputed: bool

    @classmethod
    def by(cls, study: Study) -> Self:
        """What this study asks for."""
        attacks = study.attacks.use
        return cls(
            gradients=any(attack.assumed.gradients for attack in attacks),
            answers=bool(study.study.text_utility),
            beginnings=any(isinstance(form, Behind) for form in forms_of(study)),
            recomputed=study.training.gradient_checkpointing,
        )


def try_base(
    source: ModelSource, study: Study | None, *, dtype: Dtype, say: Callable[[str], None] = lambda _: None
) -> tuple[str, ...]:
    """Load a base and try the methods of a study on it, if one is given; the answer is what of its files is left aside.
    `say` is told before.

    Raises:
        ModelError: as `foreign_to_base` and `try_methods`.
    """
    say(f"loading {printable(source.name)}" + (" and trying the methods on it" if study else ""))
    foreign = foreign_to_base(source, dtype=dtype)
    if study is not None:
        try_methods(source, study, dtype=dtype)
    return foreign


def try_methods(source: ModelSource, study: Study, *, dtype: Dtype) -> None:
    """Score with a base as it is; then train, score and ask each method of the study on it, on texts of a few tokens.

    Raises:
        ModelError: the base, or a method on it, cannot do what the study asks; it names both, and why.
    """
    asked = Asked.by(study)
    for method in (None, *study.method):
        spec = None if method is None else method.spec()
        about = canonical_json({"base": dict(source.identity), "dtype": dtype, "method": spec, **asdict(asked)})
        if about not in _tried:
            _try(source, method, asked, dtype=dtype)
            _tried.add(about)


def _try(source: ModelSource, method: Method | None, asked: Asked, *, dtype: Dtype) -> None:
    base = load_base(source, dtype=dtype)
    try:
        texts = _texts(base.get_input_embeddings().get_parameter("weight").shape[0])
        if method is None:
            _run(base, texts, asked)
        elif method.name != "full" or base.num_parameters() <= LARGE:
            _try_method(base, method, texts, asked)
    except StoreError:  # a full disk is no fault of the model's
        raise
    except Exception as error:  # transformers and peft raise what they like
        forget_base()
        said = str(error) if isinstance(error, VestigeError) else reason(error)
        what = f"The model {printable(source.name)} ({type(base).__name__}) "
        what += "cannot be scored" if method is None else f"does not work with the method {method.label}"
        raise ModelError(
            f"{what}: {said.rstrip('.')}. Leave {'it' if method is None else 'one of the two'} out."
        ) from error


def _try_method(base: PreTrainedModel, method: Method, texts: Sequence[Encoded], asked: Asked) -> None:
    from vestige.tuning.train import isolated_rng

    try:
        with isolated_rng(0), method.prepare(base, seed=0) as model:
            _train(model, method, texts, recomputed=asked.recomputed)
            _run(model.eval(), texts, asked)
    except Stopped as stopped:  # it speaks of a state that is kept, and what is only tried keeps none
        forget_base()
        raise Stopped(number=stopped.exit_status - 128) from None


def _texts(vocabulary: int) -> list[Encoded]:
    """Two texts of different length, of ids that any embedding has."""
    ids = [np.arange(1, length + 1, dtype=np.int64) * vocabulary // (length + 2) for length in _LENGTHS]
    return [
        Encoded(id=str(place), ids=own, first=1, end=len(own), was_cut=False, n_bytes=0, zlib_bytes=0)
        for place, own in enumerate(ids)
    ]


def _train(model: PreTrainedModel | PeftModel, method: Method, texts: Sequence[Encoded], *, recomputed: bool) -> None:
    """One step on both texts; nothing is kept."""
    from vestige.tuning.train import Job, train

    training = Training(epochs=1, batch_size=2, checkpoints=(1,), gradient_checkpointing=recomputed)
    with tempfile.TemporaryDirectory() as folder:
        job = Job(
            training=training,
            learning_rate=min(*method.learning_rate, _RATE),
            warmup_steps=0,
            seed=0,
            texts=texts,
            batches=[[0, 1]],
            steps=(),
            folder=Path(folder),
            pad_id=0,
            rate_factor=method.rate_factor,
        )
        with _no_garbage_sought():
            train(model, job, progress=lambda _: None)


@contextlib.contextmanager
def _no_garbage_sought() -> Iterator[None]:
    """The Trainer has Python look through everything there is for garbage, which takes longer than the step. Whoever
    has set something aside before finds it so.
    """
    is_asked_for = not gc.get_freeze_count()
    gc.freeze()
    try:
        yield
    finally:
        if is_asked_for:
            gc.unfreeze()


def _run(model: PreTrainedModel | PeftModel, texts: Sequence[Encoded], asked: Asked) -> None:
    from vestige.stats.collect import collect
    from vestige.stats.generate import Limits, generate
    from vestige.stats.gradients import gradient_norms

    collect(model, texts, pad_id=0)
    if asked.beginnings:
        collect(model, texts, pad_id=0, beginning=texts[0].ids)
    if asked.gradients:
        gradient_norms(model, texts, pad_id=0)
    if asked.answers:
        generate(model, [text.ids for text in texts], limits=Limits(stop=(), max_new_tokens=_NEW_TOKENS))
