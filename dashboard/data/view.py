"""What the page of the data shows, as one value that the address holds."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dashboard import views
from dashboard.address import SHARED_WORDS, Page
from dashboard.views import Shared

SIZES = views.PAGE_SIZES[:-1]


@dataclass(frozen=True)
class DataView(Shared):
    """``run`` is the refresh that is open, empty for none; ``page`` and ``limit`` are of the list of refreshes."""

    run: str = ""
    limit: int = 10
    page: int = 1

    @property
    def from_start(self) -> Mapping[str, object]:
        """Whatever changes, the newest refreshes are shown, and none of them is open."""
        return {"page": 1, "run": ""}

    def cleared(self) -> DataView:
        """The same days without filters."""
        return replace(self, clients=(), accounts=(), currency=None, page=1, run="")

    def toggled(self, run: str) -> DataView:
        """The same rows with this refresh open; closed where it is open already."""
        return replace(self, run="" if run == self.run else run)


def _run(values: Sequence[str]) -> str:
    return str(uuid.UUID(views.one(values)))


DEFAULT = DataView()
_PARSERS: dict[str, views.Parser] = {
    **views.SHARED_PARSERS,
    "run": _run,
    "limit": views.number_among(SIZES),
    "page": views.page_number,
}


def read(params: views.Params) -> tuple[DataView, tuple[str, ...]]:
    """The view that an address asks for, and the names of the parameters that could not be understood."""
    return views.read_as(DEFAULT, _PARSERS, params)


def write(view: DataView) -> dict[str, str | list[str]]:
    """The parameters of ``view`` that differ from the defaults."""
    return views.written(view, DEFAULT, _PARSERS)


PAGE = Page("data", read, write, {**SHARED_WORDS, "run": "refresh"})
