"""One question of the Explore page as a value: what its address holds, in the command line's words and keys.

    group_by=campaign,week&metrics=spend,roas&filter=campaign~Sale&having=spend>100&order=-spend&top=10:campaign:spend

``pivot``, ``share``, ``chart`` and ``metric`` say how the answer is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dashboard import views
from dashboard.address import SHARED_WORDS, Page
from dashboard.views import Shared
from lib.errors import QueryError
from lib.insights.attribution import WINDOWS
from lib.insights.breakdowns import set_of
from lib.insights.metrics import METRICS
from lib.insights.query import DAYS, DIMENSIONS, Filter, InsightQuery, Order, Top
from lib.insights.words import parse_filter, parse_having, parse_order, parse_top, write_filter, write_top

MOST_DIMENSIONS, MOST_METRICS, MOST_CONDITIONS = 3, 24, 20
SHARES = {"none": "Values", "beside": "Values and share of total", "instead": "Share of total"}
CHARTS = {
    "auto": "Chart that fits",
    "line": "Line",
    "bar": "Bars",
    "stacked": "Stacked bars",
    "scatter": "Scatter",
    "heat": "Heat map",
    "none": "Table only",
}
NO_DIMENSION = "none"
_LONGEST = 2000


@dataclass(frozen=True)
class ExploreView(Shared):
    """``order`` is a dimension or metric, with ``-`` for the largest first, or empty for what is natural.

    ``pivot`` is the dimension whose values are columns, ``metric`` the one that is drawn; both empty for none chosen.
    ``attribution`` is a window that conversions are counted by, empty for each account's own setting.
    """

    group_by: tuple[str, ...] = ("campaign",)
    metrics: tuple[str, ...] = ("spend", "impressions", "link_clicks", "purchases", "cpa", "roas")
    filters: tuple[Filter, ...] = ()
    having: tuple[Filter, ...] = ()
    order: str = ""
    top: Top | None = None
    pivot: str = ""
    share: str = "none"
    chart: str = "auto"
    metric: str = ""
    attribution: str = ""
    limit: int = 50
    page: int = 1

    @property
    def drawn(self) -> str:
        """The metric that the chart shows."""
        return self.metric or self.metrics[0]

    @property
    def rows(self) -> tuple[str, ...]:
        """The dimensions that have a row each, where one of them is turned into columns."""
        return tuple(name for name in self.group_by if name != self.pivot)

    @property
    def breakdown(self) -> str | None:
        """The slug of the breakdown set that the question is about; QueryError where no set has all that it names."""
        found = set_of((*self.group_by, *(each.name for each in self.filters)))
        return found.slug if found else None

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the period narrows the answer."""
        return bool(self.is_filtered or self.filters or self.having)

    def cleared(self) -> ExploreView:
        """The same question without filters."""
        return replace(self, clients=(), accounts=(), currency=None, filters=(), having=(), page=1)


DEFAULT = ExploreView()


def read(params: views.Params) -> tuple[ExploreView, tuple[str, ...]]:
    """The view that an address asks for, and the names of the parameters that could not be understood."""
    view, odd = views.read_as(DEFAULT, _PARSERS, {name: params[name] for name in params if name not in _LISTS})
    filters, odd_filters = _conditions(params.get("filter", ()), parse_filter)
    having, odd_having = _conditions(params.get("having", ()), parse_having)
    view, lost = settled(replace(view, filters=filters, having=having))
    more = [*(["filter"] if odd_filters else []), *(["having"] if odd_having else []), *lost]
    return view, (*odd, *more)


def write(view: ExploreView) -> dict[str, str | list[str]]:
    """The parameters of ``view`` that differ from the defaults."""
    found = views.written(view, DEFAULT, [name for name in _PARSERS if name not in ("group_by", "metrics", "top")])
    if view.group_by != DEFAULT.group_by:
        found["group_by"] = ",".join(view.group_by) or NO_DIMENSION
    if view.metrics != DEFAULT.metrics:
        found["metrics"] = ",".join(view.metrics)
    if view.filters:
        found["filter"] = [write_filter(each) for each in view.filters]
    if view.having:
        found["having"] = [write_filter(each) for each in view.having]
    if view.top is not None:
        found["top"] = write_top(view.top)
    return found


def settled(view: ExploreView) -> tuple[ExploreView, tuple[str, ...]]:
    """``view`` without the parts that do not go with its dimensions and metrics, and the names of those.

    Dimensions that do not go with each other are left as they are: the page says so in the place of the answer.
    """
    if not fits(view):
        return view, ()
    kept = {
        "having": tuple(each for each in view.having if fits(view, having=(each,))),
        "filters": tuple(each for each in view.filters if fits(view, filters=(each,))),
        "order": view.order if _may_sort(view) else "",
        "top": view.top if view.top is not None and fits(view, top=view.top) else None,
        "pivot": view.pivot if view.pivot in view.group_by and len(view.group_by) > 1 else "",
        "metric": view.metric if view.metric in view.metrics else "",
        "attribution": view.attribution if fits(view, attribution=view.attribution or None) else "",
    }
    lost = tuple(views.key_of(name) for name, value in kept.items() if value != getattr(view, name))
    return replace(view, **kept), lost  # type: ignore[arg-type]


def fits(view: ExploreView, **part: tuple[Filter, ...] | Top | str | None) -> bool:
    """Whether a query of these dimensions can have this part; without one, whether the dimensions go together."""
    day = views.FIRST_DAY
    try:
        InsightQuery(since=day, until=day, group_by=view.group_by, metrics=view.metrics, **part)  # type: ignore[arg-type]
    except QueryError:
        return False
    return True


def order_of(view: ExploreView) -> tuple[Order, ...]:
    """The order of the rows: as asked, else days and weekdays in time, else the first metric, the largest first."""
    if view.order:
        return (parse_order(view.order),)
    if not view.rows or view.rows[0] in (*DAYS, "weekday"):
        return ()
    first = next((slug for slug in view.metrics if METRICS[slug].additive != "never"), None)
    return (Order(first, descending=True),) if first else ()


def _may_sort(view: ExploreView) -> bool:
    return not view.order or view.order.removeprefix("-") in (*view.rows, *view.metrics)


def _conditions(values: Sequence[str], parse: Callable[[str], Filter]) -> tuple[tuple[Filter, ...], bool]:
    """The conditions that can be read, each once, and whether any could not."""
    found: list[Filter] = []
    is_odd = len(values) > MOST_CONDITIONS
    for text in values[:MOST_CONDITIONS]:
        try:
            if len(text) > _LONGEST:
                raise QueryError("This condition is too long.")
            found.append(parse(text))
        except QueryError:
            is_odd = True
    return tuple(dict.fromkeys(found)), is_odd


def _listed(known: Sequence[str], most: int) -> Callable[[Sequence[str]], tuple[str, ...]]:
    def parse(values: Sequence[str]) -> tuple[str, ...]:
        names = views.one(values).split(",") if len(values[0]) < _LONGEST else []
        if not 1 <= len(names) <= most or len(set(names)) < len(names) or not set(names) <= set(known):
            raise ValueError(values)
        return tuple(names)

    return parse


def _dimensions(values: Sequence[str]) -> tuple[str, ...]:
    if views.one(values) == NO_DIMENSION:
        return ()
    return _listed(DIMENSIONS, MOST_DIMENSIONS)(values)


def _order(values: Sequence[str]) -> str:
    if views.one(values).removeprefix("-") not in (*DIMENSIONS, *METRICS):
        raise ValueError(values)
    return values[0]


def _top(values: Sequence[str]) -> Top:
    try:
        return parse_top(views.one(values))
    except QueryError as error:
        raise ValueError(values) from error


_LISTS = ("filter", "having")
_PARSERS: dict[str, views.Parser] = {
    **views.SHARED_PARSERS,
    "group_by": _dimensions,
    "metrics": _listed(tuple(METRICS), MOST_METRICS),
    "order": _order,
    "top": _top,
    "pivot": views.among(DIMENSIONS),
    "share": views.among(SHARES),
    "chart": views.among(CHARTS),
    "metric": views.among(METRICS),
    "attribution": views.among(WINDOWS),
    "limit": views.number_among(views.PAGE_SIZES),
    "page": views.page_number,
}
PAGE = Page(
    "explore",
    read,
    write,
    {
        **SHARED_WORDS,
        "group_by": "grouping",
        "metrics": "metrics",
        "filter": "filter",
        "having": "condition on sums",
        "order": "sort order",
        "top": "top",
        "pivot": "dimension as columns",
        "share": "share of total",
        "chart": "chart",
        "metric": "metric of the chart",
        "attribution": "attribution window",
    },
)
