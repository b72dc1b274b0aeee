"""What of a study's records enters a key: a field that is added later stays out of it at its default, so that it
changes no training that is in a store.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Collection
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Keyed(BaseModel, ABC):
    """A frozen record that keys are made of. A field at its default stays out of them, unless it or a class that it
    inherits from names it in `always_keyed`, as those do that stores had keys of before this rule.

    A default is then no longer free: whoever changes one raises the version of the stage that reads it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    always_keyed: ClassVar[frozenset[str]] = frozenset()

    @property
    def keyed_fields(self) -> frozenset[str]:
        """The names of the fields that count: those that always do, and those that are not at their default."""
        always = frozenset().union(*(vars(one).get("always_keyed", ()) for one in type(self).__mro__))
        fields = type(self).model_fields
        return frozenset(name for name in fields if name in always or not self._is_at_default(name))

    def _is_at_default(self, name: str) -> bool:
        field = type(self).model_fields[name]
        return not field.is_required() and bool(
            getattr(self, name) == field.get_default(call_default_factory=True, validated_data={})
        )

    def keyed(self, *, without: Collection[str] = ()) -> dict[str, Any]:
        """The fields that count, records within it likewise, as JSON; `without` names those that never do."""
        counted = [name for name in type(self).model_fields if name in self.keyed_fields - set(without)]
        dumped = self.model_dump(mode="json", include=set(counted))
        inner = {name: one.keyed() for name in counted if isinstance(one := getattr(self, name), Keyed)}
        return {name: inner.get(name, dumped[name]) for name in counted}
