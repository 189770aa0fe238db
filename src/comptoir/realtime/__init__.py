"""Pushing what happens to whoever is looking: one hub per web process, lines to agents and to visitors, deltas that are not stored."""
