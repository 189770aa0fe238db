"""A fact is something that happened: frozen, in the past tense, written once, never changed."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar
from uuid import UUID

import msgspec


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all facts.

    The three ids are columns of the journal; every other field a subclass adds is its `data`. A subclass is named in the
    past tense, and its class name is its `kind` in the journal, the API and the realtime events.
    """

    KINDS: ClassVar[dict[str, type[Fact]]] = {}

    workspace_id: UUID
    conversation_id: UUID | None = None
    message_id: UUID | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        """Register the kind. A second class of the same name is a mistake and stops the program at start."""
        super().__init_subclass__(**options)
        known = Fact.KINDS.get(cls.__name__)
        if known is not None and known.__module__ != cls.__module__:
            raise TypeError(f"two facts are called {cls.__name__}: {known.__module__} and {cls.__module__}")
        Fact.KINDS[cls.__name__] = cls

    @property
    def kind(self) -> str:
        """The name under which the fact is known outside."""
        return type(self).__name__

    def data(self) -> dict[str, Any]:
        """The fields beside the three ids, as plain JSON values."""
        whole: dict[str, Any] = msgspec.to_builtins(self)
        for column in ("workspace_id", "conversation_id", "message_id"):
            whole.pop(column, None)
        return whole


F = TypeVar("F", bound=Fact)
