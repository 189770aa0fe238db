"""Run the house's own lints: `python -m tools.lint`, or only some by name."""

import sys
from pathlib import Path

from tools import lint_catalogues, lint_docs, lint_glossary, lint_size, lint_sql, lint_tables, lint_words
from tools.repository import Repository

LINTS = {
    "glossary": lint_glossary.problems,
    "tables": lint_tables.problems,
    "sql": lint_sql.problems,
    "size": lint_size.problems,
    "words": lint_words.problems,
    "catalogues": lint_catalogues.problems,
    "docs": lint_docs.problems,
}


def main() -> None:
    """Print every problem by lint; the exit code says whether there was one."""
    repository = Repository(Path(__file__).parent.parent)
    found = 0
    for name in sys.argv[1:] or LINTS:
        for problem in LINTS[name](repository):
            print(f"{name}: {problem}")
            found += 1
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
