"""The channels: one folder each, found by `channels.registry`."""
