"""The refusals of Meta's error table by name, as a rule may ask for them."""

from __future__ import annotations

from typing import NamedTuple


class Preset(NamedTuple):
    """One refusal. `group` says what an honest client does about it:

    too_much (split), rate (pause), transient (again), dead (stop the token), denied (stop the account), wrong
    (never again), broken (skip that object).
    """

    group: str
    status: int
    code: int
    subcode: int | None
    message: str
    is_transient: bool | None = None


_REDUCE = "Please reduce the amount of data you're asking for, then retry your request"
_TOO_MANY = "There have been too many calls from this ad-account. Wait a bit and try again."
_EXPIRED = "Error validating access token: Session has expired on Friday, 02-Oct-26 06:00:00 PDT."
_PASSWORD = "Error validating access token: The session has been invalidated because the user changed their password."  # noqa: S105 (a message)
_REMOVED = "Error validating access token: The user has not authorized application 123456789012345."
_NO_ROLE = "(#10) Application does not have permission for this action"
_NO_GRANT = "(#200) Ad account owner has NOT grant ads_management or ads_read permission"
_NO_OBJECT = (
    "Unsupported get request. Object with ID does not exist, cannot be loaded due to missing permissions, or does not "
    "support this operation"
)

PRESETS: dict[str, Preset] = {
    "too_much_100_1487534": Preset("too_much", 400, 100, 1487534, "Invalid parameter"),
    "too_much_100_1504018": Preset("too_much", 400, 100, 1504018, "Your request timed out"),
    "too_much_2_1504038": Preset("too_much", 400, 2, 1504038, "Your request timed out: ask for less"),
    "too_much_minus3_1504045": Preset("too_much", 400, -3, 1504045, "Too many rows for one report"),
    "too_much_1_reduce": Preset("too_much", 500, 1, None, _REDUCE),
    "rate_4_1504022": Preset("rate", 403, 4, 1504022, "(#4) Application request limit reached", True),
    "rate_4_1504039": Preset("rate", 403, 4, 1504039, "(#4) Application request limit reached", True),
    "rate_17": Preset("rate", 400, 17, 2446079, "User request limit reached"),
    "rate_32": Preset("rate", 403, 32, None, "(#32) Page request limit reached"),
    "rate_613_1487742": Preset("rate", 400, 613, 1487742, "(#613) Calls to this api have exceeded the rate limit."),
    "rate_80000_2446079": Preset("rate", 400, 80000, 2446079, f"(#80000) {_TOO_MANY}"),
    "rate_80003": Preset("rate", 400, 80003, None, f"(#80003) {_TOO_MANY}"),
    "rate_80004": Preset("rate", 400, 80004, 2446079, f"(#80004) {_TOO_MANY}"),
    "transient_1_99": Preset("transient", 500, 1, 99, "An unknown error occurred"),
    "transient_2": Preset("transient", 500, 2, None, "An unexpected error has occurred. Please retry later.", True),
    "transient_minus2_2490547": Preset("transient", 400, -2, 2490547, "Service temporarily unavailable"),
    "transient_2_1504043": Preset("transient", 400, 2, 1504043, "Service temporarily unavailable"),
    "transient_2_1504044": Preset("transient", 500, 2, 1504044, "Service temporarily unavailable"),
    "transient_2601_1815107": Preset("transient", 400, 2601, 1815107, "Error accessing adreport job."),
    "transient_2637": Preset("transient", 400, 2637, None, "The report's results are not there yet."),
    "dead_190_463": Preset("dead", 400, 190, 463, _EXPIRED),
    "dead_190_460": Preset("dead", 400, 190, 460, _PASSWORD),
    "dead_190_458": Preset("dead", 400, 190, 458, _REMOVED),
    "forbidden_10": Preset("denied", 403, 10, None, _NO_ROLE),
    "forbidden_200": Preset("denied", 403, 200, None, _NO_GRANT),
    "forbidden_272": Preset("denied", 400, 272, None, "(#272) This action requires permission on the ad account"),
    "forbidden_100_33": Preset("denied", 400, 100, 33, _NO_OBJECT),
    "forbidden_missing": Preset("denied", 400, 100, None, "(#100) Missing permissions"),
    "wrong_2_1504041": Preset("wrong", 400, 2, 1504041, "The requested report is not valid"),
    "wrong_2_1504042": Preset("wrong", 400, 2, 1504042, "The requested combination is not valid"),
    "wrong_100_3191001": Preset("wrong", 400, 100, 3191001, "The time range is not valid"),
    "wrong_100": Preset("wrong", 400, 100, None, "(#100) Invalid parameter"),
    "broken_creative": Preset("broken", 400, 100, 2446289, "The creative could not be loaded"),
    "broken_100_2446211": Preset("broken", 400, 100, 2446211, "The object's story could not be loaded"),
}
