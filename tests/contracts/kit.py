"""What the contract kit knows of a channel without being told: its folder, its sample inbox, its bodies and answers."""

from __future__ import annotations

import importlib
import importlib.resources
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from comptoir.channels.registry import all_channels, channel_of
from comptoir.contracts.channel import (
    BadSignature,
    Channel,
    HookRequest,
    InboundEvent,
    InboundMessage,
    InboundReceipt,
    InboxView,
    MalformedEvent,
)
from comptoir.contracts.content import (
    Attachment,
    Audio,
    Content,
    File,
    Image,
    MessageEmpty,
    MessageTooLong,
    Text,
    Unsupported,
    Video,
    content_type,
)

# All that a channel's functions may raise.
CONTRACT_ERRORS = (BadSignature, MalformedEvent, MessageTooLong, MessageEmpty)

CODES = sorted(all_channels())
HOOKED = [code for code in CODES if channel_of(code).manifest.public_hook]
SENDING = [code for code in CODES if channel_of(code).manifest.transport == "request"]


class Sample:
    """A channel and everything it brings along for its tests."""

    def __init__(self, code: str) -> None:
        self.channel: Channel = channel_of(code)
        self.module: ModuleType = importlib.import_module(f"comptoir.channels.{code}.fixtures")
        self.folder = Path(str(importlib.resources.files(f"comptoir.channels.{code}")))
        self.inbox = self.inbox_of(self.module.CREDENTIALS)

    def inbox_of(self, credentials: dict[str, str]) -> InboxView:
        """The sample inbox with these credentials."""
        return InboxView(
            workspace_id=UUID(int=1),
            id=UUID(int=2),
            channel=self.channel.manifest.code,
            name="Sample",
            settings=dict(self.module.SETTINGS),
            credentials=dict(credentials),
        )

    @property
    def expected(self) -> dict[str, list[str]]:
        """What each body holds."""
        found: dict[str, list[str]] = self.module.EXPECTED
        return found

    def body(self, name: str) -> bytes:
        """The bytes of a body."""
        return (self.folder / "fixtures" / name).read_bytes()

    def signed(self, body: bytes, inbox: InboxView | None = None) -> HookRequest:
        """The request that the channel itself would send."""
        request: HookRequest = self.module.signed(inbox or self.inbox, body)
        return request

    def parsed(self, body: bytes) -> list[InboundEvent]:
        """The events of a body, verified first, as the door does."""
        request = self.signed(body)
        self.channel.verify(self.inbox, request)
        return self.channel.parse(self.inbox, request)

    @property
    def secrets(self) -> list[str]:
        """What must be seen nowhere."""
        return list(self.module.CREDENTIALS.values())


def kind_of(event: InboundEvent) -> str:
    """An event in one word, as `EXPECTED` names it."""
    if isinstance(event, InboundMessage):
        return content_type(event.content)
    return event.state if isinstance(event, InboundReceipt) else "echo"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(["", "\x00", "message", "x" * 300, "9999-99-99T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        found += [deeper for key, item in value.items() for deeper in _paths(item, (*path, key))]
    if isinstance(value, list):
        found += [deeper for index, item in enumerate(value) for deeper in _paths(item, (*path, index))]
    return found


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = _replaced(value[path[0]], path[1:], new)
    return copy


@st.composite
def mutated_json(draw: st.DrawFn, body: bytes) -> bytes:
    """A body with up to three of its values replaced by something else."""
    value = msgspec.json.decode(body)
    for _ in range(draw(st.integers(1, 3))):
        value = _replaced(value, draw(st.sampled_from(_paths(value))), draw(json_values))
    return msgspec.json.encode(value)


@st.composite
def mutated_bytes(draw: st.DrawFn, body: bytes) -> bytes:
    """A body with a stretch of its bytes replaced."""
    start = draw(st.integers(0, len(body)))
    stop = draw(st.integers(start, min(len(body), start + 20)))
    return body[:start] + draw(st.binary(max_size=20)) + body[stop:]


attachments = st.builds(
    Attachment,
    id=st.uuids(),
    name=st.text(max_size=40),
    media_type=st.sampled_from(["image/png", "video/mp4", "audio/ogg", "application/pdf"]),
    size=st.integers(0, 2**34),
    width=st.none() | st.integers(1, 9000),
    height=st.none() | st.integers(1, 9000),
    url=st.just("https://comptoir.example/media/1"),
)
texts = st.text(max_size=200) | st.integers(0, 10_000).map(lambda length: "é" * length)
contents: st.SearchStrategy[Content] = st.one_of(
    st.builds(Text, text=texts),
    *(st.builds(kind, attachment=attachments, text=texts) for kind in (Image, Video, Audio, File)),
    st.builds(Unsupported, summary=st.text(max_size=50)),
)


def small(kind: str, text: str = "hello") -> Content:
    """A modest content of a type."""
    attachment = Attachment(
        id=UUID(int=3),
        name="a.bin",
        media_type="image/png",
        size=100,
        width=4,
        height=4,
        url="https://c.example/media/1",
    )
    made: dict[str, Content] = {
        "text": Text(text=text),
        "image": Image(attachment=attachment, text=text),
        "video": Video(attachment=attachment, text=text),
        "audio": Audio(attachment=attachment, text=text),
        "file": File(attachment=attachment, text=text),
        "unsupported": Unsupported(summary=text),
    }
    return made[kind]
