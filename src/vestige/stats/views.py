"""Forms of a text, by the name that a `View` bears: what becomes of an example before it is encoded.

A form changes the completion only, never the prompt, and depends on the example alone, so that the same text has the
same form in every pass. Torch-free.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from vestige.errors import ConfigError, near_misses
from vestige.records import Example

PLAIN = "plain"


def rewrite(examples: Sequence[Example], *, form: str) -> list[Example]:
    """The examples with their completions in this form, in the order given; ids, prompts and groups stay.

    * `plain`: as they are.
    * `lowercase`: every letter that has a lower case in it (`str.lower`, so `İ` becomes two characters).

    ConfigError, with the near misses, for a form that there is not.
    """
    check_form(form)
    change = _FORMS[form]
    return [replace(example, completion=change(example.completion)) for example in examples]


def check_form(form: str) -> None:
    """ConfigError, with the near misses, for a form that there is not."""
    if form not in _FORMS:
        raise ConfigError(f"an attack needs the text in the unknown form {form!r}.{near_misses(form, _FORMS)}")


_FORMS: Mapping[str, Callable[[str], str]] = {PLAIN: str, "lowercase": str.lower}
