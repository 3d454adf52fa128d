"""What the page of the audit log shows, as one value that the address holds."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dashboard import views
from dashboard.address import SHARED_WORDS, Page
from dashboard.views import Shared
from lib.access.audit import FORMER_ACTIONS, Action
from lib.access.audit_reading import AuditQuestion
from lib.insights import periods

ANY = ""
ACTIONS = {
    ANY: "Anything",
    **{action.value: action.value.capitalize() for action in Action},
    **{action: f"{action.capitalize()} (formerly)" for action in FORMER_ACTIONS},
}
PERIODS = {
    name: f"{label} and today" if name.removeprefix("last_").isdigit() else label
    for name, label in views.PERIODS.items()
}
"""Elsewhere these words mean complete days only; what was done today is part of the log."""
SIZES = views.PAGE_SIZES[:-1]
_OVER = {"yesterday", "last_week", "last_month", "last_quarter", "last_year"}
"""Periods that end before today; the others go on until now."""


@dataclass(frozen=True)
class AuditView(Shared):
    """``person`` is a part of an address, ``action`` a word of ``ACTIONS``, ``entry`` the one that is open, 0 for none;
    the shared parts but the days and the clients only go along to other pages."""

    person: str = ""
    action: str = ANY
    limit: int = 50
    page: int = 1
    entry: int = 0

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the days narrows the list."""
        return bool(self.clients or self.person or self.action)

    @property
    def from_start(self) -> Mapping[str, object]:
        """Whatever changes, other rows are shown: from their start, and none of them is open."""
        return {"page": 1, "entry": 0}

    def cleared(self) -> AuditView:
        """The same days without filters."""
        return replace(self, clients=(), accounts=(), currency=None, person="", action=ANY, page=1, entry=0)

    def toggled(self, entry: int) -> AuditView:
        """The same rows with this entry open; closed where it is open already."""
        return replace(self, entry=0 if entry == self.entry else entry)

    def question(self, today: dt.date) -> AuditQuestion:
        """What to ask the log; days are UTC's, and ``today`` belongs to every period that goes up to now."""
        since, until = self._span(today)
        return AuditQuestion(since, until, self.person, self.action, self.clients)

    def _span(self, today: dt.date) -> tuple[dt.date, dt.date]:
        if self.since is not None and self.until is not None:
            return self.since, self.until
        since, until = periods.preset(self.period, today)
        return since, until if self.period in _OVER else today


def _person(values: Sequence[str]) -> str:
    word = views.one(values)
    if len(word) > 200 or "\x00" in word:
        raise ValueError(values)
    return word


def _entry(values: Sequence[str]) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,17}", views.one(values)):
        raise ValueError(values)
    return int(values[0])


DEFAULT = AuditView()
_PARSERS: dict[str, views.Parser] = {
    **views.SHARED_PARSERS,
    "person": _person,
    "action": views.among(ACTIONS),
    "limit": views.number_among(SIZES),
    "page": views.page_number,
    "entry": _entry,
}


def read(params: views.Params) -> tuple[AuditView, tuple[str, ...]]:
    """The view that an address asks for, and the names of the parameters that could not be understood."""
    return views.read_as(DEFAULT, _PARSERS, params)


def write(view: AuditView) -> dict[str, str | list[str]]:
    """The parameters of ``view`` that differ from the defaults."""
    return views.written(view, DEFAULT, _PARSERS)


PAGE = Page("audit", read, write, {**SHARED_WORDS, "person": "person", "action": "action", "entry": "entry"})
