"""Which of the media types that an address offers a request wants, by its Accept headers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastapi import HTTPException, Request

JSON = "application/json"
CSV = "text/csv"
ARROW = "application/vnd.apache.arrow.stream"

_RANGE = re.compile(r"([\w!#$&^.+-]+|\*)/([\w!#$&^.+-]+|\*)", re.ASCII)
_QUALITY = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII | re.IGNORECASE)


def wanted(request: Request, offered: Sequence[str]) -> str:
    """The one of ``offered`` that the request wants most, the first of several; 406 where it wants none of them.

    Without an Accept header that can be read, the first one.
    """
    ranges = _ranges(",".join(request.headers.getlist("accept")))
    best = max(offered, key=lambda media: _quality(media, ranges))
    if ranges and not _quality(best, ranges):
        raise HTTPException(406, f"There is no such answer here. Accept can be {', '.join(offered)}.")
    return best


def json_only(request: Request) -> None:
    """406 where the request takes no JSON."""
    wanted(request, [JSON])


def _ranges(header: str) -> dict[str, float]:
    """Media ranges with their weights; what cannot be read is left out."""
    found: dict[str, float] = {}
    for part in header.split(","):
        media, *words = (word.strip() for word in part.split(";"))
        weights = [word for word in words if word[:2].lower() == "q="]
        weight = _QUALITY.fullmatch(weights[0]) if weights else None
        if _RANGE.fullmatch(media) and (weight or not weights):
            found[media.lower()] = float(weight[1]) if weight else 1.0
    return found


def _quality(media: str, ranges: dict[str, float]) -> float:
    """The weight of the nearest range that holds this media type; 0 where none does."""
    for near in (media, f"{media.partition('/')[0]}/*", "*/*"):
        if near in ranges:
            return ranges[near]
    return 0.0
