"""What this program asks of the Marketing API: ``MetaService(access_token=…).get_insights(account_id, …)``."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lib.meta import fields
from lib.meta.parse import Unreadable
from lib.meta.transport import TIMEOUT_S, Json, Transport
from lib.settings import META_GRAPH_URL

PAGE_SIZE = 1000
ENTITIES_A_PAGE = 500
IDS_A_CALL = 50
Rows = list[dict[str, Any]]


class MetaService:
    """The Marketing API for one token. Every method waits for the answer and raises MetaError's kinds.

    Source: https://developers.facebook.com/docs/marketing-api (v26.0).
    """

    def __init__(
        self,
        access_token: str,
        graph_url: str = META_GRAPH_URL,
        *,
        pause: Callable[[float], None] = time.sleep,
        timeout_s: tuple[float, float] = TIMEOUT_S,
    ) -> None:
        self._transport = Transport(access_token, graph_url, pause=pause, timeout_s=timeout_s)

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._transport.calls

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def get_account(self, account_id: int) -> Json:
        """The account's name, currency, time zone and status."""
        return self._transport.get((f"act_{account_id}", ""), {"fields": ",".join(fields.ACCOUNT)})

    def get_accounts(self) -> Rows:
        """Every account that the token opens."""
        return [row for page in self._pages(("me", "adaccounts"), {"fields": ",".join(fields.ACCOUNT)}) for row in page]

    def get_entities(self, account_id: int, edge: str, page_size: int = ENTITIES_A_PAGE) -> Iterator[Rows]:
        """Pages of ``campaigns``, ``adsets``, ``ads`` (of every status) or ``adcreatives`` of the account."""
        wanted, statuses = ENTITIES[edge]
        params: Json = {"fields": ",".join(wanted), "limit": page_size}
        if statuses:
            params["effective_status"] = list(statuses)
        return self._pages((f"act_{account_id}", edge), params)

    def get_nodes(self, ids: Sequence[int], wanted: Sequence[str]) -> Rows:
        """The objects of these ids, 50 a call."""
        found: Rows = []
        for start in range(0, len(ids), IDS_A_CALL):
            some = ids[start : start + IDS_A_CALL]
            params = {"ids": ",".join(str(number) for number in some), "fields": ",".join(wanted)}
            found += [node for node in self._transport.get(("",), params).values() if isinstance(node, dict)]
        return found

    def get_insights(
        self, account_id: int, since: dt.date, until: dt.date, *, level: str = "ad", page_size: int = PAGE_SIZE
    ) -> Iterator[Rows]:
        """Pages of the rows of each day from ``since`` to ``until`` inclusive, ads of every status among them.

        ``level`` is ``ad`` or ``account``; the rows are Meta's own, every scalar a string.
        """
        wanted = fields.AD_INSIGHT if level == "ad" else fields.ACCOUNT_INSIGHT
        params: Json = {
            "level": level,
            "time_increment": 1,
            "time_range": {"since": since.isoformat(), "until": until.isoformat()},
            "fields": ",".join(wanted),
            "limit": page_size,
        }
        if level == "ad":
            statuses = list(fields.AD_STATUSES)
            params["filtering"] = [{"field": "ad.effective_status", "operator": "IN", "value": statuses}]
        return self._pages((f"act_{account_id}", "insights"), params)

    def _pages(self, path: tuple[str, ...], params: Json) -> Iterator[Rows]:
        asked = dict(params)
        seen: set[str] = set()
        while True:
            body = self._transport.get(path, asked)
            rows = body.get("data")
            if not isinstance(rows, list):
                raise Unreadable("Meta sent a page without its rows.")
            yield rows
            after = _next_cursor(body)
            if after is None:
                return
            if after in seen:
                raise Unreadable("Meta sent the same page twice.")
            seen.add(after)
            asked = {**params, "after": after}


ENTITIES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "campaigns": (fields.CAMPAIGN, fields.CAMPAIGN_STATUSES),
    "adsets": (fields.ADSET, fields.ADSET_STATUSES),
    "ads": (fields.AD, fields.AD_STATUSES),
    "adcreatives": (fields.CREATIVE, ()),
}


def _next_cursor(body: Json) -> str | None:
    """The cursor of the next page; there is one only while ``paging.next`` exists."""
    paging = body.get("paging") or {}
    cursors = (paging.get("cursors") or {}) if isinstance(paging, dict) else None
    if not isinstance(cursors, dict):
        raise Unreadable("Meta sent a page whose paging cannot be read.")
    following = paging.get("next")
    if not following:
        return None
    cursor = cursors.get("after")
    if not cursor:
        cursor = next(iter(parse_qs(urlsplit(str(following)).query).get("after", [])), None)
    if not cursor:
        raise Unreadable("Meta promised a next page without saying where it begins.")
    return str(cursor)
