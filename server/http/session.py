"""Signing in and out."""

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from server.auth.accounts import SESSION_LIFETIME, find_account, forget_expired, issue, revoke
from server.auth.authenticator import COOKIE
from server.auth.familiar import COOKIE as FAMILIAR
from server.auth.familiar import LASTS, familiar_token, is_familiar
from server.auth.rights import Right
from server.errors import Unauthorized
from server.http.endpoint import Call, endpoint
from server.protocol import AccountView
from server.store.tables import Account, Act


class SignIn(BaseModel):
    """Name and password."""

    model_config = ConfigDict(extra="forbid")
    username: str = Field(max_length=64)
    password: str = Field(max_length=256)


class SessionAnswer(BaseModel):
    """Who is signed in."""

    account: AccountView


@endpoint(
    "POST",
    "/api/v1/session",
    right=Right.PUBLIC,
    summary="Sign in; the answer sets the cookie",
    body=SignIn,
    answer=SessionAnswer,
)
async def sign_in(call: Call[SignIn]) -> web.Response:
    services = call.services
    services.authenticator.require_same_origin(call.request.headers)
    username, address, now = call.body.username, call.address, services.now()
    familiar = is_familiar(services.key, username, call.request.cookies.get(FAMILIAR, ""), now)
    with services.throttle.place():
        await services.throttle.attempt(username, address, familiar=familiar)
        async with services.database.read() as session:
            account = await find_account(session, username)
        fits = await services.throttle.fits(call.body.password, account.password_hash if account else None)
    if account is None or not fits or account.disabled:
        raise Unauthorized("用户名或密码不正确。", code="bad_credentials")
    await services.throttle.succeeded(username, address, familiar=familiar)
    async with services.database.write() as session:
        await forget_expired(session, now)
        token = await issue(session, account.id, kind="session", now=now)
        session.add(Act(at=now, account_id=account.id, act="sign-in", detail={"address": address}))
    answer = web.Response(
        text=SessionAnswer(account=AccountView.of(account)).model_dump_json(),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
    secure = services.authenticator.secure(call.request)
    seconds = int(SESSION_LIFETIME.total_seconds())
    answer.set_cookie(COOKIE, token, max_age=seconds, httponly=True, samesite="Strict", secure=secure, path="/")
    answer.set_cookie(
        FAMILIAR,
        familiar_token(services.key, username, now),
        max_age=int(LASTS.total_seconds()),
        httponly=True,
        samesite="Strict",
        secure=secure,
        path=call.request.path,
    )
    return answer


@endpoint("GET", "/api/v1/session", right=Right.SIGNED_IN, summary="Who is signed in", answer=SessionAnswer)
async def who(call: Call[None]) -> SessionAnswer:
    async with call.services.database.read() as session:
        account = await session.get_one(Account, call.staff.account_id)
        return SessionAnswer(account=AccountView.of(account))


@endpoint("DELETE", "/api/v1/session", right=Right.SIGNED_IN, summary="Sign out", status=204)
async def sign_out(call: Call[None]) -> web.Response:
    token = call.request.cookies.get(COOKIE)
    if token is not None:
        async with call.services.database.write() as session:
            await revoke(session, token)
    answer = web.Response(status=204)
    answer.del_cookie(COOKIE, path="/")
    return answer
