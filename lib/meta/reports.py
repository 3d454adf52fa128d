"""Asynchronous reports: asked for by POST, polled until they are complete, then read page by page.

Source: https://developers.facebook.com/docs/marketing-api/insights/best-practices#asynchronous
"""

from __future__ import annotations

from collections.abc import Iterator

from lib.errors import MetaError
from lib.meta.asking import InsightsAsk
from lib.meta.errors import JobFailed, NoAccess, PagesRepeat, RateLimited, Transient
from lib.meta.paging import Json, Rows, pages
from lib.meta.parse import Unreadable
from lib.meta.rows import Decode, decoded
from lib.meta.transport import Transport

FIRST_POLL_S = 1.0
LONGEST_POLL_S = 15.0
POLLS_GROW_BY = 1.5
DEADLINE_S = 1800.0
"""How long a report may take; the limits' pauses do not count."""
APPEARS_WITHIN_S = 60.0
"""For this long after it was asked for, a report may not be there yet."""
STARTS = 2
ENDED_BADLY = ("Job Failed", "Job Skipped")
_ERROR_NAMES = {
    "error_code": "code",
    "error_subcode": "error_subcode",
    "error_message": "message",
    "error_user_title": "error_user_title",
    "error_user_msg": "error_user_msg",
    "is_transient": "is_transient",
    "fbtrace_id": "fbtrace_id",
}


class ReportLost(PagesRepeat):
    """Meta does not know a report any more that it had promised."""


class Report:
    """One report of ``ask``, started when its pages are first read, and once more where it comes to nothing."""

    def __init__(self, transport: Transport, ask: InsightsAsk, decode: Decode = decoded) -> None:
        self._transport = transport
        self._decode = decode
        self._account_id = ask.account_id
        self._params = ask.params()
        self._page_size = self._params.pop("limit")
        self._patience = transport.patience(ask.account_id)
        self._starts = 0
        self._run: str | None = None

    def pages(self) -> Iterator[Rows]:
        """The rows of each page, from the first one; the same report serves a second reading.

        Raises JobFailed where it did not come about twice, and ReportLost where it has to be read from the first page
        again; whatever else its error says is raised as that kind.
        """
        if self._run is None:
            self._run = self._completed()
        path = (self._run, "insights")
        try:
            yield from pages(lambda asked: self._get(path, asked, self._decode), {"limit": self._page_size})
        except NoAccess as error:
            if not _is_unknown(error):
                raise
            self._run = None
            if self._starts >= STARTS:
                raise _failed(error) from error
            raise ReportLost("Meta lost a report before it was read.") from error

    def _completed(self) -> str:
        """The id of a report whose rows may be read; a first failure is followed by a second report."""
        while True:
            self._patience.before()
            run = self._post()
            self._starts += 1
            failure = self._outcome(run)
            if failure is None:
                return run
            if isinstance(failure, RateLimited):
                self._starts -= 1
                self._patience.wait_out(failure)
            elif not isinstance(failure, Transient):
                raise failure
            elif self._starts >= STARTS:
                raise _failed(failure) from failure
            else:
                self._patience.back_off(failure)

    def _outcome(self, run: str) -> MetaError | None:
        """None where the report is complete, else what it failed of; polls that failed may be followed by another."""
        try:
            return self._wait_for(run)
        except Transient as error:
            return error

    def _get(self, path: tuple[str, ...], params: Json, decode: Decode = decoded) -> Json:
        return self._transport.get(path, params, self._account_id, decode)

    def _post(self) -> str:
        path = (f"act_{self._account_id}", "insights")
        body = self._transport.post(path, self._params, self._account_id)
        run = str(body.get("report_run_id"))
        if not run.isdecimal():
            raise Unreadable("Meta took a report on without saying which.")
        return run

    def _wait_for(self, run: str) -> MetaError | None:
        """None when the report is complete (one that runs at 100 percent is not), else what it says it failed of."""
        waited, pause, is_known = 0.0, FIRST_POLL_S, False
        while waited < DEADLINE_S:
            self._transport.clock.sleep(pause)
            waited, pause = waited + pause, min(LONGEST_POLL_S, pause * POLLS_GROW_BY)
            try:
                body = self._get((run, ""), {})
            except NoAccess as error:
                if not _is_unknown(error):
                    raise
                if is_known or waited >= APPEARS_WITHIN_S:
                    raise ReportLost("Meta does not know the report any more.") from error
                continue
            is_known = True
            if body.get("async_status") == "Job Completed":
                return None
            if body.get("async_status") in ENDED_BADLY:
                return self._refusal(body)
        raise Transient(f"Meta did not finish a report within {DEADLINE_S / 60:.0f} min.")

    def _refusal(self, body: Json) -> MetaError:
        """What a failed run says of itself; where it says nothing, it may come about the next time."""
        if not body.get("error_code"):
            return Transient(f"Meta ended a report as {str(body['async_status'])!r} without a reason.")
        said = {own: body[name] for name, own in _ERROR_NAMES.items() if body.get(name) is not None}
        return self._transport.refusal(400, {"error": said}, {})


def _is_unknown(error: NoAccess) -> bool:
    """Whether Meta says that there is no such report."""
    return (error.code, error.subcode) == (100, 33)


def _failed(error: MetaError) -> JobFailed:
    return JobFailed(
        f"Meta did not finish a report, twice. The last time: {error.message}",
        code=error.code,
        subcode=error.subcode,
        trace_id=error.trace_id,
    )
