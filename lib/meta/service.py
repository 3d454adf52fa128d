"""What this program asks of the Marketing API: ``MetaService(access_token=…).get_insights(account_id, …)``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lib.meta import fields
from lib.meta.asking import InsightsAsk
from lib.meta.clock import Clock, SystemClock
from lib.meta.errors import PagesRepeat
from lib.meta.pacing import Pacer
from lib.meta.paging import READINGS, Json, NoPage, Rows, pages
from lib.meta.patience import MOST_WAIT_S, TRIES
from lib.meta.reports import Report
from lib.meta.rows import Decode, decoded
from lib.meta.tokens import TokenFacts, facts_of
from lib.meta.transport import ANSWER_S, TIMEOUT_S, Transport
from lib.settings import META_GRAPH_URL

ENTITIES_A_PAGE = 500
IDS_A_CALL = 50


class MetaService:
    """The Marketing API for one token. Every method waits for the answer and raises MetaError's kinds.

    Services that share limits share a ``pacer`` and name their ``app``. ``most_wait_s`` bounds how long a call waits
    for limits to lift: with 0 it does not wait.

    Source: https://developers.facebook.com/docs/marketing-api (v26.0).
    """

    def __init__(
        self,
        access_token: str,
        graph_url: str = META_GRAPH_URL,
        *,
        clock: Clock | None = None,
        pacer: Pacer | None = None,
        app: str = "",
        timeout_s: tuple[float, float] = TIMEOUT_S,
        answer_s: float = ANSWER_S,
        tries: int = TRIES,
        most_wait_s: float = MOST_WAIT_S,
    ) -> None:
        clock = clock or SystemClock()
        self._token = access_token
        self._transport = Transport(
            access_token,
            graph_url,
            clock=clock,
            pacer=pacer or Pacer(clock),
            app=app,
            timeout_s=timeout_s,
            answer_s=answer_s,
            tries=tries,
            most_wait_s=most_wait_s,
        )

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._transport.calls

    @property
    def clock_ahead_s(self) -> float | None:
        """How many seconds the API's clock was ahead of ours at the last answer; None where no answer said."""
        return self._transport.clock_ahead_s

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def get_token_facts(self) -> TokenFacts:
        """What Meta says of this token: whether it is valid, what it may do, and until when."""
        return facts_of(self._transport.get(("debug_token",), {"input_token": self._token}))

    def quota_left(self, account_id: int | None = None) -> float | None:
        """Percent of the account's tightest limit that is left; None where no header said anything of late."""
        return self._transport.pacer.quota_left(self._transport.app, account_id)

    def get_account(self, account_id: int) -> Json:
        """The account's name, currency, time zone and status."""
        asked = {"fields": ",".join(fields.ACCOUNT)}
        return self._transport.get((f"act_{account_id}", ""), asked, account_id)

    def get_accounts(self) -> Rows:
        """Every account that the token opens."""
        asked = {"fields": ",".join(fields.ACCOUNT)}
        return [row for page in self._objects(("me", "adaccounts"), asked, None) for row in page]

    def get_entities(self, account_id: int, edge: str, page_size: int = ENTITIES_A_PAGE) -> Iterator[Rows]:
        """Pages of ``campaigns``, ``adsets``, ``ads`` (of every status) or ``adcreatives`` of the account.

        Where pages repeat they are read again from the first one, so an object may come twice.
        """
        wanted, statuses = ENTITIES[edge]
        return self._objects((f"act_{account_id}", edge), _asked(wanted, statuses, page_size), account_id)

    def get_campaign_ids(self, account_id: int, page_size: int = ENTITIES_A_PAGE) -> Iterator[list[int]]:
        """The campaigns of the account, of every status, page by page."""
        asked = _asked(("id",), fields.CAMPAIGN_STATUSES, page_size)
        return map(_ids, self._objects((f"act_{account_id}", "campaigns"), asked, account_id))

    def get_ad_ids(self, account_id: int, campaign_id: int, page_size: int = ENTITIES_A_PAGE) -> Iterator[list[int]]:
        """The ads of one campaign, of every status, page by page."""
        asked = _asked(("id",), fields.AD_STATUSES, page_size)
        return map(_ids, self._objects((f"{campaign_id}", "ads"), asked, account_id))

    def get_nodes(self, ids: Sequence[int], wanted: Sequence[str], account_id: int | None = None) -> Rows:
        """The objects of these ids, 50 a call."""
        found: Rows = []
        for start in range(0, len(ids), IDS_A_CALL):
            some = ids[start : start + IDS_A_CALL]
            asked = {"ids": ",".join(str(number) for number in some), "fields": ",".join(wanted)}
            nodes = self._transport.get(("",), asked, account_id).values()
            found += [node for node in nodes if isinstance(node, dict)]
        return found

    def get_insights(self, ask: InsightsAsk) -> Iterator[Rows]:
        """Pages of the rows that ``ask`` stands for, Meta's own, every scalar a string; by plain GETs.

        PagesRepeat says that the reading has to begin again: ``lib.meta.paging.gathered`` does.
        """
        return self.reader(ask)()

    def get_report(self, ask: InsightsAsk) -> Iterator[Rows]:
        """The same rows by an asynchronous report, for what is too much for one answer."""
        return self.reader(ask, by_report=True)()

    def reader(
        self, ask: InsightsAsk, *, by_report: bool = False, decode: Decode = decoded
    ) -> Callable[[], Iterator[Rows]]:
        """What opens the pages of ``ask``, from the first one each time; one report serves them all.

        With ``page_of`` to decode them, rows are InsightRows where they can be.
        """
        if by_report or ask.is_long:
            return Report(self._transport, ask, decode).pages
        path = (f"act_{ask.account_id}", "insights")
        return lambda: pages(lambda asked: self._transport.get(path, asked, ask.account_id, decode), ask.params())

    def _objects(self, path: tuple[str, ...], params: Json, account_id: int | None) -> Iterator[Rows]:
        for reading in range(1, READINGS + 1):
            try:
                yield from pages(lambda asked: self._transport.get(path, asked, account_id), params)
            except (PagesRepeat, NoPage):
                if reading == READINGS:
                    raise
            else:
                return


def _ids(page: Rows) -> list[int]:
    found = (str(row.get("id")) for row in page if isinstance(row, dict))
    return [int(number) for number in found if number.isdecimal()]


def _asked(wanted: Sequence[str], statuses: Sequence[str], page_size: int) -> Json:
    asked: Json = {"fields": ",".join(wanted), "limit": page_size}
    return asked | ({"effective_status": list(statuses)} if statuses else {})


ENTITIES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "campaigns": (fields.CAMPAIGN, fields.CAMPAIGN_STATUSES),
    "adsets": (fields.ADSET, fields.ADSET_STATUSES),
    "ads": (fields.AD, fields.AD_STATUSES),
    "adcreatives": (fields.CREATIVE, ()),
}
