"""The app's API put together: the framework behind its edge, media and operations beside it."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Litestar, Router, get
from litestar.connection import Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.response import Response

from comptoir.api.app.agents import AgentController
from comptoir.api.app.attachments import AttachmentController
from comptoir.api.app.contacts import ContactController
from comptoir.api.app.conversations import ConversationController
from comptoir.api.app.deliveries import DeliveryController
from comptoir.api.app.description import document
from comptoir.api.app.desk import provide_desk, require_signed_in
from comptoir.api.app.edge import Edge
from comptoir.api.app.events import EventController
from comptoir.api.app.failures import answer_exception
from comptoir.api.app.inboxes import InboxController
from comptoir.api.app.labels import LabelController
from comptoir.api.app.messages import MessageController
from comptoir.api.app.search import SearchController
from comptoir.api.app.session import SessionController
from comptoir.api.bare import App, Receive, Scope, Send
from comptoir.api.errors import MalformedJson
from comptoir.api.media import MediaDoor
from comptoir.api.operations import OperationsDoor
from comptoir.api.services import Services
from comptoir.kernel.text import read_json
from comptoir.workspaces.access import Access

VERSION = "1"
CONTROLLERS = [
    AgentController,
    LabelController,
    InboxController,
    ContactController,
    ConversationController,
    MessageController,
    DeliveryController,
    AttachmentController,
    SearchController,
    EventController,
]


class JsonRequest(Request[Any, Any, Any]):
    """A request whose JSON may hold what people's clipboards hold: lone surrogates and NUL are made storable."""

    async def json(self) -> Any:
        """The body's value. Raises MalformedJson."""
        try:
            return read_json(await self.body())
        except ValueError:
            raise MalformedJson(field="body") from None


@get("/openapi.json", include_in_schema=False, sync_to_thread=False)
def openapi_document(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The description of this API, made at the first request for it."""
    kept = request.app.state
    if "document" not in kept:
        kept.document = msgspec.json.encode(document(request.app))
    return Response(kept.document, media_type="application/json")


def litestar_app(services: Services | None, access: Access | None) -> Litestar:
    """The framework's part. Without services it can only describe itself."""
    return Litestar(
        route_handlers=[
            Router("/api/v1", route_handlers=[SessionController, openapi_document]),
            Router(
                "/api/v1",
                route_handlers=CONTROLLERS,
                guards=[require_signed_in],
                dependencies={"desk": Provide(provide_desk)},
            ),
        ],
        request_class=JsonRequest,
        exception_handlers={Exception: answer_exception},
        state=State({"services": services, "access": access}),
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title="Comptoir", version=VERSION, create_examples=False, render_plugins=[JsonRenderPlugin()]
        ),
    )


class Api:
    """ASGI: `/api/v1/…`, `/media/…`, `/healthz`, `/readyz`, `/metrics`."""

    def __init__(self, services: Services) -> None:
        self._app = Edge(litestar_app(services, Access(services.db)), services.config.public_url)  # type: ignore[arg-type]
        self._media = MediaDoor(services)
        self._operations = OperationsDoor(services)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        path: str = scope["path"]
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 4404})
        elif path in OperationsDoor.PATHS:
            await self._operations(scope, receive, send)
        elif path.startswith("/media/"):
            await self._media(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def create_api(services: Services) -> App:
    """The doors of the app's API over the tools of one process, which the caller opens and closes."""
    return Api(services)
