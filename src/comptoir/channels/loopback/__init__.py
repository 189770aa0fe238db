"""Loopback: the template channel. Copy this folder, give it a name, fill it in; nothing else in the house needs an edit."""
