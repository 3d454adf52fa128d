"""A server that answers what another one answered the first time: what a reader costs, without the other's work.

GETs are kept by their path and parameters, the token left out; everything else goes through.
"""

from __future__ import annotations

import argparse
import socket

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_KEPT_HEADERS = ("content-type", "facebook-api-version")


def create(origin: str) -> Starlette:
    """The application in front of ``origin``."""
    kept: dict[tuple[str, str], Response] = {}
    client = httpx.AsyncClient(timeout=120, trust_env=False)

    async def answer(request: Request) -> Response:
        params = sorted((name, value) for name, value in request.query_params.items() if name != "access_token")
        key = (request.url.path, str(httpx.QueryParams(params)))
        if request.method == "GET" and key in kept:
            return kept[key]
        said = await client.request(
            request.method, f"{origin}{request.url.path}", params=request.query_params, content=await request.body(),
            headers={"content-type": request.headers.get("content-type", "")},
        )  # fmt: skip
        headers = {name: value for name, value in said.headers.items() if name in _KEPT_HEADERS}
        response = Response(said.content, said.status_code, headers)
        if request.method == "GET" and said.is_success:
            kept[key] = response
        return response

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--origin", required=True)
    asked = parser.parse_args()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", asked.port))
    config = uvicorn.Config(create(asked.origin), access_log=False, log_level="warning", lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
