"""The app's own API. `create_api` is all that others need."""

from comptoir.api.app.application import create_api

__all__ = ["create_api"]
