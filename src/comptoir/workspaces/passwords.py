"""Passwords: hashed by Argon2id in threads of their own, so that neither the event loop nor the other threads wait.

The pool of threads is also the limit: at most two hashes run at once (19 MiB each), and only so many wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from comptoir.kernel.errors import Unavailable
from comptoir.workspaces.errors import PasswordTooWeak

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")

LEAST = 8
MOST = 256
_AT_ONCE = 2
_WAITING = 64

_threads = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="passwords")


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    # OWASP's second choice for Argon2id: 19 MiB, two passes, one lane; 40 ms here.
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobodys_hash() -> str:
    return _hasher().hash("the password of nobody")


def check_strength(password: str) -> str:
    """Raises PasswordTooWeak unless it has 8 to 256 characters."""
    if not LEAST <= len(password) <= MOST:
        raise PasswordTooWeak(field="password", least=LEAST, most=MOST)
    return password


async def hash_password(password: str) -> str:
    """The hash to keep. Raises PasswordTooWeak."""
    check_strength(password)
    return await _in_thread(_hash, password)


async def verify(known_hash: str | None, password: str) -> bool:
    """Whether the password is the one that was hashed; without a hash it takes as long and is False."""
    return await _in_thread(_verify, known_hash, password[: MOST + 1])


def _hash(password: str) -> str:
    return _hasher().hash(password.encode("utf-8", "surrogatepass"))


def _verify(known_hash: str | None, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        _hasher().verify(known_hash or _nobodys_hash(), password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False
    return known_hash is not None


async def _in_thread(work: Callable[..., T], *arguments: object) -> T:
    # Whoever would wait for seconds is sent away instead: a flood of sign-ins must not fill the memory.
    if _threads._work_queue.qsize() > _WAITING:  # noqa: SLF001  # the executor has no public length
        raise Unavailable
    return await asyncio.get_running_loop().run_in_executor(_threads, work, *arguments)
