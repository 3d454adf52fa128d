"""One session of the SDK for one token: calls and their errors; ``lib.meta.patience`` has the pauses between tries.

The SDK's session carries the token, the certificates and the version; the answers are read here. Its ``api.call``
decodes every page with the standard library first (half of the time of a refresh, see ``benchmarks``), takes a
gateway's HTML for a success, and fails inside its own exception on a body that only contains the word "error".
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import requests
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession
from urllib3.exceptions import HTTPError, ReadTimeoutError

from lib.errors import MetaError
from lib.meta.clock import Clock
from lib.meta.errors import RateLimited, Transient, Unreachable, error_of
from lib.meta.pacing import Pacer
from lib.meta.patience import MOST_WAIT_S, TRIES, Patience
from lib.meta.rows import Decode, decoded

TIMEOUT_S = (10, 180)
ANSWER_S = 300.0
"""How long a whole answer may take, however steadily it drips."""
CHUNK = 1 << 18

Json = dict[str, Any]


def _ahead(date: str) -> float | None:
    """How many seconds the clock that wrote this ``Date`` is ahead of ours; it is cut to the second."""
    try:
        said = parsedate_to_datetime(date)
        return (said - dt.datetime.now(dt.UTC)).total_seconds() + 0.5
    except (TypeError, ValueError):
        return None


class Transport:
    """Calls of one token at one Marketing API. Not for several threads at once: a session belongs to one.

    ``app`` names whose limits the token shares. ``calls`` counts the requests that were sent, tries included.
    ``clock_ahead_s`` is how far the API's clock was ahead of ours at the last answer, to the second; None where no
    answer said.
    """

    def __init__(
        self,
        access_token: str,
        graph_url: str,
        *,
        clock: Clock,
        pacer: Pacer,
        app: str = "",
        timeout_s: tuple[float, float] = TIMEOUT_S,
        answer_s: float = ANSWER_S,
        tries: int = TRIES,
        most_wait_s: float = MOST_WAIT_S,
    ) -> None:
        session = FacebookSession(access_token=access_token, timeout=timeout_s)
        session.GRAPH = graph_url.rstrip("/")
        if session.GRAPH != FacebookSession.GRAPH:
            session.requests.verify = True
        self._session = session
        self._token = access_token
        self._answer_s = answer_s
        self._tries, self._most_wait_s = tries, most_wait_s
        self.clock, self.pacer, self.app = clock, pacer, app
        self.calls = 0
        self.clock_ahead_s: float | None = None

    def close(self) -> None:
        """Close the connections."""
        self._session.requests.close()

    def patience(self, account_id: int | None) -> Patience:
        """The waiting of one call, or of several that are one piece of work."""
        return Patience(self.clock, self.pacer, self.app, account_id, tries=self._tries, most_wait_s=self._most_wait_s)

    def get(
        self,
        path: tuple[str, ...],
        params: Mapping[str, Any],
        account_id: int | None = None,
        decode: Decode = decoded,
    ) -> Json:
        """The decoded answer to a GET. ``account_id`` is whose limits it counts on.

        Raises a kind of MetaError, whose text never holds the token, after the tries and pauses that its kind is worth.
        """
        return self._patiently("GET", path, params, account_id, decode)

    def post(self, path: tuple[str, ...], params: Mapping[str, Any], account_id: int | None = None) -> Json:
        """The decoded answer to a POST, tried and paused as ``get`` does: nothing here harms by being sent twice."""
        return self._patiently("POST", path, params, account_id, decoded)

    def _patiently(
        self, method: str, path: tuple[str, ...], params: Mapping[str, Any], account_id: int | None, decode: Decode
    ) -> Json:
        patience = self.patience(account_id)
        while True:
            patience.before()
            try:
                return self._once(method, path, params, account_id, decode)
            except RateLimited as error:
                patience.wait_out(error)
            except Transient as error:
                patience.back_off(error)

    def _once(
        self, method: str, path: tuple[str, ...], params: Mapping[str, Any], account_id: int | None, decode: Decode
    ) -> Json:
        self.calls += 1
        url = "/".join((self._session.GRAPH, FacebookAdsApi.API_VERSION, *path))
        place = "data" if method == "POST" else "params"
        sent: Any = {place: {name: _written(value) for name, value in params.items()}}
        # Causes are cut off ("from None"): they carry the whole URL, and with it the token.
        try:
            response = self._session.requests.request(
                method,
                url,
                headers=FacebookAdsApi.HTTP_DEFAULT_HEADERS,
                timeout=self._session.timeout,
                stream=True,
                **sent,
            )
            content = self._content(response)
        except (requests.Timeout, ReadTimeoutError):
            raise Unreachable("The Marketing API did not answer in time.") from None
        except (requests.RequestException, HTTPError) as error:
            raise Unreachable(f"The Marketing API cannot be reached ({type(error).__name__}).") from None
        self.clock_ahead_s = _ahead(response.headers.get("Date", ""))
        self.pacer.heard(self.app, account_id, response.headers)
        body = decode(content)
        if response.status_code != requests.codes.ok or not isinstance(body, dict) or "error" in body:
            raise self.refusal(response.status_code, body, response.headers)
        return body

    def _content(self, response: requests.Response) -> bytes:
        """The whole body, as it comes in; Unreachable where that takes too long in all."""
        deadline = time.monotonic() + self._answer_s
        parts = []
        with response:
            while part := response.raw.read1(CHUNK, decode_content=True):
                parts.append(part)
                if time.monotonic() > deadline:
                    raise Unreachable("The Marketing API did not finish its answer in time.")
        return b"".join(parts)

    def refusal(self, status: int, body: Any, headers: Mapping[str, str]) -> MetaError:
        """The error that an answer stands for, without the token."""
        error = error_of(status, body, headers)
        if self._token:
            error.message = error.message.replace(self._token, "[redacted]")
        error.args = (error.message,)
        return error


def _written(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
