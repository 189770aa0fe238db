"""Signing in and out."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated

import msgspec
from litestar import Controller, Response, delete, get, patch, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody

from comptoir.api.app.desk import AppRequest, access_of, require_room, services_of
from comptoir.api.app.shapes import Body
from comptoir.workspaces import attempts, passwords
from comptoir.workspaces.access import COOKIE, SESSION_DAYS, SignedIn
from comptoir.workspaces.commands import checked_locale, set_locale, sign_in, sign_out
from comptoir.workspaces.errors import SignInRefused
from comptoir.workspaces.queries import Membership, PersonView, password_of


class SignIn(Body, frozen=True):
    """An e-mail address and a password."""

    email: Annotated[str, msgspec.Meta(max_length=254)]
    password: Annotated[str, msgspec.Meta(max_length=1024)]


class SessionChange(Body, frozen=True):
    """The language in which the program speaks to this person."""

    locale: str


class Session(msgspec.Struct, frozen=True):
    """Who is signed in, and where they are an agent."""

    person: PersonView
    workspaces: list[Membership]


class SessionController(Controller):
    """`/session`."""

    path = "/session"
    tags = ("session",)

    @post("/", status_code=200)
    async def open(self, request: AppRequest, data: JSONBody[SignIn]) -> Response[Session]:
        """Sign in. The cookie lasts 30 days after its last use."""
        services = services_of(request)
        require_room(services)
        address = network_address(request)
        async with services.db.system() as tx:
            await attempts.count_attempt(tx, data.email, address)
            login = await password_of(tx, data.email)
        # Between two transactions: a hash takes long, and a connection is not to be held for it.
        if not await passwords.verify(login.password_hash if login else None, data.password) or login is None:
            raise SignInRefused
        async with services.db.system() as tx:
            token = await sign_in(tx, login.person_id)
            await attempts.forgive(tx, data.email, address)
        return _answer(await access_of(request).signed_in(token), request, token)

    @get("/")
    async def read(self, request: AppRequest) -> Response[Session]:
        """Who is signed in. Lengthens the life of the cookie."""
        cookie = request.cookies.get(COOKIE)
        return _answer(await access_of(request).signed_in(cookie), request, cookie or "")

    @patch("/")
    async def change(self, request: AppRequest, data: JSONBody[SessionChange]) -> Session:
        """Change the language."""
        signed_in = await access_of(request).signed_in(request.cookies.get(COOKIE))
        locale = checked_locale(data.locale)
        async with services_of(request).db.system() as tx:
            await set_locale(tx, signed_in.person.id, locale)
        person = msgspec.structs.replace(signed_in.person, locale=locale)
        return Session(person, list(signed_in.workspaces))

    @delete("/")
    async def close(self, request: AppRequest) -> Response[None]:
        """Sign out. Without a session nothing happens."""
        token = request.cookies.get(COOKIE)
        if token:
            async with services_of(request).db.system() as tx:
                await sign_out(tx, token)
        return Response(None, status_code=204, cookies=[_cookie(request, "", 0)])


def _answer(signed_in: SignedIn, request: AppRequest, token: str) -> Response[Session]:
    return Response(
        Session(signed_in.person, list(signed_in.workspaces)), cookies=[_cookie(request, token, SESSION_DAYS * 86_400)]
    )


def _cookie(request: AppRequest, value: str, seconds: int) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=services_of(request).config.public_url.startswith("https:"),
    )


def network_address(request: AppRequest) -> str:
    """Where a request comes from, for counting attempts.

    Behind a proxy on this machine every request has this machine's address; the last address that such a proxy notes is
    the one it saw. A note from anywhere else counts for nothing: anybody can write one.
    """
    peer = request.client.host if request.client else ""
    noted = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    try:
        if noted and (not peer or ip_address(peer).is_loopback):
            return str(ip_address(noted))
    except ValueError:
        pass
    return peer or "local"
