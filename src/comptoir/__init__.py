"""Comptoir: the counter where a business meets its customers."""
