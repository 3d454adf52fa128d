"""What Meta would not serve is asked for in smaller pieces, over the wire; every row arrives once, or is named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lib.errors import MetaError
from lib.meta import errors, fields
from lib.meta.asking import MOST_IDS
from lib.meta.paging import READINGS
from lib.meta.parse import AdDay, Unreadable
from lib.meta.service import MetaService
from lib.refresh.fetch import SMALLEST_PAGE, YARDSTICK, Fetched, Fetcher, FetchKind
from lib.refresh.objects import InTheWay
from lib.refresh.plan import Span
from lib.refresh.splitting import MOST_FAILED_REPORTS
from tests.account_on_the_wire import ACCOUNT, COMPLETED, AccountOnTheWire, Question
from tests.clocks import FakeClock
from tests.fixtures_wire import Answer, Asked, Wire, ok, refusal

FIRST = dt.date(2026, 5, 1)
DAY = Span(FIRST, FIRST)
WEEK = Span(FIRST, FIRST + dt.timedelta(days=6))
TOO_MUCH = refusal(400, 100, 1487534)
POISON = refusal(500, 1, 99, "An unknown error occurred")
Key = tuple[dt.date, Any]


def row(date: dt.date, ad: int, **more: Any) -> dict[str, Any]:
    ids = {"account_id": str(ACCOUNT), "campaign_id": "1", "adset_id": "2", "ad_id": str(ad)}
    return {**ids, "date_start": date.isoformat(), "date_stop": date.isoformat(), "spend": f"{ad}.50", **more}


@pytest.fixture
def account(wire: Wire) -> AccountOnTheWire:
    made = AccountOnTheWire()
    wire.reply = made
    return made


@pytest.fixture
def service(wire: Wire) -> Iterator[MetaService]:
    service = MetaService("t", wire.url, clock=FakeClock())
    yield service
    service.close()


@pytest.fixture
def fetcher(service: MetaService) -> Fetcher:
    return Fetcher(service, ACCOUNT)


def keys(parts: list[Fetched]) -> list[Key]:
    """The day and the ad of every row, as often as it came."""
    return sorted((date, ad) for part in parts for date, ads in part.days.items() for ad in ads)


def expected(account: AccountOnTheWire, span: Span, without: Callable[[int], bool] = lambda ad: False) -> list[Key]:
    ads = [100 * c + n for c in range(1, account.campaigns + 1) for n in range(1, account.ads + 1)]
    return [(date, ad) for date in span.dates() for ad in ads if not without(ad)]


def dropped(parts: list[Fetched]) -> dict[dt.date, frozenset[str]]:
    return {date: names for part in parts for date, names in part.dropped.items() if names}


def over(days: int) -> Callable[[Question], Answer | None]:
    """An account that is too much for calls of more days."""
    return lambda asked: TOO_MUCH if asked.days > days else None


def of(*objects: str) -> Callable[[Question], Answer | None]:
    """An account of which every call fails whose result would hold one of these, such as "ad 101"."""

    def refuse(asked: Question) -> Answer | None:
        for name in objects:
            level, _, number = name.partition(" ")
            campaign = number if level == "campaign" else number[0]
            ad = f"{number}01" if level == "campaign" else number
            if asked.level == "account" or asked.wants({"campaign_id": campaign, "ad_id": ad}):
                return POISON
        return None

    return refuse


def test_a_span_is_one_call_where_meta_serves_it(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    (part,) = fetcher.fetch(WEEK)
    assert keys([part]) == expected(account, WEEK)
    assert (part.span, part.calls, part.rows, part.dropped) == (WEEK, 1, 84, {})
    assert part.started_at.tzinfo


@pytest.mark.parametrize("code", [(100, 1487534), (100, 1504018), (2, 1504038), (-3, 1504045), (1, None)])
def test_a_span_that_is_too_much_is_split_by_date(
    account: AccountOnTheWire, fetcher: Fetcher, code: tuple[int, int | None]
) -> None:
    refused = refusal(500, *code, message="Please reduce the amount of data you're asking for")
    account.refuse = lambda asked: refused if asked.days > 2 else None
    parts = fetcher.fetch(WEEK)
    assert keys(parts) == expected(account, WEEK)
    assert sorted(date for part in parts for date in part.span.dates()) == list(WEEK.dates())
    assert len(account.questions) == len(set(map(repr, account.questions))), "the same call is never repeated"
    assert sum(part.calls for part in parts) == len(account.questions)


def test_a_day_that_is_too_much_is_split_by_campaigns(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    account.campaigns = 8
    account.refuse = lambda asked: TOO_MUCH if len(account.rows(asked)) > 10 else None
    (part,) = fetcher.fetch(DAY)
    assert keys([part]) == expected(account, DAY)
    assert part.dropped == {}
    assert account.calls["campaigns"] == 1
    assert len(account.questions) == 1 + 2 + 4 + 1, "the whole, halves, quarters, and what no list names"
    assert len(account.questions) == len(set(map(repr, account.questions)))


def test_campaigns_that_no_list_names_are_not_lost(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    account.unlisted = frozenset({2})
    account.refuse = lambda asked: TOO_MUCH if len(account.rows(asked)) > 8 else None
    assert keys(fetcher.fetch(DAY)) == expected(account, DAY)


def test_campaigns_are_listed_once_for_all_days(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    account.refuse = lambda asked: TOO_MUCH if len(account.rows(asked)) > 8 else None
    assert keys(fetcher.fetch(WEEK)) == expected(account, WEEK)
    assert account.calls["campaigns"] == 1


def test_more_campaigns_than_an_address_holds_are_asked_for_by_report(
    wire: Wire, account: AccountOnTheWire, fetcher: Fetcher
) -> None:
    account.campaigns, account.ads = 2 * MOST_IDS + 10, 1
    account.refuse = lambda asked: TOO_MUCH if len(account.rows(asked)) > MOST_IDS + 5 else None
    assert keys(fetcher.fetch(DAY)) == expected(account, DAY)
    assert account.calls["post"] == 3, "two halves and the rest"
    assert all(len(one.params.get("filtering", "")) < 3000 for one in wire.asked if one.method == "GET")


def test_a_campaign_that_is_too_much_comes_in_smaller_pages(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    account.ads = 60
    account.refuse = lambda asked: TOO_MUCH if asked.limit > SMALLEST_PAGE else None
    (part,) = fetcher.fetch(DAY)
    assert (keys([part]), part.dropped) == (expected(account, DAY), {})


def without(*names: str) -> Callable[[Question], Answer | None]:
    """An account that is too much for calls that name one of these fields beside others."""
    return lambda asked: TOO_MUCH if set(names) & set(asked.fields) and "spend" in asked.fields else None


def lines(rows: dict[Any, AdDay]) -> dict[Any, bytes]:
    """The lines by key; blanks within JSON mean nothing."""
    return {key: one.line.replace(b", ", b",").replace(b": ", b":") for key, one in rows.items()}


HEAVY = [fields.VIDEO, fields.UNIQUES, fields.ACTIONS, (*fields.UNIQUES, *fields.ACTIONS), fields.VIDEO[1:2]]


@pytest.mark.parametrize("heavy", HEAVY, ids=str)
def test_fields_that_are_too_much_together_are_asked_for_apart_and_put_together(
    wire: Wire, service: MetaService, heavy: tuple[str, ...]
) -> None:
    account = AccountOnTheWire()
    wire.reply = account
    sound = Fetcher(service, ACCOUNT).fetch(DAY)[0].days
    account.refuse = without(*heavy)
    (part,) = Fetcher(service, ACCOUNT).fetch(DAY)
    assert lines(part.days[FIRST]) == lines(sound[FIRST])
    assert part.dropped == {}


LOST = [("reach",), ("actions",), ("video_play_actions", "reach"), fields.VIDEO]


@pytest.mark.parametrize("lost", LOST, ids=str)
def test_fields_that_are_never_served_are_named_and_the_others_stored(
    account: AccountOnTheWire, fetcher: Fetcher, lost: tuple[str, ...]
) -> None:
    account.refuse = lambda asked: TOO_MUCH if set(lost) & set(asked.fields) else None
    (part,) = fetcher.fetch(DAY)
    assert keys([part]) == expected(account, DAY)
    assert part.dropped == {FIRST: frozenset(lost)}
    one = part.days[FIRST][101].line.split(b"\t")
    assert one[5] == b"101500000", "what it cost"


def test_fields_that_were_never_served_are_not_asked_for_again(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    account.campaigns = 16
    account.refuse = lambda asked: TOO_MUCH if "reach" in asked.fields else None
    parts = fetcher.fetch(WEEK)
    assert keys(parts) == expected(account, WEEK)
    assert dropped(parts) == dict.fromkeys(WEEK.dates(), frozenset({"reach"}))
    assert len(account.questions) < 30
    account.questions.clear()
    (part,) = fetcher.fetch(DAY)
    assert (len(account.questions), part.dropped) == (1, {FIRST: frozenset({"reach"})})


def test_fields_that_are_too_much_together_are_asked_for_apart_before_campaigns_from_then_on(
    account: AccountOnTheWire, fetcher: Fetcher
) -> None:
    account.campaigns = 16
    account.refuse = without(*fields.VIDEO)
    fetcher.fetch(DAY)
    account.questions.clear()
    (part,) = fetcher.fetch(DAY)
    assert (keys([part]), part.dropped) == (expected(account, DAY), {})
    assert len(account.questions) < 10


def test_a_refusal_in_the_middle_of_the_pages_keeps_no_half(wire: Wire, service: MetaService) -> None:
    account = AccountOnTheWire(campaigns=50, ads=30)
    account.in_place_of["page"] = [TOO_MUCH]
    wire.reply = account
    parts = Fetcher(service, ACCOUNT).fetch(Span(FIRST, FIRST + dt.timedelta(days=1)))
    assert [part.span.days for part in parts] == [1, 1]
    assert sum(part.rows for part in parts) == 2 * 1500


def test_what_is_too_much_in_every_size_is_an_error_in_the_end(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    account.refuse = lambda asked: TOO_MUCH
    with pytest.raises(errors.TooMuchData):
        fetcher.fetch(WEEK)
    assert sum(account.calls.values()) < 100, "after a few days the others are not tried"
    assert len(account.questions) == len(set(map(repr, account.questions)))


def test_a_day_that_is_never_served_costs_no_other(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    sick = FIRST + dt.timedelta(days=2)
    account.refuse = lambda asked: TOO_MUCH if asked.since <= sick <= asked.until else None
    parts = fetcher.fetch(WEEK)
    assert keys(parts) == [key for key in expected(account, WEEK) if key[0] != sick]
    assert [(part.span, type(part.refusal)) for part in parts if part.refusal] == [
        (Span(sick, sick), errors.TooMuchData)
    ]


def is_sick(names: list[str]) -> Callable[[int], bool]:
    return lambda ad: f"ad {ad}" in names or f"campaign {ad // 100}" in names


@pytest.mark.parametrize("names", [["ad 203"], ["ad 101", "ad 304"], ["ad 201", "ad 202"]], ids=str)
@pytest.mark.parametrize("by_report", [False, True], ids=["get", "report"])
def test_a_poisonous_ad_is_left_out_by_name_and_the_rest_is_stored(
    account: AccountOnTheWire, fetcher: Fetcher, names: list[str], by_report: bool
) -> None:
    account.refuse = of(*names)
    parts = fetcher.fetch(DAY, by_report=by_report)
    assert keys(parts) == expected(account, DAY, is_sick(names))
    assert dropped(parts) == {FIRST: frozenset(names)}


def test_a_poisonous_campaign_is_left_out_whole(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    account.ads = 40
    account.refuse = of(*(f"ad 2{number:02d}" for number in range(1, 41)))
    parts = fetcher.fetch(DAY)
    assert keys(parts) == expected(account, DAY, is_sick(["campaign 2"]))
    assert dropped(parts) == {FIRST: frozenset({"campaign 2"})}
    assert len(account.questions) < 80


def test_what_is_poisonous_on_one_day_is_missing_on_that_day_only(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    sick_day = FIRST + dt.timedelta(days=3)
    poison = of("ad 203")
    account.refuse = lambda asked: poison(asked) if asked.since <= sick_day <= asked.until else None
    parts = fetcher.fetch(WEEK)
    assert keys(parts) == [key for key in expected(account, WEEK) if key != (sick_day, 203)]
    assert dropped(parts) == {sick_day: frozenset({"ad 203"})}


def test_what_was_poisonous_is_not_searched_for_again(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    account.campaigns, account.ads = 16, 8
    account.refuse = of("ad 203")
    fetcher.fetch(DAY)
    first = len(account.questions)
    account.questions.clear()
    later = Span(FIRST + dt.timedelta(days=1), FIRST + dt.timedelta(days=1))
    parts = fetcher.fetch(later)
    assert keys(parts) == expected(account, later, is_sick(["ad 203"]))
    assert len(account.questions) < first / 2


def of_country(service: MetaService, found: InTheWay | None) -> Fetcher:
    return Fetcher(service, ACCOUNT, kind=FetchKind(fields.BREAKDOWNS["country"]), found=found)


def asked_apart(account: AccountOnTheWire) -> int:
    """How many questions there were, each counted once, however many tries and pages it took."""
    return len(set(map(repr, account.questions)))


def ads_of(parts: list[Fetched]) -> list[Key]:
    """The same for rows of a breakdown."""
    return [(date, key[0]) for date, key in keys(parts)]


@pytest.mark.parametrize("span", [DAY, WEEK], ids=["day", "week"])
def test_what_was_poisonous_in_ad_days_is_not_searched_for_in_breakdowns(
    account: AccountOnTheWire, service: MetaService, span: Span
) -> None:
    account.campaigns, account.ads = 16, 8
    account.refuse = of("ad 203")
    found, taken = InTheWay(), []
    Fetcher(service, ACCOUNT, found=found).fetch(DAY)
    for shared in (None, found):
        account.questions.clear()
        account.calls.clear()
        parts = of_country(service, shared).fetch(span)
        assert ads_of(parts) == expected(account, span, is_sick(["ad 203"]))
        assert dropped(parts) == dict.fromkeys(span.dates(), frozenset({"ad 203"}))
        taken.append((asked_apart(account), account.calls["campaigns"] + account.calls["ads"]))
    (alone, listed), (knowing, again) = taken
    assert (listed, again) == (2, 0), "what was listed once is known"
    assert knowing < alone
    if span is DAY:
        around = ["the whole", "without its campaign", "the campaign", "its healthy ads", "the ad", "ads of no list"]
        assert knowing == len(around)


def test_what_was_poisonous_in_ad_days_only_is_not_left_out_of_breakdowns(
    account: AccountOnTheWire, service: MetaService
) -> None:
    poison, found = of("ad 203"), InTheWay()
    account.refuse = lambda asked: None if asked.breakdowns else poison(asked)
    Fetcher(service, ACCOUNT, found=found).fetch(DAY)
    account.questions.clear()
    (part,) = of_country(service, found).fetch(WEEK)
    assert (ads_of([part]), part.dropped) == (expected(account, WEEK), {})
    assert len(account.questions) == 1, "nothing is asked for apart before it is refused"


def test_a_campaign_that_was_given_up_in_ad_days_is_divided_in_breakdowns(
    account: AccountOnTheWire, service: MetaService
) -> None:
    every, one, found = of(*(f"ad 20{number}" for number in range(1, 5))), of("ad 203"), InTheWay()
    account.refuse = lambda asked: one(asked) if asked.breakdowns else every(asked)
    assert dropped(Fetcher(service, ACCOUNT, found=found).fetch(DAY)) == {FIRST: frozenset({"campaign 2"})}
    parts = of_country(service, found).fetch(DAY)
    assert ads_of(parts) == expected(account, DAY, is_sick(["ad 203"]))
    assert dropped(parts) == {FIRST: frozenset({"ad 203"})}


def test_fields_that_were_never_served_in_ad_days_are_gone_without_first_in_breakdowns(
    account: AccountOnTheWire, service: MetaService
) -> None:
    account.campaigns = 16
    account.refuse = lambda asked: TOO_MUCH if "actions" in asked.fields else None
    found, taken = InTheWay(), []
    Fetcher(service, ACCOUNT, found=found).fetch(DAY)
    for shared in (None, found):
        account.questions.clear()
        parts = of_country(service, shared).fetch(DAY)
        assert ads_of(parts) == expected(account, DAY)
        assert dropped(parts) == {FIRST: frozenset({"actions"})}
        taken.append(asked_apart(account))
    assert taken[1] == len(["the whole", "without the field", "the field"]) < taken[0] / 3


def test_fields_that_were_never_served_in_ad_days_only_are_not_lost_in_breakdowns(
    account: AccountOnTheWire, service: MetaService
) -> None:
    account.refuse = lambda asked: TOO_MUCH if "actions" in asked.fields and not asked.breakdowns else None
    found = InTheWay()
    Fetcher(service, ACCOUNT, found=found).fetch(DAY)
    assert (found.lost_fields, dropped(of_country(service, found).fetch(DAY))) == ({"actions"}, {})
    account.refuse = without("actions")
    (part,) = of_country(service, found).fetch(DAY)
    assert (ads_of([part]), part.dropped) == (expected(account, DAY), {})


def test_fields_that_are_served_by_campaigns_and_not_as_a_whole_are_not_lost_in_breakdowns(
    account: AccountOnTheWire, service: MetaService
) -> None:
    def heavy(asked: Question) -> Answer | None:
        is_too_much = not asked.breakdowns or len(account.rows(asked)) > 40
        return TOO_MUCH if "actions" in asked.fields and is_too_much else None

    account.campaigns, account.refuse = 16, heavy
    found = InTheWay()
    Fetcher(service, ACCOUNT, found=found).fetch(DAY)
    parts = of_country(service, found).fetch(DAY)
    assert (found.lost_fields, ads_of(parts), dropped(parts)) == ({"actions"}, expected(account, DAY), {})


def without_actions_of(*ads: int) -> Callable[[Question], Answer | None]:
    """An account that never serves the actions of these ads."""

    def refuse(asked: Question) -> Answer | None:
        rows = [{"campaign_id": str(ad // 100), "ad_id": str(ad)} for ad in ads]
        return TOO_MUCH if "actions" in asked.fields and any(map(asked.wants, rows)) else None

    return refuse


@pytest.mark.parametrize("ads", [[203], [101], [101, 304], [101, 102, 103, 104]], ids=str)
@pytest.mark.parametrize("campaigns", [3, 16])
def test_ads_whose_actions_are_never_served_are_left_out_by_name_and_cost_no_other(
    account: AccountOnTheWire, fetcher: Fetcher, ads: list[int], campaigns: int
) -> None:
    account.campaigns, account.refuse = campaigns, without_actions_of(*ads)
    names = [f"ad {ad}" for ad in ads] if len(ads) < account.ads else ["campaign 1"]
    parts = fetcher.fetch(DAY)
    assert keys(parts) == expected(account, DAY, is_sick(names))
    assert dropped(parts) == {FIRST: frozenset(names)}
    account.refuse = lambda asked: None
    assert (keys(fetcher.fetch(WEEK)), dropped(fetcher.fetch(WEEK))) == (expected(account, WEEK), {})


def test_an_ad_whose_actions_are_never_served_is_not_searched_for_again(
    account: AccountOnTheWire, fetcher: Fetcher
) -> None:
    account.campaigns, account.refuse = 16, without_actions_of(203)
    fetcher.fetch(DAY)
    first = len(account.questions)
    account.questions.clear()
    assert dropped(fetcher.fetch(DAY)) == {FIRST: frozenset({"ad 203"})}
    assert len(account.questions) <= 10 < first


def test_actions_that_are_never_served_are_not_asked_for_again(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    account.campaigns = 16
    account.refuse = lambda asked: TOO_MUCH if "actions" in asked.fields else None
    parts = fetcher.fetch(WEEK)
    assert (keys(parts), dropped(parts)) == (
        expected(account, WEEK),
        dict.fromkeys(WEEK.dates(), frozenset({"actions"})),
    )
    assert len(account.questions) < 60
    account.questions.clear()
    assert (dropped(fetcher.fetch(DAY)), len(account.questions)) == ({FIRST: frozenset({"actions"})}, 1)


def test_what_no_list_names_is_left_out_as_that(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    account.unlisted = frozenset({2})
    account.refuse = of("ad 203")
    parts = fetcher.fetch(DAY)
    assert keys(parts) == expected(account, DAY, is_sick(["campaign 2"]))
    assert dropped(parts) == {FIRST: frozenset({"campaigns that no list names"})}


@pytest.mark.parametrize("edge", ["campaigns", "ads"])
def test_lists_that_are_refused_as_well_are_made_of_what_the_store_knows(
    account: AccountOnTheWire, service: MetaService, edge: str
) -> None:
    account.refuse = of("ad 203")
    account.in_place_of[edge] = [POISON] * 8
    known = {number: [100 * number + n for n in range(1, 5)] for number in range(1, 4)}
    parts = Fetcher(service, ACCOUNT, known=lambda: known).fetch(DAY)
    assert keys(parts) == expected(account, DAY, is_sick(["ad 203"]))
    assert dropped(parts) == {FIRST: frozenset({"ad 203"})}


def test_an_api_that_is_down_is_not_asked_in_smaller_pieces(wire: Wire, fetcher: Fetcher) -> None:
    wire.answers(Answer(502, b"<html>Bad Gateway</html>"))
    with pytest.raises(errors.Unreachable):
        fetcher.fetch(WEEK)
    assert len(wire.asked) == 8, "the call and the question whether anybody is there, four tries each"


STOPS = [(190, 463, errors.TokenDead), (200, None, errors.NoAccess), (100, 3191001, errors.WrongRequest)]


@pytest.mark.parametrize(("code", "subcode", "kind"), STOPS)
def test_what_asking_for_less_does_not_help_is_raised_at_once(
    account: AccountOnTheWire, fetcher: Fetcher, code: int, subcode: int | None, kind: type[MetaError]
) -> None:
    account.refuse = lambda asked: refusal(400, code, subcode)
    with pytest.raises(kind):
        fetcher.fetch(WEEK)
    assert len(account.questions) == 1


def test_where_a_report_does_not_come_about_its_pieces_are_asked_for_without(
    wire: Wire, account: AccountOnTheWire, fetcher: Fetcher
) -> None:
    account.jobs = (({"async_status": "Job Failed"},), ({"async_status": "Job Skipped"},), (COMPLETED,))
    parts = fetcher.fetch(WEEK, by_report=True)
    assert keys(parts) == expected(account, WEEK)
    assert [part.span.days for part in parts] == [3, 4]
    assert (account.calls["post"], account.calls["get"]) == (2, 2), "twice the week, then its halves without reports"


def test_what_is_too_much_for_a_report_is_split_into_reports(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    account.refuse = over(4)
    parts = fetcher.fetch(WEEK, by_report=True)
    assert keys(parts) == expected(account, WEEK)
    assert (account.calls["post"], account.calls["get"]) == (3, 0)


def test_reports_that_never_come_about_end_though_no_address_holds_the_question(
    account: AccountOnTheWire, fetcher: Fetcher
) -> None:
    account.campaigns, account.ads = 8 * MOST_IDS, 1
    account.jobs = (({"async_status": "Job Failed"},),)
    account.refuse = lambda asked: TOO_MUCH if len(account.rows(asked)) > MOST_IDS // 2 else None
    with pytest.raises(errors.JobFailed):
        fetcher.fetch(DAY)
    assert account.calls["post"] == 2 * (MOST_FAILED_REPORTS + 1)


def page_again(account: AccountOnTheWire, times: int) -> None:
    """The second page is, so often, the first one with a new cursor."""
    first = account.rows(Question(FIRST, FIRST, "ad", fields.AD_INSIGHT, (), 1000))[:1000]
    account.in_place_of["page"] = [
        ok({"data": first, "paging": {"next": "yes", "cursors": {"after": f"{1000 - number}"}}})
        for number in range(1, times + 1)
    ]


def test_a_page_that_comes_twice_doubles_nothing_and_costs_nothing(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    account.campaigns, account.ads = 50, 30
    page_again(account, 1)
    (part,) = fetcher.fetch(DAY)
    assert keys([part]) == expected(account, DAY)
    assert part.calls == 4, "the reading began again"


def test_a_page_that_comes_again_and_again_is_read_anew_from_the_first(
    account: AccountOnTheWire, fetcher: Fetcher
) -> None:
    account.campaigns, account.ads = 50, 30
    page_again(account, 2)
    (part,) = fetcher.fetch(DAY)
    assert keys([part]) == expected(account, DAY)
    assert dict(account.calls) == {"get": 3, "page": 3}


def test_pages_that_never_stop_repeating_are_asked_for_in_pieces(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    account.campaigns, account.ads = 50, 30
    page_again(account, 99)
    (part,) = fetcher.fetch(DAY)
    assert keys([part]) == expected(account, DAY)
    assert account.calls["page"] == READINGS, "the halves have one page each"


ODD_ROWS: list[tuple[str, Any]] = [
    ("the day before", row(FIRST - dt.timedelta(days=1), 1)),
    ("the day after", row(WEEK.until + dt.timedelta(days=1), 1)),
    ("another account", row(FIRST, 1, account_id="78")),
    ("several days", row(FIRST, 1, date_stop=WEEK.until.isoformat())),
    ("no day", {"account_id": str(ACCOUNT), "ad_id": "1"}),
    ("null", None),
    ("a word", "row"),
    ("a wrong number", row(FIRST, 1, spend="much")),
]


@pytest.mark.parametrize("odd", [odd for _, odd in ODD_ROWS], ids=[name for name, _ in ODD_ROWS])
def test_rows_that_were_not_asked_for_are_refused(wire: Wire, fetcher: Fetcher, odd: Any) -> None:
    wire.reply = lambda asked: ok({"data": [odd]})
    with pytest.raises(Unreadable):
        fetcher.fetch(WEEK)
    assert len(wire.asked) < 20, "after a few days the others are not tried"


@pytest.mark.parametrize("odd", [odd for _, odd in ODD_ROWS], ids=[name for name, _ in ODD_ROWS])
def test_totals_that_were_not_asked_for_are_unknown_and_no_zero(wire: Wire, fetcher: Fetcher, odd: Any) -> None:
    wire.reply = lambda asked: ok({"data": [odd]})
    assert fetcher.fetch_totals(WEEK) == {date: dict.fromkeys(YARDSTICK) for date in WEEK.dates()}


def spoiled(account: AccountOnTheWire, name: str, value: Any, *keys: Key) -> Callable[[Question], Answer | None]:
    """An account whose rows of these days and ads have this in a field, or lack it where the value is ``ABSENT``."""

    def answer(asked: Question) -> Answer | None:
        found = account.rows(asked)
        for one in found:
            if (dt.date.fromisoformat(one["date_start"]), int(one["ad_id"])) in keys:
                one[name] = value
                if value is ABSENT:
                    del one[name]
        return ok({"data": found})

    return answer


ABSENT = "(absent)"
UNREADABLE: list[tuple[str, Any]] = [
    ("adset_id", ABSENT), ("ad_id", ABSENT), ("spend", ""), ("spend", "much"), ("reach", ""),
    ("actions", [{"value": "2"}]), ("video_play_actions", [{"action_type": "video_view", "value": "1e99"}]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), UNREADABLE, ids=str)
@pytest.mark.parametrize("by_report", [False, True], ids=["get", "report"])
def test_a_row_that_cannot_be_read_is_left_out_by_name_and_costs_no_other(
    account: AccountOnTheWire, fetcher: Fetcher, name: str, value: Any, by_report: bool
) -> None:
    sick = FIRST + dt.timedelta(days=2)
    account.refuse = spoiled(account, name, value, (sick, 203))
    parts = fetcher.fetch(WEEK, by_report=by_report)
    assert keys(parts) == [key for key in expected(account, WEEK) if key != (sick, 203)]
    assert dropped(parts) == {sick: frozenset({"ad 203 (unreadable)"})}
    assert sorted(date for part in parts for date in part.span.dates()) == list(WEEK.dates())
    assert len(account.questions) < 20
    assert account.calls["node"] == 0, "whoever answers so is there"


def test_a_row_without_its_segment_is_left_out_of_its_breakdown(
    account: AccountOnTheWire, service: MetaService
) -> None:
    account.refuse = spoiled(account, "country", None, (FIRST, 203))
    parts = of_country(service, None).fetch(WEEK)
    assert ads_of(parts) == [key for key in expected(account, WEEK) if key != (FIRST, 203)]
    assert dropped(parts) == {FIRST: frozenset({"ad 203 (unreadable)"})}


def test_a_campaign_of_which_no_row_can_be_read_is_left_out_whole(
    account: AccountOnTheWire, fetcher: Fetcher, caplog: pytest.LogCaptureFixture
) -> None:
    account.refuse = spoiled(account, "adset_id", ABSENT, *((FIRST, 200 + number) for number in range(1, 5)))
    parts = fetcher.fetch(DAY)
    assert keys(parts) == expected(account, DAY, is_sick(["campaign 2"]))
    assert dropped(parts) == {FIRST: frozenset({"campaign 2 (unreadable)"})}
    assert f"act_{ACCOUNT}, {FIRST}: campaign 2 was left out. Meta sent an insight row" in caplog.text


def test_days_of_which_nothing_can_be_read_are_refused_and_cost_no_other(
    account: AccountOnTheWire, fetcher: Fetcher
) -> None:
    account.refuse = spoiled(account, "spend", "", *((FIRST, ad) for _, ad in expected(account, DAY)))
    parts = fetcher.fetch(WEEK)
    assert keys(parts) == [key for key in expected(account, WEEK) if key[0] != FIRST]
    assert [(part.span, type(part.refusal)) for part in parts if part.refusal] == [(DAY, Unreadable)]


def test_a_total_that_cannot_be_read_is_unknown_on_its_day_alone(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    account.refuse = spoiled(account, "impressions", "", (FIRST, 0))
    totals = fetcher.fetch_totals(WEEK)
    assert totals.pop(FIRST) == dict.fromkeys(YARDSTICK)
    assert [total["spend_micros"] for total in totals.values()] == [500_000] * 6


def test_an_ad_that_comes_twice_counts_once(wire: Wire, fetcher: Fetcher) -> None:
    wire.answers(ok({"data": [row(FIRST, 1), row(FIRST, 1, spend="9.00")]}))
    assert keys(fetcher.fetch(WEEK)) == [(FIRST, 1)]


def test_days_without_rows_are_no_error(wire: Wire, fetcher: Fetcher) -> None:
    wire.answers(ok({"data": []}))
    assert keys(fetcher.fetch(WEEK)) == []
    assert fetcher.fetch_totals(WEEK) == {}


def test_totals_are_split_by_date_as_well(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    account.refuse = over(3)
    totals = fetcher.fetch_totals(WEEK)
    assert sorted(totals) == list(WEEK.dates())
    assert all(set(total) == set(YARDSTICK) and total["spend_micros"] == 500_000 for total in totals.values())
    assert "adset_name" not in account.questions[0].fields


def test_a_day_whose_total_is_never_served_is_unknown_and_no_zero(account: AccountOnTheWire, fetcher: Fetcher) -> None:
    account.refuse = lambda asked: POISON if asked.since <= WEEK.until <= asked.until else None
    totals = fetcher.fetch_totals(WEEK)
    assert totals.pop(WEEK.until) == dict.fromkeys(YARDSTICK)
    assert sorted(totals) == list(WEEK.dates())[:-1]
    assert all(total["spend_micros"] == 500_000 for total in totals.values())


def test_totals_of_which_none_is_served_are_unknown_after_a_few_days(
    account: AccountOnTheWire, fetcher: Fetcher
) -> None:
    account.refuse = lambda asked: TOO_MUCH
    month = Span(FIRST, FIRST + dt.timedelta(days=30))
    assert fetcher.fetch_totals(month) == {date: dict.fromkeys(YARDSTICK) for date in month.dates()}
    assert len(account.questions) < 12


def test_totals_of_an_api_that_is_down_are_an_error(wire: Wire, fetcher: Fetcher) -> None:
    wire.answers(Answer(502, b"<html>Bad Gateway</html>"))
    with pytest.raises(errors.Unreachable):
        fetcher.fetch_totals(WEEK)


@pytest.mark.parametrize("one", fields.BREAKDOWNS.values(), ids=list(fields.BREAKDOWNS))
def test_a_breakdown_is_asked_for_by_its_columns_and_keeps_every_segment(
    wire: Wire, service: MetaService, one: fields.BreakdownSet
) -> None:
    segments = [dict.fromkeys(one.columns, name) for name in ("a", "b", "unknown")]
    asked_days = []

    def reply(asked: Asked) -> Answer:
        question = Question.of(asked.params)
        asked_days.append(question.days)
        assert asked.params["breakdowns"] == ",".join(one.columns)
        assert not set(one.columns) & set(question.fields)
        days = Span(question.since, question.until).dates()
        return ok({"data": [row(date, 1, **segment) for date in days for segment in segments]})

    wire.reply = reply
    today = dt.datetime.now(dt.UTC).date()
    span = Span(today - dt.timedelta(days=9), today - dt.timedelta(days=3))
    parts = Fetcher(service, ACCOUNT, kind=FetchKind(one)).fetch(span)
    assert sum(part.rows for part in parts) == 3 * 7
    assert asked_days == ([1] * 7 if one.slug == "hour" else [7])
    second = len(one.columns) > 1
    found = {key for part in parts for rows in part.days.values() for key in rows}
    assert found == {(1, name, name if second else "") for name in ("a", "b", "unknown")}


MONTHS = [(0, True), (12, True), (13, False), (36, False)]


@pytest.mark.parametrize(("months", "counted"), MONTHS)
def test_people_by_a_breakdown_are_asked_for_as_long_as_meta_keeps_them(
    wire: Wire, service: MetaService, months: int, counted: bool
) -> None:
    wire.answers(ok({"data": []}))
    day = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=31 * months)
    Fetcher(service, ACCOUNT, kind=FetchKind(fields.BREAKDOWNS["country"])).fetch(Span(day, day))
    Fetcher(service, ACCOUNT).fetch(Span(day, day))
    by_country, plain = (set(asked.params["fields"].split(",")) for asked in wire.asked)
    assert set(fields.UNIQUES) <= plain
    assert bool(set(fields.UNIQUES) & by_country) == counted


def test_windows_are_asked_for_beside_the_accounts_own_setting(wire: Wire, service: MetaService) -> None:
    purchase = {"action_type": "purchase", "value": "3", "1d_click": "1", "1d_view": "2"}
    wire.answers(ok({"data": [row(FIRST, 1, actions=[purchase])]}))
    (part,) = Fetcher(service, ACCOUNT, kind=FetchKind(windows=("1d_click", "1d_view"))).fetch(DAY)
    assert wire.asked[0].params["action_attribution_windows"] == '["1d_click","1d_view"]'
    assert part.days[FIRST][1].attributed.count(b"\n") == 2


def test_progress_is_told_page_by_page(account: AccountOnTheWire, service: MetaService) -> None:
    account.campaigns, account.ads = 50, 30
    told: list[int] = []
    Fetcher(service, ACCOUNT, told.append).fetch(DAY)
    assert told == [1000, 500]
