"""Each path and each command named in the documentation exists."""

import ast
import re
from collections.abc import Iterator

from tools.repository import Repository

PAGES = ("README.md", "CONTRIBUTING.md", "docs/*.md")
# Where a path in prose may start from: the root, or the places that everybody has in mind.
STARTS = ("", "src/comptoir/", "src/", "web/", "docs/")
CODE = re.compile(r"`([^`\n]+)`")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PATH = re.compile(
    r"^(?!/)[\w.@*-]+(?:/[\w.@*-]+)+/?$|^[\w-]+\.(?:py|md|sql|toml|lock|json|ts|svelte|sh)$|^\.?[\w.-]+/$"
)
NOT_PATHS = re.compile(r"^(?:text|application|image|audio|video|multipart|font)/|^\d+/\d+$|^[A-Z]{2,}(?:/[A-Z]{2,})+$")
MAKE = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*make ([a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)*)")
COMPTOIR = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?comptoir ([a-z][a-z-]*)")
TARGET = re.compile(r"^([a-z][a-z0-9-]*):", re.MULTILINE)


def problems(repository: Repository) -> Iterator[str]:
    """Every word in backticks that looks like a path or command, every relative link, every command in a block."""
    targets = set(TARGET.findall(repository.text("Makefile"))) if repository.exists("Makefile") else set()
    commands = subcommands(repository)
    for page in repository.matching(*PAGES):
        for line, said in mentions(repository.text(page)):
            yield from (f"{page}:{line}: {what}" for what in _wrong(repository, page, said, targets, commands))


def mentions(text: str) -> Iterator[tuple[int, str]]:
    """What a page names: code in backticks, link targets (marked by a leading `](`), lines of shell blocks."""
    blocks = list(FENCE.finditer(text))
    prose = FENCE.sub(lambda hit: "\n" * hit[0].count("\n"), text)
    for pattern, prefix in ((CODE, ""), (LINK, "](")):
        for hit in pattern.finditer(prose):
            yield prose.count("\n", 0, hit.start()) + 1, prefix + hit[1]
    for block in blocks:
        if block[1] in {"sh", "bash", "shell", "console"}:
            first = text.count("\n", 0, block.start(2)) + 1
            for offset, line in enumerate(block[2].splitlines()):
                yield first + offset, line.split(" #")[0].strip()


def subcommands(repository: Repository) -> set[str]:
    """The subcommands of `comptoir`, as its command line declares them to cyclopts."""
    found: set[str] = set()
    for name in repository.matching("src/comptoir/entrypoints/cli.py"):
        groups: dict[str, str] = {}
        for node in repository.tree(name).body:
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Call)
                and isinstance(node.targets[0], ast.Name)
            ):
                groups[node.targets[0].id] = _given_name(node.value)
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _is_command(node.value):
                call = node.value
                registered = call.args[0] if call.args else None
                found.add(
                    _given_name(call) or (groups.get(registered.id, "") if isinstance(registered, ast.Name) else "")
                )
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for decorator in node.decorator_list:
                    if _is_command(decorator):
                        given = _given_name(decorator) if isinstance(decorator, ast.Call) else ""
                        found.add(given or node.name.replace("_", "-"))
    return found - {""}


def _is_command(node: ast.expr) -> bool:
    """`app.command` or a call of it; those of a group below (`user.command`) are second words."""
    return ast.unparse(node.func if isinstance(node, ast.Call) else node) == "app.command"


def _given_name(call: ast.Call) -> str:
    return next((str(ast.literal_eval(word.value)) for word in call.keywords if word.arg == "name"), "")


def _wrong(repository: Repository, page: str, said: str, targets: set[str], commands: set[str]) -> Iterator[str]:
    if said.startswith("]("):
        address = said[2:]
        folder = page.rpartition("/")[0]
        if (
            "://" not in address
            and not address.startswith(("mailto:", "/"))
            and not _there(repository, address, folder)
        ):
            yield f"the link {address} leads nowhere."
        return
    if hit := MAKE.match(said):
        for target in hit[1].split():
            if target not in targets:
                yield f"the Makefile has no target {target}."
    elif hit := COMPTOIR.match(said):
        if hit[1] not in commands:
            yield f"comptoir has no command {hit[1]}."
    elif PATH.match(said) and not NOT_PATHS.match(said) and not _named(repository, said, page):
        yield f"there is no {said}."


def _there(repository: Repository, address: str, folder: str) -> bool:
    return ((repository.root / folder / address).resolve()).exists()


def _named(repository: Repository, said: str, page: str) -> bool:
    folder = page.rpartition("/")[0]
    starts = (*STARTS, f"{folder}/" if folder else "")
    if any(repository.exists(start + said.rstrip("/")) for start in starts):
        return True
    # A file name alone is enough where a room always has such a file.
    if "/" not in said and any(name.endswith(f"/{said}") for name in repository.names):
        return True
    return repository.ignored(said)
