"""Who is typing: deltas that travel by signal and are never stored."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

import msgspec

from comptoir.contacts.queries import identity_by_thread
from comptoir.conversations.views import thread_keys
from comptoir.infra.database import Database
from comptoir.infra.signals import Signals
from comptoir.realtime.frames import Author

DELTA = "delta"
# A keystroke is not news: said again at most so often, well under the six seconds after which it is forgotten.
AGAIN_SECONDS = 1.0
_MOST_KEPT = 20_000


class TypingDelta(msgspec.Struct, frozen=True):
    """Somebody began or ceased to type in a conversation; `thread_key` finds the contact's own lines."""

    workspace_id: UUID
    conversation_id: UUID
    thread_key: UUID
    author: Author
    on: bool


def read(text: str) -> TypingDelta | None:
    """The delta in a signal; None when it is not one, as from a process of another release."""
    try:
        return msgspec.json.decode(text, type=TypingDelta)
    except msgspec.DecodeError:
        return None


class Typists:
    """Lets people say that they type: no oftener than once a second each, and only in a conversation that is theirs. One per process."""

    def __init__(self, db: Database, signals: Signals, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._db, self._signals, self._monotonic = db, signals, monotonic
        self._threads: dict[tuple[UUID, UUID], UUID] = {}
        self._conversations: dict[UUID, UUID] = {}
        self._said: dict[tuple[UUID, UUID], float] = {}

    def know(self, workspace_id: UUID, conversation_id: UUID, thread_key: UUID) -> None:
        """Keep in memory which thread a conversation has, so that typing costs no query."""
        if len(self._threads) >= _MOST_KEPT:
            self._threads.clear()
            self._conversations.clear()
        self._threads[workspace_id, conversation_id] = thread_key
        self._conversations[thread_key] = conversation_id

    def known_thread(self, workspace_id: UUID, conversation_id: UUID) -> UUID | None:
        return self._threads.get((workspace_id, conversation_id))

    async def agent(self, workspace_id: UUID, conversation_id: UUID, author: Author, *, on: bool) -> None:
        """An agent types. A conversation of another workspace is passed over in silence, as are repeats."""
        if author.id is None or not self._may_say(author.id, conversation_id, on=on):
            return
        thread_key = self.known_thread(workspace_id, conversation_id)
        if thread_key is None:
            async with self._db.workspace(workspace_id) as tx:
                thread_key = (await thread_keys(tx, workspace_id, [conversation_id])).get(conversation_id)
            if thread_key is None:
                return
            self.know(workspace_id, conversation_id, thread_key)
        self._announce(TypingDelta(workspace_id, conversation_id, thread_key, author, on))

    async def visitor(self, workspace_id: UUID, thread_key: UUID, *, on: bool) -> None:
        """A visitor types. Before the first message there is no conversation to type in, so nobody is told."""
        if not self._may_say(thread_key, thread_key, on=on):
            return
        conversation_id = self._conversations.get(thread_key)
        if conversation_id is None:
            async with self._db.system() as tx:
                identity = await identity_by_thread(tx, thread_key)
            if identity is None or identity.conversation_id is None:
                return
            conversation_id = identity.conversation_id
            self.know(workspace_id, conversation_id, thread_key)
        self._announce(TypingDelta(workspace_id, conversation_id, thread_key, Author("contact"), on))

    def _announce(self, delta: TypingDelta) -> None:
        self._signals.send(DELTA, msgspec.json.encode(delta).decode())

    def _may_say(self, who: UUID, where: UUID, *, on: bool) -> bool:
        now, key = self._monotonic(), (who, where)
        said = self._said.get(key)
        if not on:
            # Ceasing is told once, and only by whoever has begun.
            return self._said.pop(key, None) is not None
        if said is not None and now - said < AGAIN_SECONDS:
            return False
        if len(self._said) >= _MOST_KEPT:
            self._said.clear()
        self._said[key] = now
        return True
