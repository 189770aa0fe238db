"""Webhooks and reads, inside the load generator's process."""

from __future__ import annotations

import asyncio
import hmac
import random
import time
from collections import Counter

import msgspec

from benchmarks.load import HookPlan, HookResult, Latency, ReadPlan, latency, watched_with_generator
from benchmarks.machine import processor_seconds, used
from benchmarks.wire import HttpClient, HttpPool, get, post


class _Knocking:
    """Signed webhooks, one message each, of some hundred contacts in turn."""

    def __init__(self, plan: HookPlan) -> None:
        self.plan = plan
        self.loop = asyncio.get_running_loop()
        self.run = f"{random.getrandbits(32):08x}"
        self.sent = 0
        self.times: list[float] = []
        self.statuses: Counter[int] = Counter()

    def next_request(self) -> bytes:
        number, self.sent = self.sent, self.sent + 1
        message = {"id": f"lm_{self.run}_{number}", "type": "text", "text": "Bonjour, ma commande est-elle partie ?"}
        event = {
            "id": f"ev_{self.run}_{number}",
            "type": "message",
            "contact": f"contact {number % self.plan.contacts}",
            "message": message,
        }
        body = msgspec.json.encode({"events": [event]})
        signature = hmac.digest(self.plan.secret.encode(), body, "sha256").hex()
        return post(
            self.plan.port,
            self.plan.paths[number % len(self.plan.paths)],
            body,
            f"X-Loopback-Signature: sha256={signature}\r\n",
        )

    async def closed(self) -> None:
        """Each connection as fast as it is answered."""
        end = time.perf_counter() + self.plan.seconds

        async def repeat() -> None:
            client = await HttpClient.connect(self.plan.port)
            while (begin := time.perf_counter()) < end:
                status, _ = await client.request(self.next_request())
                self._note(status, begin)
            client.close()

        await asyncio.gather(*(repeat() for _ in range(self.plan.connections)))

    async def opened(self) -> None:
        """When they are due."""
        pool = HttpPool(self.plan.port, self.plan.connections)
        await pool.open()
        start, total = time.perf_counter() + 0.02, round(self.plan.rate * self.plan.seconds)

        async def one(due: float) -> None:
            status, _ = await pool.request(self.next_request())
            self._note(status, due)

        async with asyncio.TaskGroup() as group:
            for number in range(total):
                due = start + number / self.plan.rate
                if (wait := due - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                group.create_task(one(due))
        pool.close()

    def _note(self, status: int, since: float) -> None:
        self.times.append(time.perf_counter() - since)
        self.statuses[status] += 1


async def knock(plan: HookPlan) -> HookResult:
    """Webhooks in a closed or an open loop."""
    knocking = _Knocking(plan)
    roots = watched_with_generator(plan.watched)
    before, begin = processor_seconds(roots), time.perf_counter()
    await (knocking.opened() if plan.rate else knocking.closed())
    seconds = time.perf_counter() - begin
    return HookResult(
        answered=knocking.statuses[200],
        refused=knocking.statuses.total() - knocking.statuses[200],
        seconds=seconds,
        answer=latency(knocking.times),
        processors=used(before, processor_seconds(roots)),
    )


async def read_all(plan: ReadPlan) -> dict[str, Latency]:
    """Each path `times` times, one request at a time. Anything but 200 ends the run."""
    client = await HttpClient.connect(plan.port)
    found = {}
    for name, path in plan.paths.items():
        request, times = get(plan.port, path, plan.headers), []
        for nth in range(plan.times + 5):
            begin = time.perf_counter()
            status, body = await client.request(request)
            if status != 200:
                raise RuntimeError(f"{path}: {status} {body.decode()[:500]}")
            if nth >= 5:
                times.append(time.perf_counter() - begin)
        found[name] = latency(times)
    client.close()
    return found
