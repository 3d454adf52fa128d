"""What the Marketing API's refusals mean, and what is to be done.

    MetaError
    ├── TooMuchData       too much in one call: split it, never repeat it
    │   └── JobFailed     a report that did not come about twice
    ├── RateLimited       pause the account, or the app, for as long as the headers say
    ├── Transient         try again with growing pauses
    │   ├── Unreachable   no answer, or one that is not the API's
    │   │   └── Unreadable    an answer of another shape than it should have
    │   └── PagesRepeat   pages lead back to themselves: begin again from the first
    ├── TokenDead         stop this credential
    ├── NoAccess          stop this account
    ├── BrokenObject      skip this object
    └── WrongRequest      our defect: never try again

Codes and subcodes are those of Meta's error reference and of what existing connectors met in production.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from lib.errors import MetaError
from lib.logs import redact
from lib.meta.usage import wait_seconds


class TooMuchData(MetaError):
    """More was asked for than Meta serves in one call."""

    remedy = "Refresh a shorter span."


class JobFailed(TooMuchData):
    """A report failed, or did not end, twice."""


class RateLimited(MetaError):
    """The account, or where ``is_apps`` the whole app, has used up its calls.

    ``wait_s`` is how many seconds the headers name; 0 where they name none.
    """

    wait_s: float = 0.0
    is_apps: bool = False

    def come_back_in(self, seconds: float) -> None:
        """Say in the remedy when to try again."""
        self.remedy = f"Nothing was lost. Refresh again in {max(1, round(seconds / 60))} min."


class Transient(MetaError):
    """Meta failed for a moment."""

    remedy = "Nothing was lost. Try again in a few minutes."


class Unreachable(Transient):
    """The Marketing API did not answer, or something else answered in its place."""


class Unreadable(Unreachable):
    """An answer of the API does not have the shape that it should."""

    remedy = "Nothing of it was stored. Try again; if it stays, the API has changed and this program has to follow."


class PagesRepeat(Transient):
    """Pages of results led back to themselves."""


class TokenDead(MetaError):
    """The token opens nothing any more. ``expired_on`` is the day that Meta named, None where it named none."""

    expired_on: dt.date | None = None
    remedy = "Create a new system-user token with ads_read and store it with `python -m lib client token`."


class NoAccess(MetaError):
    """The token does not open this account. ``permissions`` are those that Meta named as missing."""

    permissions: tuple[str, ...] = ()
    remedy = "Give the token's user access to the account in Meta's Business settings (ads_read), then refresh again."


class BrokenObject(MetaError):
    """One ad or creative is broken on Meta's side."""


class WrongRequest(MetaError):
    """Meta calls the request wrong: a defect of this program."""

    remedy = "Trying again will not help; report it with the trace id."


TOO_MUCH = {(100, 1487534), (100, 1504018), (2, 1504038), (-3, 1504045)}
APP_LIMITS = {4, 341}
LIMITS = {*APP_LIMITS, 17, 32, 613, *range(80000, 80015)}
TOO_MANY_REQUESTS = 429
SERVER_ERRORS = 500
"""From this HTTP status on Meta's servers are in trouble: what the table does not tell apart by its code passes."""
TRANSIENT = {(1, 99), (-2, 2490547), (2, 1504043), (2, 1504044)}
TRANSIENT_CODES = {104, 2601, 2637}
"""104 is a connection that was reset, not one of the codes around 102."""
WRONG = {(2, 1504041), (2, 1504042), (100, 3191001)}
BROKEN = {(100, 2446289), (100, 2446211)}
DEAD_CODES = {190}
SESSION_CODES = {102}
"""A dead token as well, unless the answer says that it is a trouble of the moment."""
DENIED_CODES = {3, 10, 272, 294, 803, *range(200, 300)}

_DEAD_REASONS = {
    452: "its session was ended",
    458: "the app was removed by the token's user",
    459: "the token's user has to log in at Meta first",
    460: "the token's user changed the password",
    463: "it has expired",
    464: "the token's user is not confirmed at Meta",
    467: "it was made invalid",
    492: "the token's user has no role on the page or business any more",
}
_EXPIRED = re.compile(r"expired on (\w+, \d{1,2}[- ]\w{3}[- ]\d{2,4}|\w+, \w+ \d{1,2}, \d{4}|\d{4}-\d\d-\d\d)")
_DAY_FORMS = ("%A, %d-%b-%y", "%A, %d-%b-%Y", "%A, %d %b %Y", "%A, %B %d, %Y", "%Y-%m-%d")
_PERMISSION = re.compile(
    r"\b(?:ads_read|ads_management|business_management|read_insights|leads_retrieval|catalog_management"
    r"|pages_[a-z_]+|instagram_[a-z_]+|whatsapp_business_[a-z]+)\b"
)


def error_of(status: int, body: Any, usage: Mapping[str, str] | None = None) -> MetaError:
    """The error that an answer with an ``error`` object stands for.

    ``status`` is the HTTP status; ``body`` the decoded answer; anything without an ``error`` object is Unreachable, but
    for a status that tells of a limit by itself.
    """
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) and status == TOO_MANY_REQUESTS:
        error = {"message": "too many requests"}
    if not isinstance(error, dict):
        return Unreachable(f"The Marketing API answered with status {status} and no words of its own.")
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    said = str(error.get("error_user_msg") or error.get("message") or "no reason given").replace("\x00", "")
    words = f"{error.get('message')} {said}"
    kind = _kind(status, code, subcode, words.lower(), transient=bool(error.get("is_transient")))
    trace_id = str(error.get("fbtrace_id") or "").replace("\x00", "") or None
    expired_on = _expired_on(words) if kind is TokenDead else None
    sentence = _sentence(kind, redact(said), subcode, expired_on)
    made = kind(sentence, code=code, subcode=subcode, trace_id=trace_id)
    if isinstance(made, RateLimited):
        # Its subcodes, 1504022 and 1504039, tell nothing of the app beside another code.
        made.is_apps = code in APP_LIMITS
        made.wait_s = wait_seconds(usage or {})
        made.come_back_in(made.wait_s)
    elif isinstance(made, TokenDead):
        made.expired_on = expired_on
    elif isinstance(made, NoAccess):
        _name_permissions(made, words)
    return made


def _expired_on(words: str) -> dt.date | None:
    """The day of Meta's "Session has expired on Tuesday, 03-Feb-26 09:00:00 PST"; None where it named none."""
    found = _EXPIRED.search(words)
    if not found:
        return None
    for form in _DAY_FORMS:
        try:
            return dt.datetime.strptime(found[1], form).replace(tzinfo=dt.UTC).date()
        except ValueError:
            continue
    return None


def _name_permissions(error: NoAccess, words: str) -> None:
    error.permissions = tuple(dict.fromkeys(_PERMISSION.findall(words)))
    if error.permissions:
        wanted = " or ".join(error.permissions)
        error.remedy = (
            f"Meta names {wanted} as missing: grant it to the token (ads_read is what reading takes), give the token's"
            " user access to the account in Meta's Business settings, then refresh again."
        )


def _number(value: Any) -> int | None:
    """A code; ``None`` where it is none that the store could hold."""
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < 2**31 else None


def kind_of(code: int | None, subcode: int | None, words: str) -> type[MetaError]:
    """The refusal that stored codes stand for; ``words`` are what was said with them.

    How the words begin says what the status said, which is not stored.
    """
    told = (kind for kind, start in _STARTS.items() if words.startswith(start))
    return next(told, None) or _kind(400, code, subcode, words.lower(), transient=False)


def _kind(status: int, code: int | None, subcode: int | None, words: str, *, transient: bool) -> type[MetaError]:
    pair, passes = (code, subcode), transient or status >= SERVER_ERRORS
    by_table: list[tuple[bool, type[MetaError]]] = [
        (pair in TOO_MUCH or (code == 1 and "reduce the amount of data" in words), TooMuchData),
        (code in LIMITS, RateLimited),
        (pair in BROKEN, BrokenObject),
        (pair in WRONG, WrongRequest),
        (code in DEAD_CODES, TokenDead),
        (code in DENIED_CODES or pair == (100, 33) or "missing permissions" in words, NoAccess),
        (pair in TRANSIENT or code in TRANSIENT_CODES, Transient),
        (status == TOO_MANY_REQUESTS, RateLimited),
        (passes or code == 2 or (code == 1 and subcode is None), Transient),
        (code in SESSION_CODES, TokenDead),
    ]
    return next((kind for holds, kind in by_table if holds), WrongRequest)


_STARTS: dict[type[MetaError], str] = {
    NoAccess: "Meta gives this token no access to the account",
    RateLimited: "Meta's limit of calls is reached",
    TooMuchData: "Meta says that too much was asked for in one call",
    Transient: "Meta failed for a moment",
    BrokenObject: "Meta calls an object broken",
}


def _sentence(kind: type[MetaError], said: str, subcode: int | None, expired_on: dt.date | None) -> str:
    if expired_on:
        return f"The token is dead: it expired on {expired_on}."
    if kind is TokenDead:
        return f"The token is dead: {_DEAD_REASONS.get(subcode or 0, said.rstrip('.'))}."
    return f"{_STARTS.get(kind, 'Meta refused the request')}: {said.rstrip('.')}."
