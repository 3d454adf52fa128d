"""The answers Meta gives when it refuses, with its own codes and wording.

GraphError            any refusal; carries the HTTP status and the body
  made by: no_such_object, bad_parameter, no_token, dead_token, no_permission, job_not_ready, unknown
"""

from __future__ import annotations

import itertools
from typing import Any

from sandbox.model import rand

FIELDS_PAGE = (
    "please check https://developers.facebook.com/docs/marketing-api/reference/ads-insights/ for all valid values"
)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_traces = itertools.count(1)


def trace_id() -> str:
    """A fresh `fbtrace_id`: A and 22 letters."""
    bits = rand.mix(next(_traces)) << 64 | rand.mix(-next(_traces))
    return "A" + "".join(_ALPHABET[bits >> (6 * n) & 63] for n in range(21))


class GraphError(Exception):
    """A refusal in Meta's own form."""

    def __init__(
        self,
        message: str,
        code: int,
        *,
        subcode: int | None = None,
        status: int = 400,
        kind: str = "OAuthException",
        title: str = "",
        text: str = "",
        transient: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error: dict[str, Any] = {"message": message, "type": kind, "code": code}
        if subcode is not None:
            self.error["error_subcode"] = subcode
        if transient is not None:
            self.error["is_transient"] = transient
        if title:
            self.error |= {"error_user_title": title, "error_user_msg": text}

    def body(self) -> dict[str, Any]:
        """The JSON body; each answer has its own trace id."""
        return {"error": {**self.error, "fbtrace_id": trace_id()}}


def no_such_object(object_id: str, method: str = "get") -> GraphError:
    """The object is unknown, or the token may not see it: Meta does not tell the two apart."""
    return GraphError(
        f"Unsupported {method} request. Object with ID '{object_id}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation. Please read the Graph API documentation at "
        "https://developers.facebook.com/docs/graph-api",
        100, subcode=33, kind="GraphMethodException",
    )  # fmt: skip


def bad_parameter(message: str, **more: Any) -> GraphError:
    """The request itself is wrong; sending it again will not help."""
    return GraphError(f"(#100) {message}", 100, **more)


def bad_field(name: str) -> GraphError:
    """A name among `fields` that insights do not have."""
    return bad_parameter(f"{name} is not valid for fields param. {FIELDS_PAGE}")


def no_token() -> GraphError:
    """A request without an access token."""
    return GraphError("An access token is required to request this resource.", 104)


def dead_token(subcode: int) -> GraphError:
    """A token that once worked: expired (463), password changed (460) or app removed (458)."""
    reasons = {
        463: "Session has expired on Friday, 02-Oct-26 06:00:00 PDT. The current time is later than that.",
        460: "The session has been invalidated because the user changed their password or Facebook has changed the "
        "session for security reasons.",
        458: "The user has not authorized application 123456789012345.",
    }
    return GraphError(f"Error validating access token: {reasons[subcode]}", 190, subcode=subcode)


def no_permission() -> GraphError:
    """The token works, but the account's owner has not granted it."""
    return GraphError("(#200) Ad account owner has NOT grant ads_management or ads_read permission", 200, status=403)


def job_not_ready() -> GraphError:
    """A report was read before its job had completed."""
    return GraphError(
        "Error accessing adreport job.", 2601, subcode=1815107, transient=True,
        title="Loading Async Ads Report Failed",
        text="Sorry, the report cannot be loaded successfully. Please check if your job status is completed instead "
        "of failed or running before fetching the data.",
    )  # fmt: skip


def unknown() -> GraphError:
    """The sandbox itself went wrong; Meta would say as little."""
    return GraphError("An unknown error occurred", 1, status=500)
