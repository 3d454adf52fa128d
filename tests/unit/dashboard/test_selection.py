"""A view met with what the viewer may see; the trend's days; the shape of frames."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pandas as pd
import pyarrow as pa

from dashboard import charts, tables
from dashboard.frame import to_frame
from dashboard.selection import select
from dashboard.views import View
from lib.insights.metrics import METRICS
from lib.insights.run import Column, InsightAnswer
from lib.insights.scope import AccountScope, ClientScope

TODAY = dt.date(2026, 11, 21)


def account(
    number: int, currency: str | None = "EUR", today: dt.date = TODAY, *, has_days: bool = True
) -> AccountScope:
    return AccountScope(number, f"Account {number}", currency, "UTC", today, has_days)


ACME = ClientScope(1, "acme", "Acme", True, (account(11), account(12, "JPY", TODAY + dt.timedelta(days=1))))
BOLT = ClientScope(2, "bolt", "Bolt", False, (account(21), account(22, None)))


def test_one_currency_at_a_time_the_commonest_first() -> None:
    found = select(View(), [ACME, BOLT])
    assert (found.currency, found.currencies) == ("EUR", (("EUR", 2), ("JPY", 1)))
    assert found.account_ids == {11, 21}
    assert found.chosen_ids == {11, 12, 21, 22}
    assert found.query(["spend"]).currency == "EUR"


def test_a_client_that_was_just_added_takes_nobodys_currency() -> None:
    new = ClientScope(3, "new", "New", False, tuple(account(number, "AUD", has_days=False) for number in (31, 32, 33)))
    found = select(View(), [BOLT, new])
    assert (found.currency, found.currencies) == ("EUR", (("EUR", 1), ("AUD", 3)))
    assert select(View(currency="AUD"), [BOLT, new]).currency == "AUD"
    assert select(View(), [new]).currency == "AUD"


def test_complete_days_up_to_the_earliest_yesterday() -> None:
    late = ClientScope(3, "late", "Late", False, (account(31, today=TODAY - dt.timedelta(days=1)),))
    found = select(View(period="last_7"), [BOLT, late])
    assert (found.since, found.until) == (dt.date(2026, 11, 13), dt.date(2026, 11, 19))
    assert found.compared == (dt.date(2026, 11, 6), dt.date(2026, 11, 12))


def test_what_is_not_visible_is_left_out_or_hides_the_page() -> None:
    some = select(View(clients=("acme", "nobody")), [ACME])
    assert (some.unknown, some.is_hidden, some.has_sample) == (("client",), False, True)
    none = select(View(clients=("nobody",)), [ACME])
    assert (none.is_hidden, none.account_ids) == (True, frozenset())
    other = select(View(accounts=(21,)), [ACME])
    assert (other.unknown, other.is_hidden) == (("account",), True)
    money = select(View(currency="USD"), [ACME])
    assert (money.unknown, money.is_hidden, money.currency) == (("currency",), False, "EUR")


def answer(rows: list[tuple[object, ...]]) -> InsightAnswer:
    columns = (
        Column("date", "Date", "date"),
        Column("currency", "Currency", "text"),
        Column("spend", "Spend", "money"),
        Column("roas", "ROAS", "multiple"),
    )
    cells = [list(cells) for cells in zip(*((day, "EUR", *rest) for day, *rest in rows), strict=True)] or [[]] * 4
    arrays = [pa.array(values, column.type) for values, column in zip(cells, columns, strict=True)]
    return InsightAnswer(columns, pa.table(arrays, names=[column.key for column in columns]))


def test_a_frame_draws_floats_and_keeps_the_exact_first_row() -> None:
    frame = to_frame(answer([(TODAY, Decimal("0.10"), None), (TODAY, Decimal("0.20"), Decimal(2))]))
    assert frame.first["spend"] == Decimal("0.10")
    assert [str(kind) for kind in frame.data.dtypes[2:]] == ["float64", "float64"]
    assert frame.data["roas"].isna().tolist() == [True, False]
    assert to_frame(answer([])).is_empty


def test_a_day_without_rows_is_zero_only_where_no_day_is_missing() -> None:
    chosen = replace(select(View(period="last_7"), [BOLT]), compared=None)
    day = dt.date(2026, 11, 16)
    frame = to_frame(answer([(day, Decimal(5), None)]))
    whole = charts.by_day(METRICS["spend"], chosen, frame, None, whole=True)
    assert whole["value"].tolist() == [0, 0, 5, 0, 0, 0, 0]
    holes = charts.by_day(METRICS["spend"], chosen, frame, None, whole=False)
    assert holes["value"].notna().sum() == 1
    ratio = charts.by_day(METRICS["roas"], chosen, frame, None, whole=True)
    assert ratio["value"].notna().sum() == 0


def test_only_conversions_mature() -> None:
    chosen = select(View(period="last_90"), [BOLT])
    assert charts.maturing_from(METRICS["spend"], chosen) is None
    assert charts.maturing_from(METRICS["roas"], chosen) == TODAY - dt.timedelta(days=28)
    old = replace(chosen, since=dt.date(2026, 1, 1), until=dt.date(2026, 1, 31))
    assert charts.maturing_from(METRICS["purchases"], old) is None


def test_the_figure_has_both_lines_and_axes_in_the_format_of_the_metric() -> None:
    chosen = select(View(period="last_7"), [BOLT])
    frame = to_frame(answer([(dt.date(2026, 11, 16), Decimal(5), None)]))
    lines = charts.by_day(METRICS["spend"], chosen, frame, frame, whole=True)
    figure = charts.figure(METRICS["spend"], chosen, lines, "#000000")
    assert [trace.name for trace in figure.data] == ["Comparison period", "Spend"]
    assert figure.data[0].line.dash == "dash"
    assert figure.layout.yaxis.tickprefix == "€"
    assert figure.layout.xaxis.range == ("2026-11-13T12:00:00", "2026-11-20T12:00:00")
    assert not figure.layout.shapes


def test_maturing_days_are_shaded_behind_the_lines() -> None:
    chosen = select(View(period="last_90", metric="roas"), [BOLT])
    frame = to_frame(answer([(dt.date(2026, 11, 16), Decimal(5), Decimal(2))]))
    lines = charts.by_day(METRICS["roas"], chosen, frame, frame, whole=True)
    (shade,) = charts.figure(METRICS["roas"], chosen, lines, "#000000").layout.shapes
    assert (shade.x0, shade.x1, shade.layer) == ("2026-10-23T12:00:00", "2026-11-20T12:00:00", "below")
    assert (shade.yref, shade.y0, shade.y1) == ("y domain", 0, 1)


def test_a_click_on_a_head_sorts_by_it_and_a_second_one_turns_the_order_round() -> None:
    view = tables.clicked(View(page=3), "roas")
    assert (view.sort, view.page) == ("-roas", 1)
    assert tables.clicked(view, "roas").sort == "roas"
    assert tables.clicked(View(sort="cpa"), "name").sort == "name"


def test_the_campaigns_stand_under_their_totals() -> None:
    kinds = {"client_id": "id", "client_name": "text", "account_name": "text", "campaign_id": "id"}
    kinds |= {"campaign_name": "text", "currency": "text", **{slug: METRICS[slug].format for slug in tables.COLUMNS}}
    columns = tuple(Column(key, key, kind) for key, kind in kinds.items())  # type: ignore[arg-type]
    words = ["1", "Acme", "Acme EU", "7", "Sale", "EUR"]
    numbers = [Decimal("0.0125") if each.kind == "percent" else 3 for each in columns[6:]]
    gaps = [*words[:3], "8", "Gone", "EUR", *(None for _ in columns[6:])]
    cells = zip([*words, *numbers], gaps, strict=True)
    arrays = [pa.array(list(pair), each.type) for pair, each in zip(cells, columns, strict=True)]
    rows = to_frame(InsightAnswer(columns, pa.table(arrays, names=list(kinds))))
    table = tables.table(rows, rows, 0, 2, {"7": "PAUSED"})
    assert table["campaign"].tolist() == ["Total of 2 campaigns", "Sale", "Gone"]
    assert table["status"].tolist() == ["", "Paused", "-"]
    assert table["link_ctr"].tolist()[:2] == [1.25, 1.25]
    assert table["spend"].isna().tolist() == [False, False, True]
    assert tables.table(rows, rows, 1, 2, {})["campaign"].tolist() == ["Total of 2 campaigns", "Gone"]


def test_pages_never_run_past_the_end() -> None:
    view = View(limit=25, page=9)
    assert tables.window(view, 60) == (50, 60)
    assert tables.window(view, 0) == (0, 0)
    assert tables.order_of(View(sort="-name")) == "-campaign"
    assert tables.status_words("PAUSED") == "Paused"
    assert tables.status_words("PENDING_REVIEW") == "Pending review"
    assert isinstance(tables.styled(pd.DataFrame({"campaign": ["Total"]})).data, pd.DataFrame)
