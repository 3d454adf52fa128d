"""The Explore page on a store that was refreshed from the sandbox: questions by clicks, against the sandbox's truth."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy.engine import URL

from dashboard import formats
from lib.access.viewer import Role
from lib.insights.periods import previous_period
from tests.browser import grids
from tests.browser.conftest import Dashboard, Frames, running_dashboard
from tests.browser.explore import (
    add_filter,
    asking,
    bars,
    choose_only,
    click_head,
    click_mark,
    click_name,
    file_rows,
    grid,
    heads,
    number,
    pick,
    row,
    rows,
    settled,
)
from tests.browser.overview import TOKEN_KEYS, Sandbox, add_client, command, loaded, running_sandbox, yesterday
from tests.browser.windows import Windows
from tests.fixtures_processes import until

WIDE = {"viewport": {"width": 2200, "height": 1600}, "permissions": ["clipboard-read", "clipboard-write"]}
SLUGS = ["northern-lights", "southern-shop", "harbour-group"]
Group = tuple[str, dt.date]


@dataclass(frozen=True)
class World:
    """Two clients with an account in euros each, and one in dollars; ``ana`` may see and save all of it."""

    dashboard: Dashboard
    sandbox: Sandbox
    ana: uuid.UUID

    @property
    def accounts(self) -> list[str]:
        """The accounts in euros: that of Northern Lights, that of Southern Shop."""
        return [str(number) for number in self.sandbox.of_currency("EUR")]

    @property
    def until(self) -> dt.date:
        """The last day of the page's periods."""
        return yesterday(self.sandbox, "EUR")

    @property
    def since(self) -> dt.date:
        """The first of the last 28 days."""
        return self.until - dt.timedelta(days=27)

    def truth(self, account: str, since: dt.date, until: dt.date) -> dict[str, Decimal]:
        """Exact spend and purchases of an account."""
        found = self.sandbox.truth(int(account), since, until)
        return {slug: Decimal(str(found[slug])) for slug in ("spend", "purchases")}

    def by_week(self) -> dict[Group, dict[str, Decimal]]:
        """Exact numbers of each account and week of the last 28 days."""
        first = self.since - dt.timedelta(days=self.since.weekday())
        weeks = [first + dt.timedelta(days=7 * number) for number in range((self.until - first).days // 7 + 1)]
        six = dt.timedelta(days=6)
        return {
            (account, week): self.truth(account, max(week, self.since), min(week + six, self.until))
            for account in self.accounts
            for week in weeks
        }


@pytest.fixture(scope="module")
def world(database_url: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("explore")
    with (
        running_sandbox(folder, days=70) as sandbox,
        running_dashboard(database_url, folder, TOKEN_KEYS=TOKEN_KEYS) as dashboard,
    ):
        dashboard.empty()
        northern, southern = sandbox.of_currency("EUR")
        add_client(dashboard, sandbox, "Northern Lights", [northern])
        add_client(dashboard, sandbox, "Southern Shop", [southern])
        add_client(dashboard, sandbox, "Harbour Group", sandbox.of_currency("USD"))
        command(dashboard, sandbox, "refresh", "--since", sandbox.days_ago(55))
        yield World(dashboard, sandbox, dashboard.add_user("ana@example.com", Role.ANALYST, slugs=SLUGS))


@pytest.fixture(scope="module")
def contexts(windows: Windows) -> Iterator[dict[uuid.UUID, BrowserContext]]:
    """A signed-in window for each person."""
    found: dict[uuid.UUID, BrowserContext] = {}
    yield found
    for context in found.values():
        windows.put_back(context, **WIDE)


@pytest.fixture
def open_page(
    world: World, windows: Windows, contexts: dict[uuid.UUID, BrowserContext]
) -> Iterator[Callable[..., Page]]:
    """Opens Explore with these words behind the address, as Ana unless told."""
    pages: list[Page] = []

    def opened(query: str = "", user_id: uuid.UUID | None = None, frames: Frames | None = None) -> Page:
        person = user_id or world.ana
        if person not in contexts:
            contexts[person] = windows.take(**WIDE)
            world.dashboard.sign_in(contexts[person], person)
        pages.append(contexts[person].new_page())
        if frames is not None:
            frames.watch(pages[-1])
        pages[-1].goto(f"{world.dashboard.url}/explore{query}")
        settled(pages[-1])
        return pages[-1]

    yield opened
    for page in pages:
        page.close()


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def shown(
    page: Page, accounts: list[str], weeks: list[dt.date], names: dict[str, str]
) -> dict[Group, list[Decimal | None]]:
    """Spend and purchases of each account and week, as the pivot on the page has them; its totals are checked."""
    heads, _, *lines = grids.lines(grid(page))
    first = heads.index("Spend")
    is_change = [head.startswith("Δ") for head in heads]
    found: dict[Group, list[Decimal | None]] = {}
    for words in lines[: len(accounts)]:
        account = next(each for each in accounts if names[each] == words[1])
        plain = [number(words[place]) for place in range(first, len(words)) if not is_change[place]]
        total, cells = plain[:2], plain[2:]
        for place, week in enumerate(weeks):
            found[account, week] = cells[2 * place : 2 * place + 2]
        for slug in (0, 1):
            assert total[slug] == sum(each[slug] or 0 for (of, _), each in found.items() if of == account)
    return found


def api(page: Page, world: World, having: str) -> dict[Group, list[Decimal]]:
    """The same question of the API, with the session of the page."""
    answer = page.context.request.get(
        f"{world.dashboard.url}/api/v1/insights",
        params={
            "since": world.since.isoformat(), "until": world.until.isoformat(), "group_by": "client,account,week",
            "metrics": "spend,purchases", "having": having, "currency": "EUR", "per_page": 100,
        },
    )  # fmt: skip
    assert answer.status == 200, answer.text()
    return groups_of(answer.json()["data"])


def opens_from_the_list(page: Page, name: str) -> None:
    """Open the saved view of this name, which has a condition on sums, from the list."""
    page.goto(page.url.partition("?")[0])
    settled(page)
    page.get_by_role("button", name="Saved views").click()
    page.get_by_role("button", name=name).click()
    asking(page, "having=")


def groups_of(found: list[dict[str, object]]) -> dict[Group, list[Decimal]]:
    return {
        (str(each["account_id"]), dt.date.fromisoformat(str(each["week"]))): [
            Decimal(str(each["spend"])), Decimal(str(each["purchases"])),
        ]
        for each in found
    }  # fmt: skip


def files_of_analyst(world: World, theirs: Page) -> dict[Group, list[Decimal]]:
    """What Bob takes away once he is an analyst of the southern shop."""
    world.dashboard.add_user("bob@example.com", Role.ANALYST, slugs=["southern-shop"])
    theirs.reload()
    return groups_of(file_rows(theirs, "CSV"))


def test_a_pivot_is_built_saved_and_opened_by_someone_who_sees_less(
    world: World, open_page: Callable[..., Page]
) -> None:
    truth = world.by_week()
    spends = sorted(each["spend"] for each in truth.values())
    floor = int(spends[len(spends) // 3])
    kept = {group: list(each.values()) for group, each in truth.items() if each["spend"] > floor}
    assert 0 < len(kept) < len(truth)
    names = {each["account_id"]: each["name"] for each in world.sandbox.accounts}

    page = open_page()
    choose_only(page, "Group by", "Client", "Account", "Week")
    choose_only(page, "Metrics", "Purchases", stays="Spend")
    pick(page, "As columns", "Week")
    add_filter(page, "Spend (total of a row)", "over", str(floor))
    asking(page, f"having=spend%3E{floor}")
    assert asked(page) == {
        "group_by": ["client,account,week"], "metrics": ["spend,purchases"], "pivot": ["week"],
        "having": [f"spend>{floor}"],
    }  # fmt: skip
    weeks = sorted({week for _, week in kept})
    accounts = [each for each in world.accounts if any(of == each for of, _ in kept)]
    expect(page.locator(".st-key-pager")).to_contain_text(f"Rows 1 to {len(accounts)} of {len(accounts)}")
    cells = shown(page, accounts, weeks, names)
    assert {group: each for group, each in cells.items() if each != [None, None]} == kept
    total = [sum(each[slug] for each in kept.values()) for slug in (0, 1)]
    assert [number(cell) for place, cell in enumerate(row(page, 0)) if place in (2, 4)] == total

    page.get_by_role("button", name="Saved views").click()
    page.get_by_label("Save this view as").fill("Weeks that cost")
    page.get_by_text("Share it", exact=True).click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("button", name="Weeks that cost")).to_be_visible()
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Copied").wait_for()  # gone after two seconds, and this looks more often
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url

    for label in ("CSV", "Excel CSV (EU)", "Excel", "Parquet"):
        assert groups_of(file_rows(page, label)) == kept, label
    assert api(page, world, f"spend>{floor}") == kept

    bob = world.dashboard.add_user("bob@example.com", Role.VIEWER, slugs=["southern-shop"])
    frames = Frames()
    theirs = open_page(f"?{urlsplit(link).query}", bob, frames)
    mine = {group: each for group, each in kept.items() if group[0] == world.accounts[1]}
    cells = shown(theirs, [world.accounts[1]], sorted({week for _, week in mine}), names)
    assert {group: each for group, each in cells.items() if each != [None, None]} == mine
    assert api(theirs, world, f"spend>{floor}") == mine
    assert asked(theirs) == asked(page)
    theirs.get_by_role("button", name="Saved views").click()
    expect(theirs.get_by_text("No view is shared with you yet.")).to_be_visible()
    expect(theirs.get_by_role("button", name=re.compile("^Weeks that cost|^Download"))).to_have_count(0)
    expect(theirs.get_by_label("Save this view as")).to_have_count(0)
    assert frames.contain("Southern Shop")
    foreign = ["Northern Lights", "northern-lights", "Harbour Group", "Weeks that cost", world.accounts[0]]
    assert files_of_analyst(world, theirs) == mine
    assert not [words for words in foreign if frames.contain(words)]
    world.dashboard.add_user("bob@example.com", Role.VIEWER, slugs=SLUGS)
    opens_from_the_list(theirs, "Weeks that cost")
    assert asked(theirs) == asked(page)


def test_top_with_other_shares_and_changes_are_the_truth(world: World, open_page: Callable[..., Page]) -> None:
    page = open_page("?group_by=account&metrics=spend,purchases,cpa&share=beside&top=1:account:spend&currency=EUR")
    now = {each: world.truth(each, world.since, world.until) for each in world.accounts}
    before = {each: world.truth(each, *previous_period(world.since, world.until)) for each in world.accounts}
    largest, other = sorted(world.accounts, key=lambda each: -now[each]["spend"])
    expect(page.locator(".st-key-trust")).to_contain_text("Answered by")
    total, *found = rows(page)
    whole = sum(each["spend"] for each in now.values())
    assert number(total["Spend"]) == whole
    assert [each["Account"] for each in found][-1] == "Other"
    for account, line in zip((largest, other), found, strict=True):
        spend, purchases = now[account].values()
        assert (number(line["Spend"]), number(line["Purchases"])) == (spend, purchases)
        assert float(line["% of spend"]) == pytest.approx(float(spend / whole * 100))
        assert float(line["Cost per purchase"]) == pytest.approx(float(spend / purchases), abs=0.0001)
        for label, slug in (("Δ Spend", "spend"), ("Δ Purchases", "purchases")):
            assert line[label].endswith(formats.delta(now[account][slug], before[account][slug], "up").text)


def test_currencies_are_never_summed(world: World, open_page: Callable[..., Page]) -> None:
    page = open_page("?group_by=none&metrics=spend&compare=none")
    euros = sum(world.truth(each, world.since, world.until)["spend"] for each in world.accounts)
    assert number(row(page, 0)[0]) == euros
    expect(page.get_by_text("1 account in USD shown apart, never added")).to_be_visible()
    page.get_by_role("radio", name="USD", exact=True).click()
    asking(page, "currency=USD")
    (dollars,) = world.sandbox.of_currency("USD")
    until = yesterday(world.sandbox, "USD")
    truth = world.truth(str(dollars), until - dt.timedelta(days=27), until)["spend"]
    expect(grid(page)).to_contain_text(f"{truth:f}".rstrip("0").rstrip("."))


def test_marks_and_rows_open_and_the_way_leads_back(open_page: Callable[..., Page]) -> None:
    page = open_page("?currency=EUR&group_by=campaign&metrics=spend,purchases")
    pick(page, "Chart", "Scatter")
    asking(page, "chart=scatter")
    expect(page.locator(".st-key-chart .scatterlayer .point").first).to_be_visible()
    pick(page, "Chart", "Bars")
    asking(page, "chart=bar")
    before = page.url
    name = rows(page)[1]["Campaign"]
    click_mark(page, bars(page).first)
    asking(page, "group_by=adset")
    expect(page.locator(".st-key-trail")).to_contain_text(name[:20])
    expect(page.locator(".st-key-pills")).to_contain_text("Campaign is ")
    assert heads(page)[0] == "Ad set"
    spend = number(rows(page)[0]["Spend"])
    click_name(page, 1)
    asking(page, "group_by=ad&")
    assert number(rows(page)[0]["Spend"]) is not None
    deep = page.url
    page.reload()
    settled(page)
    assert page.url == deep
    assert heads(page)[0] == "Ad"
    page.go_back()
    asking(page, "group_by=adset")
    expect(page.get_by_role("heading", name="Spend by ad set")).to_be_visible()
    settled(page)
    assert number(rows(page)[0]["Spend"]) == spend
    page.go_forward()
    asking(page, "group_by=ad&")
    page.locator(".st-key-trail").get_by_role("button", name=name[:10]).click()
    asking(page, "group_by=adset")
    page.locator(".st-key-trail").get_by_role("button", name="All").click()
    expect(page.locator(".st-key-trail")).to_have_count(0)
    settled(page)
    assert asked(page) == parse_qs(urlsplit(before).query)


def test_a_heat_map_opens_too_and_a_head_sorts(open_page: Callable[..., Page]) -> None:
    page = open_page("?currency=EUR&group_by=objective,weekday&metrics=spend,roas&chart=heat&compare=none")
    expect(page.locator(".st-key-chart .hm image")).to_be_attached()
    marks = page.locator(".st-key-chart .scatterlayer .point")
    click_mark(page, marks.first)
    asking(page, "filter=objective")
    page.go_back()
    expect(page.locator(".st-key-pills")).not_to_contain_text("Objective is")
    settled(page)
    click_head(page, 60)
    asking(page, "order=objective")
    objectives = [each["Objective"] for each in rows(page)[1:]]
    assert objectives == sorted(objectives)
    page.get_by_role("button", name="A to Z").click()
    asking(page, "order=-objective")


def test_every_click_on_a_head_counts_once(open_page: Callable[..., Page]) -> None:
    page = open_page("?currency=EUR&group_by=campaign&metrics=spend,roas&order=-spend")
    for order in ("campaign", "-campaign", "campaign", "-campaign"):
        click_head(page, 60)
        page.wait_for_url(re.compile(rf"order={order}(&|$)"))
        settled(page)
    pick(page, "Chart", "Bars")
    page.wait_for_url(re.compile("chart=bar"))
    settled(page)
    assert asked(page)["order"] == ["-campaign"]


@pytest.mark.parametrize(
    ("what", "how", "typed", "sentence"),
    [
        ("Campaign", "matches", "(", "A regular expression of the filters cannot be read"),
        ("Spend (total of a row)", "over", "a lot", "needs a number, not"),
    ],
)
def test_bad_input_is_a_sentence_and_the_answer_stays(
    open_page: Callable[..., Page], what: str, how: str, typed: str, sentence: str
) -> None:
    page = open_page("?currency=EUR")
    before = rows(page)
    add_filter(page, what, how, typed)
    expect(page.get_by_text(sentence)).to_be_visible()
    assert asked(page) == {"currency": ["EUR"]}
    assert rows(page) == before


HOSTILE = "'; DROP TABLE insight; --\"<img src=x onerror=alert(1)>=1+1,$x$ ${7*7} [a](javascript:alert(1)) 🎯"


def test_a_hostile_text_is_harmless_in_every_box(world: World, open_page: Callable[..., Page]) -> None:
    page = open_page("?currency=EUR")
    said: list[str] = []
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    whole = row(page, 0)
    for what, how in (("Campaign", "contains"), ("Ad", "starts with"), ("Creative", "does not contain")):
        add_filter(page, what, how, HOSTILE)
        expect(page.locator(".st-key-pills")).to_contain_text(f"{what} {how} “'; DROP TABLE")
        settled(page)
    expect(page.get_by_text("No match")).to_be_visible()
    page.reload()
    settled(page)
    expect(page.get_by_text("No match")).to_be_visible()
    add_filter(page, "Clicks (all) (of one ad on one day)", "over", HOSTILE)
    expect(page.get_by_text("needs a number, not")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator(".st-key-clear_no_match button").click()
    asking(page, "/explore$")
    assert row(page, 0) == whole
    page.get_by_role("button", name="Saved views").click()
    page.get_by_label("Save this view as").fill(HOSTILE)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".st-key-saved_menu button").first).to_contain_text("'; DROP TABLE")
    for label in ("Group by", "Metrics"):
        page.get_by_label(label, exact=True).fill(HOSTILE)
        page.keyboard.press("Escape")
        page.keyboard.press("Escape")
    assert page.locator(".stMain img[src=x], .stMain a[href^=javascript]").count() == 0
    assert said == []


def test_a_saved_view_is_personal_until_shared_and_can_be_renamed_and_deleted(
    world: World, open_page: Callable[..., Page]
) -> None:
    page = open_page("?period=last_7&group_by=date&metrics=spend&currency=EUR")
    page.get_by_role("button", name="Saved views").click()
    page.get_by_label("Save this view as").fill("My week")
    page.get_by_text("Fixed", exact=True).click()
    page.get_by_role("button", name="Save", exact=True).click()
    asking(page, f"since={world.until - dt.timedelta(days=6)}&until={world.until}")
    other = open_page("", world.dashboard.add_user("cleo@example.com", Role.ANALYST, slugs=SLUGS))
    other.get_by_role("button", name="Saved views").click()
    expect(other.get_by_label("Save this view as")).to_be_visible()
    expect(other.get_by_text("My week")).to_have_count(0)

    menu = page.locator(".st-key-saved_menu button").first
    menu.click()
    page.get_by_label("Rename").fill("Our week")
    page.get_by_role("button", name="Rename", exact=True).click()
    expect(menu).to_contain_text("Our week")
    settled(page)
    menu.click()
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_role("button", name="Keep to myself")).to_be_visible()
    other.reload()
    settled(other)
    other.get_by_role("button", name="Saved views").click()
    other.get_by_role("button", name="Our week").click()
    asking(other, "since=")
    other.locator(".st-key-saved_menu button").first.click()
    expect(other.get_by_label("Save this view as")).to_be_visible()
    expect(other.get_by_role("button", name="Delete", exact=True)).to_have_count(0)

    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete it").click()
    expect(menu).to_contain_text("Saved views")


def test_the_overview_leads_here_with_its_own_state(world: World, open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.goto(f"{world.dashboard.url}/?period=last_7&currency=EUR&client=southern-shop&sort=-roas&metric=purchases")
    loaded(page)
    page.get_by_role("link", name="Explore campaigns").click()
    page.wait_for_url(re.compile("/explore"))
    settled(page)
    expect(page.get_by_role("combobox", name="Period", exact=True)).to_have_value("Last 7 days")
    expect(page.get_by_role("combobox", name="Sort by", exact=True)).to_have_value("ROAS")
    expect(page.get_by_role("heading", name="Purchases by campaign")).to_be_visible()
    expect(page.locator(".st-key-pills")).to_contain_text("Client: Southern Shop")
    truth = world.truth(world.accounts[1], world.until - dt.timedelta(days=6), world.until)
    total = rows(page)[0]
    assert (number(total["Spend"]), number(total["Purchases"])) == tuple(truth.values())


def test_nothing_is_wider_than_a_phone(open_page: Callable[..., Page]) -> None:
    page = open_page("?currency=EUR&group_by=campaign,adset,week&pivot=week&metrics=spend,roas&having=spend>50")
    page.set_viewport_size({"width": 390, "height": 844})
    settled(page)
    expect(page.get_by_label("Group by", exact=True)).to_be_hidden()
    head = page.locator(".st-key-chart").bounding_box()
    assert head is not None
    assert head["y"] < 844
    page.get_by_text("Change the question: Spend and ROAS by campaign").click()
    expect(page.get_by_label("Group by", exact=True)).to_be_visible()
    expect(page.locator(".st-key-chart .main-svg").first).to_be_visible()
    fits = "document.querySelector('.stMain').scrollWidth <= 390"
    until(lambda: page.evaluate(fits), "nothing lies beside the screen")
    expect(page.get_by_role("button", name=re.compile("^Download"))).to_be_visible()


def test_a_breakdown_says_why_there_is_no_answer(open_page: Callable[..., Page]) -> None:
    page = open_page("?group_by=country&metrics=spend,purchases")
    expect(page.get_by_text("This breakdown is not fetched")).to_be_visible()
    expect(page.get_by_text("choose the breakdown for the client under Clients")).to_be_visible()
    page = open_page("?group_by=country,age&metrics=spend")
    expect(page.get_by_text("Meta does not report this combination", exact=True)).to_be_visible()
    expect(page.get_by_text("age and gender may go together")).to_be_visible()


def test_reach_of_a_period_that_nobody_fetched_is_fetched_when_asked_for(
    world: World, open_page: Callable[..., Page]
) -> None:
    since, last = world.until - dt.timedelta(days=9), world.until - dt.timedelta(days=2)
    account = world.accounts[0]
    manager = world.dashboard.add_user("mara@example.com", Role.MANAGER, slugs=SLUGS)
    query = f"?since={since}&until={last}&group_by=account&metrics=spend,reach&account={account}&compare=none"
    page = open_page(query, manager)
    expect(page.get_by_text(re.compile("^Reach: not fetched"))).to_be_visible()
    page.get_by_role("button", name=re.compile("^Fetch reach of .* from Meta$")).click()
    until(lambda: number(rows(page)[-1].get("Reach", "")) is not None, "the reach that was asked for", within_s=60)
    said = httpx.get(
        f"{world.sandbox.url}/v26.0/act_{account}/insights",
        params={"access_token": "t", "level": "account", "fields": "reach",
                "time_range": json.dumps({"since": since.isoformat(), "until": last.isoformat()})},
    ).json()["data"][0]["reach"]  # fmt: skip
    assert number(rows(page)[-1]["Reach"]) == int(said)
