"""Finds the channels: every folder beside this file that holds a `manifest.py` is one."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

from comptoir import channels
from comptoir.contracts.channel import Channel, Manifest
from comptoir.kernel.errors import Locale, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable


class UnknownChannel(Refusal):
    """No folder of this name."""

    code = "unknown_channel"
    status = 422
    sentences: ClassVar[dict[Locale, str]] = {
        "en": "There is no channel called “{channel}”.",
        "fr": "Il n’existe pas de canal nommé «\u00a0{channel}\u00a0».",
    }


@cache
def all_channels() -> dict[str, Channel]:
    """Every channel by its code, in the order of their names."""
    found: dict[str, Channel] = {}
    for package in sorted(pkgutil.iter_modules(channels.__path__), key=lambda module: module.name):
        if package.ispkg and importlib.util.find_spec(f"{channels.__name__}.{package.name}.manifest"):
            channel = _assemble(f"{channels.__name__}.{package.name}")
            if channel.manifest.code != package.name:
                raise TypeError(f"channels/{package.name}: the manifest's code is {channel.manifest.code}")
            found[package.name] = channel
    return found


def channel_of(code: str) -> Channel:
    """The channel of a code. Raises UnknownChannel."""
    channel = all_channels().get(code)
    if channel is None:
        raise UnknownChannel(field="channel", channel=code)
    return channel


def _assemble(package: str) -> Channel:
    manifest: Manifest = importlib.import_module(f"{package}.manifest").MANIFEST
    inbound = importlib.import_module(f"{package}.inbound")
    outbound = importlib.import_module(f"{package}.outbound") if manifest.transport == "request" else ModuleType("none")
    return Channel(
        manifest=manifest,
        verify=inbound.verify,
        parse=inbound.parse,
        handshake=getattr(inbound, "handshake", None),
        render=getattr(outbound, "render", None),
        read_answer=getattr(outbound, "read_answer", None),
        check_settings=_check_settings(package),
    )


def _check_settings(package: str) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
    if importlib.util.find_spec(f"{package}.settings") is None:
        return None
    check: Callable[[dict[str, Any]], dict[str, Any]] = importlib.import_module(f"{package}.settings").check_settings
    return check
