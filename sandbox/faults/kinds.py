"""The kinds of faults with the words that each understands besides those that all rules know."""

from __future__ import annotations

from typing import Any

PLACES = ("post", "job", "page", "get", "any", "batch")
EDGES = ("insights", "campaigns", "adsets", "ads", "adcreatives", "node")
TIERS = ("limited", "full")

_ERROR: dict[str, Any] = {
    "preset": "", "status": 0, "code": 0, "subcode": 0, "message": "", "is_transient": False, "error_user_title": "",
    "error_user_msg": "", "wait_s": 0.0, "headers": "",
}  # fmt: skip
_FAILED: dict[str, Any] = {"polls": 1, "error_code": 2, "error_subcode": 1504044, "error_message": "The report failed",
                           "error_user_title": "Report failed", "error_user_msg": "The report could not be made.",
                           "preset": ""}  # fmt: skip
JOBS = ("job_stuck_100", "job_never", "job_failed", "job_failed_plain", "job_skipped")
STANDING = ("withdrawn", "restated", "deleted_ads", "throttle", "headers")
KINDS: dict[str, dict[str, Any]] = {
    "error": _ERROR,
    "html_502": {},
    "html_500": {},
    "no_error_object": {},
    "word_error": {},
    "empty": {},
    "cut": {},
    "hang": {"seconds": 3600.0},
    "drip": {"seconds": 1.0},
    "null": {},
    "repeat_page": {},
    "repeat_rows": {"rows": 0},
    "job_stuck_100": {"polls": 3},
    "job_never": {"percent": 38},
    "job_failed": _FAILED,
    "job_failed_plain": {"polls": 1},
    "job_skipped": {"polls": 1},
    "job_lost": {},
    "job_results_late": {"preset": "transient_2601_1815107"},
    "too_much_rows": {"rows": 1000, "preset": "too_much_100_1487534"},
    "too_much_fields": {"fields": ["actions"], "preset": "too_much_100_1487534"},
    "poison_campaign": {"ids": []},
    "poison_ad": {"ids": []},
    "broken_creative": {"ids": [], "number": 1, "preset": "broken_creative"},
    "withdrawn": {"share": 0.0, "ids": [], "since": "", "until": ""},
    "restated": {"factor": 1.25, "days": 28},
    "deleted_ads": {"share": 0.0, "ids": [], "status": "DELETED"},
    "throttle": {"tier": "limited", "time_scale": 1.0, "points": 0, "code": 17, "app": False, "headers": ""},
    "headers": {"headers": "missing"},
    "dead_token": {"preset": "dead_190_463"},
    "forbidden_account": {"preset": "forbidden_200"},
    "storm": {"seed": 1, "block_s": 1.0, "hang_s": 0.25},
}
"""The words of each kind and their defaults, which fix the types too."""
