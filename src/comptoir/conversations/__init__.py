"""Conversations: what is said, by whom, in which order, and where it stands."""
