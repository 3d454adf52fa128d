"""The HTTP face: Graph paths, the sandbox's own pages and nothing else."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import batch, journal, pictures
from sandbox.faults import routes
from sandbox.faults.layer import Faults
from sandbox.faults.wire import Spoilt
from sandbox.graph import Answer, Call, Graph
from sandbox.truth import totals
from sandbox.world import Settings, World

_JSON = "application/json; charset=UTF-8"
_METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH"]
_LONGEST_TRUTH_DAYS = 1200


def create(settings: Settings, rules: list[dict[str, Any]] | None = None, fault_seed: int = 1) -> Starlette:
    """The application for one world, with fault rules from the start. Set `state.stopping` when the server stops."""
    own = Own(World(settings))
    faults = Faults(Graph(own.world), fault_seed)
    faults.add(rules or [])
    stopping, calls = asyncio.Event(), journal.Journal()

    async def call(request: Request) -> Response:
        with calls.noting(request):
            return await answered(request)

    async def answered(request: Request) -> Response:
        params = dict(request.query_params)
        if request.method == "POST":
            params |= dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        base_url = str(request.base_url).rstrip("/")
        asked = Call(request.method, request.url.path, params, base_url)
        if request.method == "POST" and "batch" in params:
            answer = faults.envelope(asked) or batch.run(faults, params, base_url)
        else:
            answer = faults.answer(asked)
        return Spoilt(answer, stopping) if answer.delivery else _whole(answer)

    app = Starlette(
        routes=[
            Route("/__sandbox/health", own.health),
            Route("/__sandbox/accounts", own.accounts),
            Route("/__sandbox/truth", own.truth),
            Route("/__sandbox/thumb/{creative}.png", own.thumb),
            Route("/__sandbox/image/{creative}.png", own.image),
            Route("/__sandbox/faults", routes.FaultRoutes(faults).answer, methods=routes.METHODS),
            Route("/__sandbox/calls", calls.answer, methods=journal.METHODS),
            Route("/{path:path}", call, methods=_METHODS),
        ]
    )
    app.state.stopping = stopping
    return app


def _whole(answer: Answer) -> Response:
    headers = {
        "access-control-allow-origin": "*",
        "cache-control": "private, no-cache, no-store",
        **dict(answer.headers),
    }
    return Response(answer.body, answer.status, headers, answer.media)


class Own:
    """What no Graph has: health, the accounts without a token, the exact totals and the pictures."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def health(self, request: Request) -> Response:
        """Whether the server answers, and for which accounts."""
        settings = self.world.settings
        found = {"status": "ok", "accounts": [account.id for account in self.world.accounts], "seed": settings.seed,
                 "days": settings.days, "ads": settings.ads, "now": self.world.now().isoformat()}  # fmt: skip
        return Response(orjson.dumps(found), media_type=_JSON)

    async def accounts(self, request: Request) -> Response:
        """The accounts with what a sample needs to know about them."""
        found = [{"id": one.id, "account_id": one.account_id, "name": one.name, "currency": one.market.currency,
                  "timezone_name": one.market.timezone_name} for one in self.world.accounts]  # fmt: skip
        return Response(orjson.dumps(found), media_type=_JSON)

    async def truth(self, request: Request) -> Response:
        """The exact totals of one account or of all."""
        query = request.query_params
        try:
            since, until = (dt.date.fromisoformat(query.get(name, "")) for name in ("since", "until"))
        except ValueError:
            return _refuse("since and until must be dates in the format YYYY-MM-DD")
        if not 0 <= (until - since).days < _LONGEST_TRUTH_DAYS:
            return _refuse(f"until must not be before since, nor more than {_LONGEST_TRUTH_DAYS} days after it")
        wanted = query.get("account", "").removeprefix("act_")
        if not wanted:
            found = [totals(self.world, account, since, until) for account in self.world.accounts]
            return Response(orjson.dumps({"accounts": found}), media_type=_JSON)
        if wanted not in self.world.by_id:
            return _refuse(f"there is no account {wanted}")
        return Response(orjson.dumps(totals(self.world, self.world.by_id[wanted], since, until)), media_type=_JSON)

    async def thumb(self, request: Request) -> Response:
        """A creative's thumbnail."""
        return _picture(request.path_params["creative"], 128)

    async def image(self, request: Request) -> Response:
        """A creative's full picture."""
        return _picture(request.path_params["creative"], 480)


def _picture(creative: str, side: int) -> Response:
    return Response(pictures.png(creative[:64], side), 200, {"cache-control": "public, max-age=86400"}, "image/png")


def _refuse(reason: str) -> Response:
    return Response(orjson.dumps({"error": {"message": reason}}), 400, media_type=_JSON)
