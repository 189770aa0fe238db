"""The hub: reads the journal behind everybody who looks and pushes what is new. One per web process.

A workspace that somebody watches has a `Watch` with a cursor into its journal. A signal (or, every two seconds, the poll behind it)
makes the hub read the facts after the cursor, look up the entities they are about in a few set-based queries, encode the workspace's
frame once, and hand it to the lines. A burst gathers by itself while the last one is being looked up; where many watch, it gathers for
20 ms, so that a line gets one frame and not ten.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from comptoir.contacts.queries import contact_briefs
from comptoir.conversations.attachments import MediaLinks
from comptoir.conversations.views import conversation_views, message_views, thread_keys
from comptoir.infra import journal
from comptoir.infra.database import AWAY, Database
from comptoir.infra.journal import FactRow
from comptoir.infra.log import get_logger
from comptoir.infra.metrics import counter, gauge
from comptoir.infra.signals import Signals
from comptoir.realtime import typing
from comptoir.realtime.frames import (
    Entities,
    Face,
    Hello,
    Reload,
    Typing,
    WidgetTyping,
    contact_of,
    encode,
    events_frames,
    events_of,
    widget_frames,
)
from comptoir.realtime.lines import RESTARTING, Line

POLL_SECONDS = 2.0
PAGE = 500
# Further back than this, loading afresh is cheaper for everybody than telling what happened.
MOST_BEHIND = 5000
_REPLAY_PAGE = 200
_GATHER_SECONDS = 0.02
_MANY = 8
_STOP_SECONDS = 6.0
_CATCH_UP_SECONDS = 5.0

log = get_logger("realtime")
_LINES = gauge("realtime_lines", "Open sockets, streams and polls", "of")
_FRAMES = counter("realtime_frames_total", "Frames handed to lines", "of")
AGENT_LINES, VISITOR_LINES = _LINES.labels("agents"), _LINES.labels("visitors")
AGENT_FRAMES, VISITOR_FRAMES = _FRAMES.labels("agents"), _FRAMES.labels("visitors")


class Watch:
    """A workspace that somebody looks at. `cursor` is the position up to which its lines have been told, None until it is known."""

    __slots__ = ("again", "agents", "busy", "cursor", "threads", "workspace_id")

    def __init__(self, workspace_id: UUID) -> None:
        self.workspace_id = workspace_id
        self.cursor: int | None = None
        self.agents: set[Line] = set()
        self.threads: dict[UUID, list[Line]] = {}
        self.busy = False
        self.again = False


class Hub:
    """Joins lines to workspaces and threads, and keeps them up to date."""

    def __init__(self, db: Database, signals: Signals, media: MediaLinks) -> None:
        self._db, self._media = db, media
        self._watches: dict[UUID, Watch] = {}
        self._dirty: set[UUID] = set()
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._run_task: asyncio.Task[None] | None = None
        self._closing = False
        self._deserted = asyncio.Event()
        self.typists = typing.Typists(db, signals)
        signals.hear("fact", self._heard)
        signals.hear(typing.DELTA, self._heard_delta)

    async def open(self) -> None:
        """Begin to read."""
        self._run_task = asyncio.create_task(self._run(), name="hub")

    async def close(self) -> None:
        """Tell the lines that we restart, after what is queued for them, and stop. Call it before the server closes its sockets."""
        self._closing = True
        lines = [line for watch in self._watches.values() for line in self._lines(watch)]
        for line in lines:
            line.end(RESTARTING)
        if self._watches:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await self._deserted.wait()
        tasks = [task for task in (self._run_task, *self._tasks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ------------------------------------------------------------------------------------------------- joining and leaving

    def join_workspace(self, line: Line, workspace_id: UUID) -> Watch:
        """From now on the line is told what happens in a workspace; `follow` says from where."""
        watch = self._watch(workspace_id)
        watch.agents.add(line)
        AGENT_LINES.inc()
        return self._joined(line, watch)

    def join_thread(self, line: Line, workspace_id: UUID, thread_key: UUID) -> Watch:
        """From now on the line is told what happens in one visitor's thread, held back until it is released."""
        watch = self._watch(workspace_id)
        watch.threads.setdefault(thread_key, []).append(line)
        VISITOR_LINES.inc()
        return self._joined(line, watch)

    def leave(self, line: Line, watch: Watch, thread_key: UUID | None = None) -> None:
        """The line has gone."""
        if thread_key is None:
            watch.agents.discard(line)
            AGENT_LINES.dec()
        else:
            lines = watch.threads.get(thread_key, [])
            if line in lines:
                lines.remove(line)
                VISITOR_LINES.dec()
            if not lines:
                watch.threads.pop(thread_key, None)
        if not watch.agents and not watch.threads and self._watches.get(watch.workspace_id) is watch:
            del self._watches[watch.workspace_id]
            if not self._watches:
                self._deserted.set()

    def _watch(self, workspace_id: UUID) -> Watch:
        watch = self._watches.get(workspace_id)
        if watch is None:
            watch = self._watches[workspace_id] = Watch(workspace_id)
            self._deserted.clear()
        return watch

    def _joined(self, line: Line, watch: Watch) -> Watch:
        if self._closing:
            line.end(RESTARTING)
        return watch

    async def begin(self, watch: Watch) -> int:
        """Where the watch stands; what is read from the database after this call and what is pushed leave no gap between them."""
        if watch.cursor is None:
            async with self._db.system() as tx:
                position = await journal.position(tx, watch.workspace_id)
            # Another line may have been quicker, and the hub may have gone on since.
            if watch.cursor is None:
                watch.cursor = position
        return watch.cursor

    async def follow(self, line: Line, watch: Watch, after: int | None) -> None:
        """Greet an agent's line, tell it what came after its position, then let it live. No fact is left out and none told twice."""
        cursor = await self.begin(watch)
        if after is not None and after > cursor:
            cursor = await self._catch_up(watch, after)
        if after is None or not 0 <= cursor - after <= MOST_BEHIND:
            self._start_afresh(line, watch, stale=after is not None)
            return
        line.position = after
        line.release(encode(Hello(after)))
        # The cursor moves on meanwhile; whoever reaches it is live in the same moment, for nothing is awaited in between.
        while line.position < (watch.cursor or 0) and line.ended is None:
            facts = await self._page(watch, line.position)
            if not facts or facts[0].position != line.position + 1:
                # The journal no longer reaches back that far.
                self._start_afresh(line, watch, stale=True)
                return
            entities = await self._look_up(watch.workspace_id, facts)
            for frame in events_frames(events_of(facts, entities)):
                line.push(frame)
            line.position = facts[-1].position
            await line.drained()

    def _start_afresh(self, line: Line, watch: Watch, *, stale: bool) -> None:
        position = line.position = watch.cursor or 0
        frames = [encode(Hello(position))] if line.held else []
        line.release(*frames, *([encode(Reload(position))] if stale else []))

    async def _catch_up(self, watch: Watch, after: int) -> int:
        """A client may have read a position from the API that we have not got to yet; a position that nobody has given is from another world."""
        async with self._db.system() as tx:
            position = await journal.position(tx, watch.workspace_id)
        if after > position:
            return -1
        deadline = asyncio.get_running_loop().time() + _CATCH_UP_SECONDS
        while (watch.cursor or 0) < after and asyncio.get_running_loop().time() < deadline:
            self._mark(watch.workspace_id)
            await asyncio.sleep(0.01)
        return watch.cursor or 0

    async def _page(self, watch: Watch, after: int) -> list[FactRow]:
        async with self._db.workspace(watch.workspace_id) as tx:
            return await journal.read_after(tx, watch.workspace_id, after, _REPLAY_PAGE, until=watch.cursor)

    # -------------------------------------------------------------------------------------------------------------- signals

    def _heard(self, workspace_id: str | None) -> None:
        if workspace_id is None:
            for known in self._watches:
                self._mark(known)
        elif self._watches:
            self._mark(UUID(workspace_id))

    def _mark(self, workspace_id: UUID) -> None:
        watch = self._watches.get(workspace_id)
        if watch is None:
            return
        if watch.busy:
            watch.again = True
        else:
            self._dirty.add(workspace_id)
            self._wake.set()

    def _heard_delta(self, text: str | None) -> None:
        delta = typing.read(text) if text else None
        watch = self._watches.get(delta.workspace_id) if delta else None
        if delta is None or watch is None:
            return
        frame = encode(Typing(delta.conversation_id, delta.author, delta.on))
        for line in watch.agents:
            if line.agent_id is None or line.agent_id != delta.author.id:
                line.push(frame)
        lines = watch.threads.get(delta.thread_key)
        if lines and delta.author.kind != "contact":
            shown = encode(WidgetTyping(Face(delta.author.kind, delta.author.name), delta.on))
            for line in lines:
                line.push(shown)

    # -------------------------------------------------------------------------------------------------------------- reading

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        began = 0.0
        while True:
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                self._dirty.update(self._watches)
            busy = sum(len(self._watches[key].agents) for key in self._dirty if key in self._watches) > _MANY
            if busy:
                await asyncio.sleep(max(0.0, began + _GATHER_SECONDS - loop.time()))
            began = loop.time()
            self._wake.clear()
            dirty, self._dirty = self._dirty, set()
            try:
                await self._read(dirty)
            except Exception as error:
                # The hub outlives whatever happens to one read.
                log.warning("realtime.away", error=type(error).__name__, exc_info=not isinstance(error, AWAY))
                self._dirty |= dirty
                await asyncio.sleep(0.5)

    async def _read(self, dirty: Iterable[UUID]) -> None:
        watches = {key: self._watches[key] for key in dirty if key in self._watches}
        cursors = {key: watch.cursor for key, watch in watches.items() if watch.cursor is not None and not watch.busy}
        if not cursors:
            return
        async with self._db.system() as tx:
            rows = await journal.read_many_after(tx, cursors, PAGE)
        facts: dict[UUID, list[FactRow]] = defaultdict(list)
        for row in rows:
            facts[row.workspace_id].append(row)
        for key, found in facts.items():
            # One workspace's slow look-up must not hold back the others.
            watches[key].busy = True
            task = asyncio.create_task(self._tell(watches[key], found))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _tell(self, watch: Watch, facts: Sequence[FactRow]) -> None:
        try:
            entities = await self._look_up(watch.workspace_id, facts)
            threads = await self._threads(watch, entities) if watch.threads else {}
        except Exception as error:
            # Told again until it works: the cursor has not moved.
            log.warning("realtime.not_told", error=type(error).__name__, exc_info=not isinstance(error, AWAY))
            await asyncio.sleep(0.5)
            watch.again = True
        else:
            self._push(watch, facts, entities, threads)
        finally:
            watch.busy = False
            if watch.again or len(facts) >= PAGE:
                watch.again = False
                self._mark(watch.workspace_id)

    async def _look_up(self, workspace_id: UUID, facts: Sequence[FactRow]) -> Entities:
        conversation_ids = {fact.conversation_id for fact in facts if fact.conversation_id}
        message_ids = {fact.message_id for fact in facts if fact.message_id}
        async with self._db.workspace(workspace_id) as tx:
            conversations = (
                await conversation_views(tx, workspace_id, list(conversation_ids)) if conversation_ids else {}
            )
            messages = await message_views(tx, workspace_id, list(message_ids), self._media) if message_ids else {}
            contact_ids = {view.contact_id for view in conversations.values()}
            contact_ids.update(found for fact in facts if (found := contact_of(fact)))
            contacts = await contact_briefs(tx, workspace_id, list(contact_ids)) if contact_ids else {}
        return Entities(conversations, messages, contacts)

    async def _threads(self, watch: Watch, entities: Entities) -> dict[UUID, UUID]:
        """The thread key of each conversation of the page, asked for where it is not known yet."""
        known = {key: self.typists.known_thread(watch.workspace_id, key) for key in entities.conversations}
        unknown = [key for key, thread in known.items() if thread is None]
        if unknown:
            async with self._db.workspace(watch.workspace_id) as tx:
                found = await thread_keys(tx, watch.workspace_id, unknown)
            for key, thread_key in found.items():
                self.typists.know(watch.workspace_id, key, thread_key)
                known[key] = thread_key
        return {key: thread for key, thread in known.items() if thread is not None}

    def _push(self, watch: Watch, facts: Sequence[FactRow], entities: Entities, threads: dict[UUID, UUID]) -> None:
        """Hand the frames to the lines and move the cursor, in one go: no line can join or come back live in between."""
        before, last = watch.cursor or 0, facts[-1].position
        watch.cursor = last
        live = [line for line in watch.agents if line.position >= before and not line.held]
        if live:
            events = events_of(facts, entities)
            frames = events_frames(events)
            for line in live:
                mine = frames
                if line.position > before:
                    # It came with a position that the hub had not got to.
                    mine = events_frames([event for event in events if event.position > line.position])
                for frame in mine:
                    line.push(frame)
                line.position = max(line.position, last)
            AGENT_FRAMES.inc(len(live))
        watched = {key: lines for key, thread in threads.items() if (lines := watch.threads.get(thread))}
        if watched:
            shown = widget_frames([fact for fact in facts if fact.conversation_id in watched], entities)
            for key, lines in watched.items():
                for line in lines:
                    for frame in shown.get(key, ()):
                        line.push(frame)
                VISITOR_FRAMES.inc(len(lines))

    @staticmethod
    def _lines(watch: Watch) -> Iterable[Line]:
        yield from watch.agents
        for lines in watch.threads.values():
            yield from lines
