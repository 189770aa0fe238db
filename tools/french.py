"""French typography, as far as a program can hold a text to it."""

import re

NARROW = "\N{NARROW NO-BREAK SPACE}"
# Marks that want a narrow no-break space before them. Not those inside addresses, times, ratios or placeholders.
MARK = re.compile(r"[:;!?]")
LEFT_ALONE = re.compile(
    r"\{[^{}]*\}"  # a placeholder
    r"|\bhttps?://\S*|\bmailto:\S*"  # an address
    r"|\d:\d"  # a time or a ratio
    r"|&\w+;"  # an entity
    r"|<[^<>]+>"  # a tag
    r"|`[^`]*`"  # code
)


def missing_spaces(text: str) -> list[str]:
    """The places where a French text lacks the narrow no-break space, with a little of what stands around them."""
    masked = LEFT_ALONE.sub(lambda hit: "\0" * len(hit[0]), text)
    places = []
    for hit in MARK.finditer(masked):
        before = masked[: hit.start()]
        # In a run of marks (`?!`) the first alone takes the space.
        if not before.endswith(NARROW) and not MARK.search(before[-1:]):
            places.append(text[max(0, hit.start() - 12) : hit.end() + 3].strip())
    return places


PLACEHOLDER = re.compile(r"\{\s*(\w+)")


def placeholders(text: str) -> set[str]:
    """The names in braces that a program will fill in."""
    return set(PLACEHOLDER.findall(text))
