"""What every room rests on: ids, clock, facts, errors, text measure. Standard library and msgspec, no I/O."""
