"""The closed list of errors, written out: `python -m comptoir.api.error_list > docs/errors.md`, and as a page at `/docs/errors`."""

from __future__ import annotations

import html
import importlib
import pkgutil
import sys

import comptoir
from comptoir.kernel.errors import Locale, Refusal

_INTRODUCTION = """# Errors

Every answer whose status is not 2xx has the same body: `{"error":{"code","message","field","docs"}}`. `code` is one of this closed
list and stays; `message` is a sentence for people in the language of `Accept-Language`, and may change; `field` names the input that
is meant. A 429 or 503 carries `Retry-After` in seconds: nothing was done, and the same request may be sent again.

This page is generated from the code (`python -m comptoir.api.error_list`).

| code | status | when | English | French |
|---|---|---|---|---|
"""
_STYLE = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem;color:#1b211f;background:#fbf9f4}"
_TITLES = {"en": "Errors", "fr": "Erreurs"}


def known_refusals() -> list[type[Refusal]]:
    """All refusals of the program by their codes. Imports every room to find them."""
    for module in pkgutil.walk_packages(comptoir.__path__, "comptoir."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return loaded_refusals()


def loaded_refusals() -> list[type[Refusal]]:
    """Those of the rooms that this process has loaded, which are all that it can answer with."""
    return [kind for code, kind in sorted(Refusal.CODES.items()) if kind.code == code and kind is not Refusal]


def markdown() -> str:
    """`docs/errors.md`."""
    return _INTRODUCTION + "".join(f"{_row(kind)}\n" for kind in known_refusals())


def page(locale: Locale) -> bytes:
    """The list as a page of its own, in one language."""
    title = _TITLES[locale]
    entries = "".join(
        f"<h2 id={kind.code}><code>{kind.code}</code> · {kind.status}</h2><p>{html.escape(kind.sentences[locale])}</p>"
        for kind in loaded_refusals()
    )
    return (
        f"<!doctype html><html lang={locale}><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title} · Comptoir</title><style>{_STYLE}</style><h1>{title}</h1>{entries}</html>"
    ).encode()


def _row(kind: type[Refusal]) -> str:
    when = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
    cells = [
        f'<a id="{kind.code}"></a>`{kind.code}`',
        str(kind.status),
        when,
        kind.sentences["en"],
        kind.sentences["fr"],
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(markdown())
