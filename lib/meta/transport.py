"""One session of the SDK for one token: calls, their errors, and the pauses between tries.

The SDK's session carries the token, the certificates and the version; the answers are read here. Its ``api.call``
decodes every page with the standard library first (half of the time of a refresh, see ``benchmarks``), takes a
gateway's HTML for a success, and fails inside its own exception on a body that only contains the word "error".
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import requests
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from lib.errors import MetaError
from lib.meta.errors import RateLimited, Transient, Unreachable, error_of

TIMEOUT_S = (10, 180)
TRIES = 4
LONGEST_WAIT_S = 120.0

Json = dict[str, Any]


def _json(content: bytes) -> Any:
    """The decoded body; ``None`` where it is no JSON.

    Meta cuts long names, at times inside an emoji; the half that is left is no text, and becomes a question mark.
    """
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        pass
    try:
        mended = json.dumps(json.loads(content), ensure_ascii=False).encode("utf-8", "replace")
        return orjson.loads(mended)
    except ValueError:
        return None


class Transport:
    """Calls of one token at one Marketing API. Not for several threads at once: a session belongs to one.

    ``calls`` counts the requests that were sent, tries included.
    """

    def __init__(
        self,
        access_token: str,
        graph_url: str,
        *,
        pause: Callable[[float], None] = time.sleep,
        timeout_s: tuple[float, float] = TIMEOUT_S,
    ) -> None:
        session = FacebookSession(access_token=access_token, timeout=timeout_s)
        session.GRAPH = graph_url.rstrip("/")
        if session.GRAPH != FacebookSession.GRAPH:
            session.requests.verify = True
        self._session = session
        self._token = access_token
        self._pause = pause
        self.calls = 0

    def close(self) -> None:
        """Close the connections."""
        self._session.requests.close()

    def get(self, path: tuple[str, ...], params: Mapping[str, Any]) -> Json:
        """The decoded answer to a GET; a transient failure is tried again with growing, jittered pauses.

        Raises a kind of MetaError, whose text never holds the token.
        """
        for attempt in range(1, TRIES + 1):
            try:
                return self._once(path, params)
            except RateLimited as error:
                if attempt == TRIES or error.wait_s > LONGEST_WAIT_S:
                    raise
                self._pause(error.wait_s)
            except Transient:
                if attempt == TRIES:
                    raise
                self._pause(2 ** (attempt - 1) * random.uniform(0.5, 1.0))
        raise AssertionError("the last try returns or raises")

    def _once(self, path: tuple[str, ...], params: Mapping[str, Any]) -> Json:
        self.calls += 1
        url = "/".join((self._session.GRAPH, FacebookAdsApi.API_VERSION, *path))
        encoded = {
            name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in params.items()
        }
        # Causes are cut off ("from None"): they carry the whole URL, and with it the token.
        try:
            response = self._session.requests.get(
                url, params=encoded, headers=FacebookAdsApi.HTTP_DEFAULT_HEADERS, timeout=self._session.timeout
            )
        except requests.Timeout:
            raise Unreachable("The Marketing API did not answer in time.") from None
        except requests.RequestException as error:
            raise Unreachable(f"The Marketing API cannot be reached ({type(error).__name__}).") from None
        return self._decoded(response)

    def _decoded(self, response: requests.Response) -> Json:
        body = _json(response.content)
        if response.status_code != requests.codes.ok or not isinstance(body, dict) or "error" in body:
            raise self._refusal(response.status_code, body, response.headers)
        return body

    def _refusal(self, status: int, body: Any, headers: Mapping[str, str]) -> MetaError:
        error = error_of(status, body, headers)
        error.message = error.message.replace(self._token, "[redacted]")
        error.args = (error.message,)
        return error
