"""Fake providers with their own clock, rules and errors: for trying a channel out without the real one, and for the tests."""
