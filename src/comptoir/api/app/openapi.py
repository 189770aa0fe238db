"""Prints the description of the API: `python -m comptoir.api.app.openapi`."""

from __future__ import annotations

import sys

import msgspec

from comptoir.api.app.application import litestar_app
from comptoir.api.app.description import document


def printed() -> bytes:
    """The document as JSON, indented."""
    return msgspec.json.format(msgspec.json.encode(document(litestar_app(None, None))), indent=1) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(printed())
