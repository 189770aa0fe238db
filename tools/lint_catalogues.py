"""The product speaks French and English everywhere: catalogues with the same keys, refusals with both sentences."""

import ast
import json
from collections.abc import Iterator
from typing import Any

from tools.french import missing_spaces, placeholders
from tools.repository import Repository, classes, descendants


def problems(repository: Repository) -> Iterator[str]:
    """Catalogue files (`en.json` beside `fr.json`) and the sentences of every Refusal."""
    for name in repository.matching("src/*/en.json", "src/*/fr.json", "web/*/en.json", "web/*/fr.json"):
        folder, _, file = name.rpartition("/")
        other = f"{folder}/{'fr' if file == 'en.json' else 'en'}.json"
        if not repository.exists(other):
            yield f"{name}: {other} is missing."
        elif file == "en.json":
            english, french = flat(json.loads(repository.text(name))), flat(json.loads(repository.text(other)))
            yield from compare(english, french, name, other)
    yield from _refusals(repository)


def flat(catalogue: Any, prefix: str = "") -> dict[str, str]:
    """A nested catalogue as one level, keys joined by dots."""
    if isinstance(catalogue, dict):
        entries: dict[str, str] = {}
        for key, value in catalogue.items():
            entries |= flat(value, f"{prefix}{key}.")
        return entries
    if isinstance(catalogue, list):
        return flat({str(place): value for place, value in enumerate(catalogue)}, prefix)
    return {prefix.rstrip("."): str(catalogue)}


def compare(english: dict[str, str], french: dict[str, str], name: str, other: str) -> Iterator[str]:
    """The same keys, the same placeholders, nothing empty, and French spaces in the French one."""
    for key in sorted(english.keys() - french.keys()):
        yield f"{other}: {key} is missing; it stands in {name}."
    for key in sorted(french.keys() - english.keys()):
        yield f"{name}: {key} is missing; it stands in {other}."
    for key in sorted(english.keys() & french.keys()):
        yield from _pair(english[key], french[key], f"{other}: {key}")
    for file, entries in ((name, english), (other, french)):
        for key, text in entries.items():
            if not text.strip():
                yield f"{file}: {key} is empty."


def _pair(english: str, french: str, place: str) -> Iterator[str]:
    if placeholders(english) != placeholders(french):
        said = sorted(placeholders(english) ^ placeholders(french))
        yield f"{place}: {', '.join(said)} stands in one language only."
    for around in missing_spaces(french):
        yield f"{place}: a narrow no-break space (U+202F) is missing in “{around}”."


def _refusals(repository: Repository) -> Iterator[str]:
    for name, node in descendants(classes(repository, "src/comptoir/*.py"), "Refusal"):
        yield from refusal(node, f"{name}:{node.lineno}")


def refusal(node: ast.ClassDef, place: str) -> Iterator[str]:
    """A refusal has a code of its own, and a sentence in each language."""
    given = {target: value for target, value in _assigned(node) if value is not None}
    if (
        "code" not in given
        and "sentences" not in given
        and any(isinstance(part, ast.FunctionDef) for part in node.body)
    ):
        # A class that only adds behaviour for its own subclasses is told apart by having neither.
        return
    if "code" not in given:
        yield f"{place}: {node.name} has no code of its own."
    if not isinstance(given.get("sentences"), ast.Dict):
        yield f"{place}: {node.name} has no sentences of its own, written out in English and French."
        return
    try:
        sentences = {str(key): str(text) for key, text in ast.literal_eval(given["sentences"]).items()}
    except ValueError:
        yield f"{place}: the sentences of {node.name} are not plain texts."
        return
    for locale in ("en", "fr"):
        if not sentences.get(locale, "").strip():
            yield f"{place}: {node.name} has no sentence in {'English' if locale == 'en' else 'French'}."
    if sentences.get("en") and sentences.get("fr"):
        yield from _pair(sentences["en"], sentences["fr"], f"{place}: {node.name}")


def _assigned(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr | None]]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id, statement.value
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield target.id, statement.value
