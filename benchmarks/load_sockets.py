"""Visitors and agents on real sockets, inside the load generator's process."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

import msgspec

from benchmarks.load import Latency, Phase, PhaseResult, SocketPlan, latency, watched_with_generator
from benchmarks.machine import processor_seconds, used
from benchmarks.wire import HttpPool, SocketClient, post

_CONNECT_AT_ONCE = 16
_MOST_DRAIN = 20.0
_REPLY_CONNECTIONS = 16
_GREETINGS_PER_SECOND = 250
_WORDS = "Bonjour, avez-vous encore ces chaussons en pointure 38, et quand arriveraient-ils ?"


class _Body(msgspec.Struct):
    text: str = ""


class _Author(msgspec.Struct):
    kind: str


class _Message(msgspec.Struct):
    author: _Author
    content: _Body
    seq: int = 0


class _Event(msgspec.Struct):
    kind: str
    conversation_id: str | None = None
    message: _Message | None = None


class _AgentFrame(msgspec.Struct):
    type: str
    events: list[_Event] = []


class _VisitorFrame(msgspec.Struct):
    type: str
    client_id: str | None = None
    messages: list[_Message] = []


_read_agent = msgspec.json.Decoder(_AgentFrame).decode
_read_visitor = msgspec.json.Decoder(_VisitorFrame).decode


class Talk:
    """One run: all sockets, and what is noted of each message by its number."""

    def __init__(self, plan: SocketPlan) -> None:
        self.plan = plan
        self.loop = asyncio.get_running_loop()
        self.run = f"{random.getrandbits(32):08x}"
        self.visitors: list[SocketClient] = []
        self.agents: list[SocketClient] = []
        self.replies = HttpPool(plan.port, _REPLY_CONNECTIONS)
        self.sent = 0
        # What nobody in this process is waiting for, and so nobody would be told.
        self.trouble: list[str] = []
        self._reply = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.forget(0)

    def forget(self, first: int) -> None:
        """A new phase begins with message number `first`."""
        self.first = first
        self.due: dict[int, float] = {}
        self.late: list[float] = []
        self.acknowledged: dict[int, float] = {}
        self.seen: list[dict[int, float]] = [{} for _ in self.plan.agent_cookies]
        self.accepted: list[float] = []
        self.replied: dict[int, float] = {}

    # -------------------------------------------------------------------------------------------------------------- sockets

    async def connect(self) -> None:
        """Agents first, then visitors, some at a time."""
        for nth, cookie in enumerate(self.plan.agent_cookies):
            headers = f"Cookie: comptoir_session={cookie}\r\n"
            self.agents.append(
                await SocketClient.connect(self.plan.port, self.plan.agent_path, self._watcher(nth), headers)
            )
        turn = asyncio.Semaphore(_CONNECT_AT_ONCE)

        async def join(token: str) -> None:
            async with turn:
                self.visitors.append(await self._visitor(token))

        async with asyncio.timeout(60):
            await asyncio.gather(*(join(token) for token in self.plan.tokens))

    async def _visitor(self, token: str) -> SocketClient:
        welcomed = self.loop.create_future()

        def greeted(frame: bytes) -> None:
            if _read_visitor(frame).type == "welcome" and not welcomed.done():
                welcomed.set_result(None)

        socket = await SocketClient.connect(self.plan.port, self.plan.visitor_path, greeted)
        socket.send(msgspec.json.encode({"type": "hello", "token": token, "after_seq": 0}))
        await asyncio.wait([welcomed, socket.closed], return_when=asyncio.FIRST_COMPLETED)
        if socket.closed.done():
            raise RuntimeError(f"a visitor was sent away: {socket.closed.result()}")
        socket.on_frame = self._listener(socket)
        return socket

    def _listener(self, socket: SocketClient) -> Callable[[bytes], None]:
        def heard(data: bytes) -> None:
            frame = _read_visitor(data)
            if frame.type == "ack" and frame.client_id is not None:
                self.acknowledged.setdefault(int(frame.client_id[24:], 16), time.perf_counter())
            elif frame.type == "messages":
                self._hear_replies(socket, frame.messages)
            elif frame.type in {"refused", "unavailable"}:
                self.trouble.append(data.decode()[:300])

        return heard

    def _hear_replies(self, socket: SocketClient, messages: list[_Message]) -> None:
        answered = [message for message in messages if message.author.kind == "agent"]
        for message in answered:
            number = self._number(message.content.text)
            if number is not None:
                self.replied.setdefault(number, time.perf_counter())
        if answered:
            # A real frame says how far it has got.
            last = max(message.seq for message in answered)
            socket.send(b'{"type":"receipt","delivered_seq":%d,"read_seq":%d}' % (last, last))

    def _watcher(self, nth: int) -> Callable[[bytes], None]:
        def watch(data: bytes) -> None:
            for event in _read_agent(data).events:
                if event.kind == "MessageReceived" and event.message is not None:
                    number = self._number(event.message.content.text)
                    if number is not None and number not in self.seen[nth]:
                        self.seen[nth][number] = time.perf_counter()
                        if nth == 0 and self._reply:
                            task = self.loop.create_task(self._answer(number, str(event.conversation_id)))
                            self._tasks.add(task)
                            task.add_done_callback(self._tasks.discard)

        return watch

    def _number(self, text: str) -> int | None:
        """The number of a message of this phase; None for what other phases or runs have left."""
        number = int(text[8:16], 16) if text.startswith(self.run) else -1
        return number if number >= self.first else None

    async def _answer(self, number: int, conversation_id: str) -> None:
        body = {
            "id": f"{self.run}-0000-7000-8000-{number:012x}",
            "kind": "message",
            "content": {
                "type": "text",
                "text": f"{self.run}{number:08x} Oui, il nous en reste. Ils seraient chez vous mardi.",
            },
        }
        headers = f"Cookie: comptoir_session={self.plan.agent_cookies[number % len(self.plan.agent_cookies)]}\r\n"
        begin = time.perf_counter()
        path = f"/api/v1/conversations/{conversation_id}/messages"
        status, answer = await self.replies.request(post(self.plan.port, path, msgspec.json.encode(body), headers))
        if status != 201:
            self.trouble.append(f"{status} {answer.decode()[:300]}")
        self.accepted.append(time.perf_counter() - begin)

    # --------------------------------------------------------------------------------------------------------------- phases

    async def phase(self, phase: Phase) -> PhaseResult:
        """Send what is due, wait until all has arrived, give what it took."""
        first, total = self.sent, round(phase.rate * phase.seconds)
        self.forget(first)
        self._reply = phase.reply
        roots = watched_with_generator(self.plan.watched)
        before, begin = processor_seconds(roots), time.perf_counter()
        await self._send_all(phase.rate, total)
        drained = await self._drain(total)
        ended = time.perf_counter()
        spent = used(before, processor_seconds(roots))
        complete = set(self.due).intersection(*self.seen) if self.seen else set()
        return PhaseResult(
            rate=phase.rate,
            seconds=ended - begin,
            sent=total,
            acknowledged=len(self.acknowledged),
            seen=len(complete),
            replied=len(self.replied),
            acknowledgement=self._since_due(self.acknowledged),
            at_agent=latency([at - self.due[number] for seen in self.seen for number, at in seen.items()]),
            reply_accepted=latency(self.accepted),
            reply_at_visitor=self._since_due(self.replied),
            generator_late=latency(self.late),
            drained=drained,
            processors=spent,
        )

    def _since_due(self, moments: dict[int, float]) -> Latency:
        return latency([at - self.due[number] for number, at in moments.items()])

    async def _send_all(self, rate: float, total: int) -> None:
        start, done = time.perf_counter() + 0.02, 0
        while done < total:
            now = time.perf_counter()
            while done < total and start + done / rate <= now:
                due = start + done / rate
                self._say(self.first + done, due)
                self.late.append(time.perf_counter() - due)
                done += 1
            await asyncio.sleep(max(0.0005, start + done / rate - time.perf_counter()))
        self.sent += total

    def _say(self, number: int, due: float) -> None:
        self.due[number] = due
        client_id = f"{self.run}-0000-4000-8000-{number:012x}"
        self.visitors[number % len(self.visitors)].send(
            b'{"type":"send","client_id":"%s","content":{"type":"text","text":"%s%08x %s"}}'
            % (client_id.encode(), self.run.encode(), number, _WORDS.encode())
        )

    async def _drain(self, total: int) -> float:
        """Seconds until everything has arrived everywhere; gives up after twenty."""
        last = self.due[self.first + total - 1]
        while time.perf_counter() - last < _MOST_DRAIN:
            waiting = [self.acknowledged, *self.seen, *([self.replied] if self._reply else [])]
            if all(len(part) >= total for part in waiting):
                break
            await asyncio.sleep(0.01)
        if self.trouble:
            raise RuntimeError(f"{len(self.trouble)} refused, the first: {self.trouble[0]}")
        return time.perf_counter() - last

    def close(self) -> None:
        """Hang up everywhere."""
        for socket in [*self.visitors, *self.agents]:
            socket.close()
        self.replies.close()


async def talk(plan: SocketPlan) -> list[PhaseResult]:
    """Carry out the phases. Before them every visitor writes once, so that their contacts and conversations stand: that is the first result."""
    talking = Talk(plan)
    await talking.connect()
    if any(phase.reply for phase in plan.phases):
        await talking.replies.open()
    rate = min(len(plan.tokens), _GREETINGS_PER_SECOND)
    results = [await talking.phase(Phase(rate, len(plan.tokens) / rate))]
    for phase in plan.phases:
        results.append(await talking.phase(phase))
        if plan.until_full and not results[-1].kept_up:
            break
    talking.close()
    return results
