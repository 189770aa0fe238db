"""The HTTP server of a web process."""

from __future__ import annotations

import socket

import uvicorn


class DrainingServer(uvicorn.Server):
    """uvicorn, which lets the application say goodbye before it closes the connections.

    Else it would cut the sockets with frames still in their queues, and wait in vain for streams that end only when they are told to.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        drain = getattr(self.config.loaded_app, "drain", None)
        if drain is not None:
            await drain()
        await super().shutdown(sockets)
