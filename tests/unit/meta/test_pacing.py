"""Limits are approached and not hit; who is kept out waits, and nobody else does."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.meta.pacing import CALM_PERCENT, FORGOTTEN_AFTER_S, LONGEST_GAP_S, Pacer, gap_s
from lib.meta.service import MetaService
from lib.meta.usage import uses, wait_seconds
from tests.clocks import FakeClock
from tests.fixtures_wire import Answer, Asked, Wire, ok, refusal

APP, ONE, TWO = "app", 1, 2
HEADERS: list[tuple[str, dict[str, Any], bool]] = [
    ("x-app-usage", {"call_count": 12, "total_time": 5, "total_cputime": 90}, True),
    ("x-ad-account-usage", {"acc_id_util_pct": 90, "reset_time_duration": 120}, False),
    ("x-business-use-case-usage",
     {"9": [{"type": "ads_insights", "call_count": 90, "total_cputime": 1, "estimated_time_to_regain_access": 0}]},
     False),
    ("x-fb-ads-insights-throttle", {"app_id_util_pct": 90, "acc_id_util_pct": 0}, True),
    ("x-fb-ads-insights-throttle", {"app_id_util_pct": 0, "acc_id_util_pct": 90}, False),
]  # fmt: skip
NAMED = [pytest.param({name: json.dumps(value)}, apps, id=f"{name} {'app' if apps else 'account'}")
         for name, value, apps in HEADERS]  # fmt: skip


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pacer(clock: FakeClock) -> Pacer:
    return Pacer(clock)


def waited(clock: FakeClock, pacer: Pacer, account_id: int | None) -> float:
    """How long the pacer holds the next call."""
    since = clock.now()
    pacer.before(APP, account_id)
    return clock.now() - since


@pytest.mark.parametrize(("headers", "is_apps"), NAMED)
def test_each_header_alone_spaces_calls_out(
    clock: FakeClock, pacer: Pacer, headers: dict[str, str], is_apps: bool
) -> None:
    pacer.before(APP, ONE)
    pacer.before(APP, TWO)
    pacer.heard(APP, ONE, headers)
    assert waited(clock, pacer, TWO) == pytest.approx(gap_s(90) if is_apps else 0)
    assert waited(clock, pacer, ONE) == pytest.approx(gap_s(90))
    assert pacer.quota_left(APP, ONE) == 10
    assert pacer.quota_left(APP, TWO) in ((10,) if is_apps else (None, 100))


GARBAGE = ["", "not json", "[]", "7", "null", '{"acc_id_util_pct": "x"}', '{"acc_id_util_pct": null}', '{"1": 5}',
           '{"1": [null]}', '{"call_count": [1]}', '{"app_id_util_pct": "NaN"}', '{"call_count": -5}',
           '{"acc_id_util_pct": 1e999}', '{"acc_id_util_pct": {"a": 1}}']  # fmt: skip


@pytest.mark.parametrize("name", sorted({name for name, _, _ in HEADERS}))
@pytest.mark.parametrize("value", [None, *GARBAGE])
def test_a_header_that_is_missing_or_garbage_says_nothing(
    clock: FakeClock, pacer: Pacer, name: str, value: str | None
) -> None:
    pacer.before(APP, ONE)
    pacer.heard(APP, ONE, {} if value is None else {name: value})
    assert waited(clock, pacer, ONE) == 0
    assert pacer.quota_left(APP, ONE) is None


def test_the_tightest_of_all_headers_counts(pacer: Pacer) -> None:
    for name, value, _ in HEADERS:
        pacer.heard(APP, ONE, {name: json.dumps(value).replace("90", "40")})
    pacer.heard(APP, ONE, {"x-ad-account-usage": '{"acc_id_util_pct": 71.5}'})
    assert pacer.quota_left(APP, ONE) == 28.5


def test_below_the_calm_use_nobody_waits_and_above_it_longer_and_longer() -> None:
    assert [gap_s(percent) for percent in (0, 50, CALM_PERCENT - 0.1)] == [0, 0, 0]
    gaps = [gap_s(percent) for percent in range(75, 121)]
    assert gaps == sorted(gaps)
    assert (gaps[0], gaps[-1]) == (0.1, LONGEST_GAP_S)


POINTS = [(60, 300.0), (9000, 300.0), (9000, 60.0), (100, 3600.0)]


@pytest.mark.parametrize(("points", "window_s"), POINTS, ids=["limited", "full", "full, a minute", "an hour"])
def test_a_limit_of_any_size_is_approached_and_not_hit(
    clock: FakeClock, pacer: Pacer, points: int, window_s: float
) -> None:
    """A score that each call raises by a point and that drains evenly, as Meta keeps it."""
    score, at = 0.0, clock.now()
    highest = 0.0
    for _ in range(min(4 * points, 12_000)):
        pacer.before(APP, ONE)
        score, at = max(0.0, score - (clock.now() - at) * points / window_s) + 1, clock.now()
        highest = max(highest, score)
        clock.advance(0.001)
        pacer.heard(APP, ONE, {"x-ad-account-usage": json.dumps({"acc_id_util_pct": 100 * score / points})})
    assert 0.7 * points < highest < points


def test_what_was_heard_long_ago_is_forgotten(clock: FakeClock, pacer: Pacer) -> None:
    pacer.before(APP, ONE)
    pacer.heard(APP, ONE, {"x-ad-account-usage": '{"acc_id_util_pct": 99}'})
    clock.advance(FORGOTTEN_AFTER_S + 1)
    assert pacer.quota_left(APP, ONE) is None
    assert [waited(clock, pacer, ONE) for _ in range(3)] == [0, 0, 0]


def test_a_score_that_is_back_at_nothing_soon_is_waited_for_until_then(clock: FakeClock, pacer: Pacer) -> None:
    pacer.before(APP, ONE)
    pacer.heard(APP, ONE, {"x-ad-account-usage": '{"acc_id_util_pct": 100, "reset_time_duration": 7}'})
    assert waited(clock, pacer, ONE) == 7


def test_a_pause_holds_its_account_alone(clock: FakeClock, pacer: Pacer) -> None:
    pacer.pause("account:1", 300, "17")
    assert waited(clock, pacer, TWO) == 0
    assert waited(clock, pacer, None) == 0
    assert pacer.quota_left(APP, ONE) == 0
    assert waited(clock, pacer, ONE) == 300
    assert waited(clock, pacer, ONE) == 0


def test_a_pause_of_the_app_holds_all_of_its_accounts_and_no_other_apps(clock: FakeClock, pacer: Pacer) -> None:
    pacer.pause("app:app", 60, "4")
    pacer.before("another", ONE)
    assert clock.slept == []
    assert [waited(clock, pacer, account) for account in (ONE, TWO, None)] == [60, 0, 0]


def test_a_shorter_pause_never_shortens_a_longer_one_and_is_no_news(clock: FakeClock) -> None:
    told: list[tuple[str, float, str]] = []
    pacer = Pacer(clock, lambda *words: told.append(words))
    pacer.pause("account:1", 100, "first")
    pacer.pause("account:1", 10, "shorter")
    pacer.pause("account:1", 100, "the same, from another worker")
    pacer.pause("account:1", 200, "longer")
    assert told == [("account:1", 100, "first"), ("account:1", 200, "longer")]
    assert waited(clock, pacer, ONE) == 200


def test_a_pause_that_is_over_changes_nothing(clock: FakeClock, pacer: Pacer) -> None:
    pacer.before(APP, ONE)
    pacer.heard(APP, ONE, {"x-ad-account-usage": '{"acc_id_util_pct": 90}'})
    pacer.pause("account:1", -5, "told of late")
    assert pacer.quota_left(APP, ONE) == 10
    assert waited(clock, pacer, ONE) == pytest.approx(gap_s(90))


def test_after_a_pause_what_was_used_up_before_it_holds_nobody(clock: FakeClock, pacer: Pacer) -> None:
    pacer.before(APP, ONE)
    pacer.heard(APP, ONE, {"x-ad-account-usage": '{"acc_id_util_pct": 100}'})
    pacer.pause("account:1", 5, "17")
    assert waited(clock, pacer, ONE) == pytest.approx(5)


def test_meta_may_close_an_account_on_an_answer_that_is_fine(clock: FakeClock) -> None:
    told: list[str] = []
    pacer = Pacer(clock, lambda scope, seconds, reason: told.append(f"{scope} {seconds:.0f}"))
    use = {"9": [{"call_count": 100, "estimated_time_to_regain_access": 3}]}
    pacer.heard(APP, ONE, {"x-business-use-case-usage": json.dumps(use)})
    assert told == ["account:1 180"]
    assert waited(clock, pacer, ONE) == 180


def test_a_pause_that_comes_while_somebody_waits_is_waited_for_too(clock: FakeClock) -> None:
    pacer = Pacer(clock)
    pacer.pause("account:1", 10, "first")
    real = clock.sleep

    def sleep(seconds: float) -> None:
        real(seconds)
        if len(clock.slept) == 1:
            pacer.pause("app:app", 50, "of another thread")

    clock.sleep = sleep  # type: ignore[method-assign]
    assert waited(clock, pacer, ONE) == 60


def test_threads_of_one_account_take_turns(clock: FakeClock, pacer: Pacer) -> None:
    pacer.heard(APP, ONE, {"x-ad-account-usage": '{"acc_id_util_pct": 90}'})
    at: list[float] = []

    def call() -> None:
        pacer.before(APP, ONE)
        at.append(clock.now())

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(at) == 4
    assert clock.now() == pytest.approx(1000 + 3 * gap_s(90)), "no two went together"


@given(st.dictionaries(st.sampled_from([name for name, _, _ in HEADERS]), st.text() | st.just("{}")))
def test_no_header_is_ever_an_error(headers: dict[str, str]) -> None:
    assert wait_seconds(headers) >= 0
    assert all(use.percent >= 0 for use in uses(headers))


def limited(code: int, seconds: int) -> Answer:
    return refusal(400, code, headers={"x-ad-account-usage": json.dumps({"reset_time_duration": seconds})})


SCOPES = [(17, None, "account:1"), (4, None, "app:KEY"), (4, 1504022, "app:KEY"), (4, 1504039, "app:KEY"),
          (17, 1504022, "account:1"), (17, 1504039, "account:1"), (80000, 1504022, "account:1"),
          (80004, 1504039, "account:1"), (80000, 2446079, "account:1"), (32, None, "account:1"),
          (613, 1487742, "account:1")]  # fmt: skip


@pytest.mark.parametrize(("code", "subcode", "scope"), SCOPES)
def test_two_services_share_what_one_of_them_hears(
    wire: Wire, clock: FakeClock, code: int, subcode: int | None, scope: str
) -> None:
    told: list[str] = []
    pacer = Pacer(clock, lambda scope, seconds, reason: told.append(scope))
    first, second = (MetaService("t", wire.url, clock=clock, pacer=pacer, app="KEY") for _ in range(2))
    refused = refusal(400, code, subcode, headers={"x-ad-account-usage": '{"reset_time_duration": 90}'})
    answers = [refused]
    wire.reply = lambda asked: answers.pop() if answers else ok({})
    first.get_account(1)
    assert (told, clock.slept) == ([scope], [90])
    answers.append(refused)
    pacer.pause(scope, 30, "told of by another worker")
    second.get_account(2)
    assert clock.slept[1:] == ([] if scope == "account:1" else [30]) + [90]
    first.close()
    second.close()


def test_use_that_rises_on_the_wire_slows_the_service_down(wire: Wire, clock: FakeClock) -> None:
    count = iter(range(1000))

    def reply(asked: Asked) -> Answer:
        use = json.dumps({"acc_id_util_pct": min(99, 10 * next(count))})
        return Answer(200, b'{"id": "1"}', {"X-Ad-Account-Usage": use})

    wire.reply = reply
    service = MetaService("t", wire.url, clock=clock)
    for _ in range(11):
        service.get_account(1)
    assert service.quota_left(1) == 1
    assert service.quota_left(2) is None
    service.close()
    assert clock.slept == pytest.approx([gap_s(80), gap_s(90)])
