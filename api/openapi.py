"""What /api/v1/openapi.json says beside the routes: how to begin, what holds everywhere, and every kind of failure."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from api.deps import Auth0User, get_current_user
from api.envelope import CODES, ErrorAnswer

TITLE = "Ads Administrator"
VERSION = "1.0"
SUMMARY = "Clients' Meta ad accounts in numbers: the same ones as on the pages, for programs."
DESCRIPTION = """
## Signing in
Send `Authorization: Bearer TOKEN` with every request. A token is a personal one, which the administrator makes with
`python -m lib token add EMAIL`, or an access token of an issuer that this installation trusts. In a browser, the
cookie of the dashboard's own sign-in opens the same addresses; requests that change something then have to come from
the dashboard's own pages. You see the clients and accounts that are granted to you, and nothing of any other.

## Answers
One thing is `{"data": …}`; a list is `{"data": […], "meta": {"page", "per_page", "total"}}`, asked for with `page` and
`per_page`. Every failure is `{"error": {"code", "message", "details"}}`: `code` is for programs, `message` is a
sentence with what to do, and `details` says what is wrong with which part, or the number of a failure in the log.
Unknown parameters and fields are refused, so that a slip of the pen never answers another question.

## Numbers
Ids and money are text: ids are longer than what every program counts exactly, and money is in major units of the
`currency` beside it, exact to the last digit. Rows of two currencies are never added. Percentages are fractions:
`0.0123` is 1.23 %. A metric without a value is `null`, and `meta.notes` has the rule. Reach and its kin hold for one
object and one period, and are never added up. A question may be about one breakdown set (`country`, say); what Meta
does not report by it is `null`, never 0. Days are those of each account's own time zone.
Every answer names the engine that it came from.

## Files
`GET` and `POST /insights` answer as CSV or Arrow where `Accept` is `text/csv` or `application/vnd.apache.arrow.stream`:
every row at once, not a page, named by `Content-Disposition`, with `Ads-Engine`, `Ads-Rows` and `Ads-Sample` beside
it. Each file is in the log of exports before it is sent. `GET /reconciliation` answers as CSV too.

## Live
`/live?run=ID` is a websocket that tells how far a refresh run is: messages `{"type": "progress", "run": {…}}` with a
`Run` as `GET /refresh-runs/{run_id}` has it, `{"type": "heartbeat"}` where nothing is new for 15 s, and
`{"type": "end", "run": {…}}`, after which it closes with 1000. It takes the same `Authorization`; a page that can send
no header offers the subprotocols `ads.live` and `bearer.TOKEN`. Whoever reads too slowly misses states in between, and
is dropped after 10 s without reading. 4401 closes it where the sign-in ends, 4404 where the run is not to be seen any
more, 1013 where nobody can tell: try again.
"""
TAGS = [
    {"name": "insights", "description": "Any question about the numbers, as JSON, CSV or Arrow."},
    {"name": "metrics", "description": "What can be asked for, and how it is made."},
    {"name": "reconciliation", "description": "Where the ads do not add up to Meta's own numbers, and why."},
    {"name": "clients and accounts", "description": "What is open to you."},
    {"name": "refresh runs", "description": "Fetching new numbers from Meta, and how far that is."},
    {"name": "saved views", "description": "Addresses of pages under names."},
    {"name": "people", "description": "Who is asking."},
]
_MEANINGS = {
    400: ("The body is no JSON.", "The body cannot be read as JSON. Send it as application/json in UTF-8."),
    401: ("Nobody is signed in.", "Sign in first."),
    403: ("You may not do that.", "Only managers and administrators may do that. Ask an administrator."),
    404: ("It is not there, or not open to you.", "There is nothing at this address."),
    406: (
        "Accept names nothing that is offered here.",
        "There is no such answer here. Accept can be application/json.",
    ),
    409: ("It cannot be done as things stand now.", "A refresh of your accounts is running already."),
    413: ("The body is too large.", "The body is larger than 1,048,576 bytes."),
    414: ("The address is too long.", "The address is longer than 16,384 bytes."),
    415: ("The body is of a type that is not read here.", "The body is of a type that is not read here."),
    422: ("Something that was sent cannot be used.", "There is no metric “spent”. Did you mean spend?"),
    429: ("That was tried too often.", "There were too many attempts. Nothing was changed. Try again in 15 minutes."),
    500: ("A failure here.", "Something went wrong here. Its number is 3f9a01bc."),
    503: ("The database or the engine cannot be reached now.", "The database cannot be reached."),
}

LOCATION = {"Location": {"description": "the address of what was made", "schema": {"type": "string"}}}
Responses = dict[int | str, dict[str, Any]]


def errors(*statuses: int) -> Responses:
    """The failures that a route may answer with, for its documentation."""
    return {status: _error(status) for status in statuses}


def _error(status: int) -> dict[str, Any]:
    meaning, sentence = _MEANINGS[status]
    details = {"number": "3f9a01bc"} if status == 500 else None
    example = {"error": {"code": CODES[status], "message": sentence, "details": details}}
    found: dict[str, Any] = {
        "model": ErrorAnswer,
        "description": meaning,
        "content": {"application/json": {"example": example}},
    }
    if status == 401:
        found["headers"] = {"WWW-Authenticate": {"description": "Bearer", "schema": {"type": "string"}}}
    if status == 429:
        found["headers"] = {"Retry-After": {"description": "seconds to wait", "schema": {"type": "string"}}}
    return found


EVERYWHERE = errors(401, 403, 406, 414, 422, 500, 503)
"""What any route may answer."""

WITH_BODY = errors(400, 413, 415)
"""What a route that takes a body may answer too."""


def description_of(app: FastAPI, prefix: str) -> dict[str, Any]:
    """The whole description of the routes of ``app``, which is found at ``prefix``."""
    found: dict[str, Any] = get_openapi(
        title=TITLE,
        version=VERSION,
        summary=SUMMARY,
        description=DESCRIPTION,
        tags=TAGS,
        servers=[{"url": prefix}],
        routes=app.routes,
    )
    answers = [
        answer for path in found["paths"].values() for one in path.values() for answer in one["responses"].values()
    ]
    for media in [media for answer in answers for media in answer.get("content", {}).values()]:
        if "error" in media.get("example", {}):
            # FastAPI leaves out what is null.
            media["example"]["error"].setdefault("details", None)
    return found


def describe(app: FastAPI, prefix: str) -> None:
    """Serve the description at /openapi.json to whoever is signed in."""
    description = cache(description_of)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(user: Annotated[Auth0User, Depends(get_current_user)]) -> JSONResponse:
        return JSONResponse(description(app, prefix))
