"""What the Marketing API's refusals mean, and what is to be done.

    MetaError
    ├── TooMuchData       too much in one call: split it, never repeat it
    ├── RateLimited       pause for ``wait_s``
    ├── Transient         try again with growing pauses
    │   └── Unreachable   no answer, or one that is not the API's
    ├── TokenDead         stop this credential
    ├── NoAccess          stop this account
    ├── BrokenObject      skip this object
    └── WrongRequest      our defect: never try again

Codes and subcodes are those of Meta's error reference and of what existing connectors met in production.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib.errors import MetaError
from lib.logs import redact


class TooMuchData(MetaError):
    """More was asked for than Meta serves in one call."""

    remedy = "Refresh a shorter span."


class RateLimited(MetaError):
    """The account or the app has used up its calls; ``wait_s`` is in seconds."""

    wait_s: float = 60.0


class Transient(MetaError):
    """Meta failed for a moment."""

    remedy = "Nothing was lost. Try again in a few minutes."


class Unreachable(Transient):
    """The Marketing API did not answer, or something else answered in its place."""


class TokenDead(MetaError):
    """The token opens nothing any more."""

    remedy = "Create a new system-user token with ads_read and store it with `python -m lib client token`."


class NoAccess(MetaError):
    """The token does not open this account."""

    remedy = "Give the token's user access to the account in Meta's Business settings (ads_read), then refresh again."


class BrokenObject(MetaError):
    """One ad or creative is broken on Meta's side."""


class WrongRequest(MetaError):
    """Meta calls the request wrong: a defect of this program."""

    remedy = "Trying again will not help; report it with the trace id."


TOO_MUCH = {(100, 1487534), (100, 1504018), (2, 1504038), (-3, 1504045)}
LIMITS = {4, 17, 32, 613, *range(80000, 80015)}
TRANSIENT = {(1, 99), (-2, 2490547), (2, 1504043), (2, 1504044)}
TRANSIENT_CODES = {2601, 2637}
WRONG = {(2, 1504041), (2, 1504042), (100, 3191001)}
BROKEN = {(100, 2446289), (100, 2446211)}
DEAD_CODES = {102, 104, 190}
DENIED_CODES = {3, 10, 272, 294, 803, *range(200, 300)}

_DEAD_REASONS = {
    458: "the app was removed by the token's user",
    460: "the token's user changed the password",
    463: "it has expired",
}


def error_of(status: int, body: Any, usage: Mapping[str, str] | None = None) -> MetaError:
    """The error that an answer with an ``error`` object stands for.

    ``status`` is the HTTP status; ``body`` the decoded answer; anything without an ``error`` object is Unreachable.
    """
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return Unreachable(f"The Marketing API answered with status {status} and no words of its own.")
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    said = str(error.get("error_user_msg") or error.get("message") or "no reason given").replace("\x00", "")
    words = f"{error.get('message')} {said}".lower()
    kind = _kind(status, code, subcode, words, transient=bool(error.get("is_transient")))
    trace_id = str(error.get("fbtrace_id") or "").replace("\x00", "") or None
    made = kind(_sentence(kind, redact(said), subcode), code=code, subcode=subcode, trace_id=trace_id)
    if isinstance(made, RateLimited):
        made.wait_s = _wait(usage or {})
        made.remedy = f"Nothing was lost. Refresh again in {max(1, round(made.wait_s / 60))} min."
    return made


def _wait(usage: Mapping[str, str]) -> float:
    from lib.meta.usage import wait_seconds

    return wait_seconds(usage) or RateLimited.wait_s


def _number(value: Any) -> int | None:
    """A code; ``None`` where it is none that the store could hold."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) < 2**31 else None


def _kind(status: int, code: int | None, subcode: int | None, words: str, *, transient: bool) -> type[MetaError]:
    pair = (code, subcode)
    by_table: list[tuple[bool, type[MetaError]]] = [
        (pair in TOO_MUCH or (code == 1 and "reduce the amount of data" in words), TooMuchData),
        (code in LIMITS, RateLimited),
        (pair in BROKEN, BrokenObject),
        (pair in WRONG, WrongRequest),
        (code in DEAD_CODES, TokenDead),
        (code in DENIED_CODES or pair == (100, 33) or "missing permissions" in words, NoAccess),
        (pair in TRANSIENT or code in TRANSIENT_CODES or transient, Transient),
        (code == 2 or (code == 1 and subcode is None) or (code is None and status >= 500), Transient),
    ]
    return next((kind for holds, kind in by_table if holds), WrongRequest)


def _sentence(kind: type[MetaError], said: str, subcode: int | None) -> str:
    if kind is TokenDead:
        return f"The token is dead: {_DEAD_REASONS.get(subcode or 0, said.rstrip('.'))}."
    starts = {
        NoAccess: "Meta gives this token no access to the account",
        RateLimited: "Meta's limit of calls is reached",
        TooMuchData: "Meta says that too much was asked for in one call",
        Transient: "Meta failed for a moment",
        BrokenObject: "Meta calls an object broken",
    }
    return f"{starts.get(kind, 'Meta refused the request')}: {said.rstrip('.')}."
