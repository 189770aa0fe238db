"""Counters and latencies of a process, in Prometheus' format.

A metric is declared where it is counted, in this registry: `metrics.counter("deliveries_sent_total", "…", "channel")`.
Declaring it twice gives the same metric, so that two rooms may count the same thing.
"""

from __future__ import annotations

import hmac
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics import MetricWrapperBase

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "comptoir_"
# From a millisecond to ten seconds: what people feel and what providers time out on.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)
_declared: dict[str, MetricWrapperBase] = {}
_Metric = TypeVar("_Metric", bound=MetricWrapperBase)


def _declare(kind: type[_Metric], name: str, what: str, labels: tuple[str, ...], **options: object) -> _Metric:
    known = _declared.get(name)
    if known is None:
        known = kind(PREFIX + name, what, labels, registry=REGISTRY, **options)  # type: ignore[arg-type]
        _declared[name] = known
    if not isinstance(known, kind):
        raise TypeError(f"the metric {name} is already a {type(known).__name__}")
    return known


def counter(name: str, what: str, *labels: str) -> Counter:
    """A count that only grows; `name` ends in `_total`."""
    return _declare(Counter, name, what, labels)


def gauge(name: str, what: str, *labels: str) -> Gauge:
    """A level: rows waiting, sockets open."""
    return _declare(Gauge, name, what, labels)


def latency(name: str, what: str, *labels: str) -> Histogram:
    """A duration in seconds; `name` ends in `_seconds`."""
    return _declare(Histogram, name, what, labels, buckets=SECONDS)


REFUSALS = counter("refusals_total", "Requests, events and messages refused, by reason.", "reason")


def count_refusal(reason: str) -> None:
    """Every refusal is counted, by its code."""
    REFUSALS.labels(reason).inc()


def exposition() -> bytes:
    """All metrics of this process as text (see CONTENT_TYPE)."""
    return generate_latest(REGISTRY)


def may_read(authorization: str | None, token: str | None) -> bool:
    """Whether `/metrics` opens: only to whoever carries the token, and to nobody where none is set.

    The peer's address decides nothing: behind a reverse proxy on the same machine every stranger looks local.
    """
    if token is None or authorization is None:
        return False
    return hmac.compare_digest(authorization.removeprefix("Bearer ").encode(), token.encode())
