"""Floods are slowed, and nobody is shut out for a neighbour's sake."""

from __future__ import annotations

import pytest

from comptoir.api.door_errors import TooManyRequests
from comptoir.api.widget.guard import Buckets, Guard, address_of


class Watch:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def scope(client: str | None, forwarded: str | None = None) -> dict[str, object]:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return {"client": (client, 1234) if client else None, "headers": headers}


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    watch = Watch()
    buckets = Buckets(3, 2, watch)
    assert [buckets.wait("a") for _ in range(3)] == [0, 0, 0]
    assert buckets.wait("a") == pytest.approx(0.5)
    assert buckets.wait("b") == 0
    watch.now += 0.5
    assert buckets.wait("a") == 0
    assert buckets.wait("a") > 0
    watch.now += 60
    assert [buckets.wait("a") for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]


def test_memory_is_bounded_and_keeps_those_who_flood() -> None:
    watch = Watch()
    buckets = Buckets(1, 0.001, watch)
    buckets.wait("flood")
    for number in range(60_000):
        watch.now += 1
        buckets.wait(f"{number}")
    assert len(buckets._levels) <= 50_000  # noqa: SLF001  # its size is what the test is about


def test_one_visitor_does_not_use_up_another() -> None:
    guard = Guard(Watch())
    for _ in range(100):
        guard.check("send", "one", None)
    with pytest.raises(TooManyRequests) as refused:
        guard.check("send", "one", None)
    assert refused.value.retry_after == pytest.approx(0.2)
    guard.check("send", "two", None)


def test_an_address_is_shared_by_many() -> None:
    guard = Guard(Watch())
    for number in range(1000):
        guard.check("send", f"{number}", "93.184.216.34")
    with pytest.raises(TooManyRequests):
        guard.check("send", "one more", "93.184.216.34")
    guard.check("send", "one more", "93.184.216.35")
    guard.check("send", "one more", None)


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        ("93.184.216.34", None, "93.184.216.34"),
        # A stranger may write any header; only a proxy beside us is believed.
        ("93.184.216.34", "8.8.8.8", "93.184.216.34"),
        ("127.0.0.1", "8.8.8.8, 93.184.216.36", "93.184.216.36"),
        ("10.0.0.2", "93.184.216.36", "93.184.216.36"),
        ("127.0.0.1", None, None),
        ("127.0.0.1", "nonsense", None),
        ("2001:db8:1:2:3:4:5:6", None, None),
        ("2a01:4f8:1:2:3:4:5:6", None, "2a01:4f8:1:2::"),
        (None, None, None),
    ],
)
def test_the_address_to_count_by(client: str | None, forwarded: str | None, address: str | None) -> None:
    assert address_of(scope(client, forwarded)) == address
