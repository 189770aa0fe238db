"""What a file is, by its bytes, and what it may be called. What it says of itself counts only where the bytes agree."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from comptoir.kernel.text import storable

HEAD_BYTES = 8192
PLAIN_FILE = "application/octet-stream"
MOST_NAME_CHARS = 120
# Raster pictures that we decode; all others are files like any other.
PICTURES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp", "image/avif"})
# Types in which a browser could run something. They are never given to it under their name.
ACTIVE = re.compile(
    r"(?:x?html|svg|xml|javascript|ecmascript|x-shockwave-flash|x-mht|multipart|message)", re.IGNORECASE
)

_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,80}")
_MARKUP = re.compile(
    rb"<\s*(?:!doctype|html|head|body|script|iframe|svg|style|\?xml|math|xsl:|[a-z]+:svg)", re.IGNORECASE
)
_SVG = re.compile(rb"<\s*(?:[a-z]+:)?svg\b", re.IGNORECASE)
# One container holds sound or moving pictures; which, only its maker says.
_CONTAINERS = ("webm", "mp4", "ogg", "3gpp", "quicktime", "x-matroska", "m4a", "x-m4v")
_FORBIDDEN_IN_NAMES = re.compile(r'[<>:"|?*\\/\x7f]')


def sniff(head: bytes, declared: str | None) -> str:
    """The media type of a file by its first bytes (`HEAD_BYTES` of them are enough)."""
    import filetype  # type: ignore[import-untyped]

    claimed = (declared or "").partition(";")[0].strip().lower()
    if not head:
        return PLAIN_FILE
    kind = filetype.guess(head)
    if kind is not None:
        return _agreed(str(kind.mime), claimed)
    if _MARKUP.search(head[:4096]):
        return "image/svg+xml" if _SVG.search(head) else "text/html"
    if _is_text(head):
        plain = _MEDIA_TYPE.fullmatch(claimed) and claimed.startswith("text/") and not ACTIVE.search(claimed)
        return claimed if plain else "text/plain"
    return PLAIN_FILE


def served_type(media_type: str) -> str:
    """The type a download is labelled with: nothing that a browser would run."""
    if ACTIVE.search(media_type) or not _MEDIA_TYPE.fullmatch(media_type):
        return PLAIN_FILE
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


def clean_name(name: str) -> str:
    """The last part of a path, without marks that mislead the eye or a file system, at most 120 characters with its ending."""
    last = re.split(r"[\\/]", storable(name))[-1]
    text = "".join(mark for mark in unicodedata.normalize("NFC", last) if _visible(mark))
    text = " ".join(_FORBIDDEN_IN_NAMES.sub("_", text).split()).strip(". ")
    if len(text) > MOST_NAME_CHARS:
        stem, dot, ending = text.rpartition(".")
        if not dot or len(ending) > 16:
            stem, dot, ending = text, "", ""
        text = stem[: MOST_NAME_CHARS - len(dot) - len(ending)].rstrip(". ") + dot + ending
    return text or "file"


def disposition(name: str) -> str:
    """`Content-Disposition` of a download: an ASCII name for old programs, the real one after RFC 5987 / 8187."""
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode())
    return f"attachment; filename=\"{plain.strip() or 'file'}\"; filename*=UTF-8''{quote(name, safe='')}"


def _visible(mark: str) -> bool:
    # Cc and Cf hold the controls, bidirectional overrides (`gpj.exe`) and invisible joiners; Zl and Zp break lines.
    # U+FFFD stands where something unreadable was.
    return mark.isspace() or (
        mark != "\ufffd" and unicodedata.category(mark) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    )


def _agreed(found: str, claimed: str) -> str:
    kind, _, container = found.partition("/")
    claimed_kind, _, claimed_container = claimed.partition("/")
    if (
        {kind, claimed_kind} <= {"audio", "video"}
        and container in _CONTAINERS
        and claimed_container in _CONTAINERS
        and _MEDIA_TYPE.fullmatch(claimed)
    ):
        return f"{claimed_kind}/{container}" if container != "m4a" else "audio/mp4"
    return found


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A sign may be cut in two where the head ends.
        if len(head) < HEAD_BYTES or error.start < len(head) - 4:
            return False
        text = head[: error.start].decode("utf-8")
    return not any(ord(mark) < 32 and mark not in "\t\n\r\f\x1b" for mark in text)
