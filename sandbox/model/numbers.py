"""The integers of one account and day: what each ad finally earned, and how much of it is known by now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from sandbox.model import rand
from sandbox.model.columns import INDEX, RESTATED, WIDTH
from sandbox.model.entities import Calendar
from sandbox.model.objectives import rates
from sandbox.model.rand import Floats, Ints, Keys

MATURE_DAYS = 28
_PPM = 1_000_000
_WEEKDAY = (0.97, 0.95, 0.96, 1.0, 1.06, 1.08, 1.12)
_BUDGET_EUR = 19.0


@dataclass(frozen=True)
class Cells:
    """Ads that delivered on one day: who they are, their integers (n x WIDTH), and a key for later draws."""

    code: Ints
    base: Ints
    key: Keys


def season(day: dt.date) -> float:
    """Demand through the year: a slack summer, a long climb to Black Friday, a hangover in January."""
    of_year = day.timetuple().tm_yday
    wave = 1.0 + 0.10 * float(np.cos(2 * np.pi * (of_year - 340) / 365.25))
    if day.month == 11 and day.day >= 22:
        wave *= 1.45
    elif day.month == 12 and day.day <= 20:
        wave *= 1.22
    elif day.month == 1 and day.day <= 20:
        wave *= 0.82
    return wave


def final(calendar: Calendar, ordinal: int) -> Cells:
    """The day's integers once nothing about it changes any more."""
    account = calendar.account
    lives = calendar.on(ordinal)
    traits = calendar.traits(lives)
    key = rand.keys(account.key ^ 0xDA, calendar.slot, np.full_like(calendar.slot, ordinal))
    draws = rand.uniforms(key, 40)
    live = np.flatnonzero(traits.delivers & (traits.first <= ordinal) & (ordinal < traits.last) & (draws[0] >= 0.01))
    draws, trait, key = draws[:, live], traits.draws[:, live], key[live]
    age = (ordinal - traits.first[live]).astype(np.float64)
    base = _funnel(calendar, ordinal, live, age=age, trait=trait, draws=draws)
    kept = np.flatnonzero(base[:, INDEX["impressions"]] > 0)
    return Cells(code=lives.code[live][kept], base=base[kept], key=key[kept])


def _whole(expected: Floats, draw: Floats) -> Floats:
    """Round to whole numbers so that the mean stays: 0.6 becomes 1 in six draws of ten."""
    counted: Floats = np.floor(expected + draw)
    return counted


def _funnel(calendar: Calendar, ordinal: int, live: Ints, *, age: Floats, trait: Floats, draws: Floats) -> Ints:
    """Money first, then impressions, clicks and what followed from them; no step exceeds the one before."""
    account, day = calendar.account, dt.date.fromordinal(ordinal)
    rate = rates(calendar.campaign_slot[live])
    minor = account.market.rate * 10**account.market.exponent
    demand = season(day)
    weight = np.exp(0.75 * rand.bell(trait[3], trait[4]))
    ramp = 1.0 - 0.75 * np.exp(-(age + 1.0) / 4.0)
    tired = np.exp(-age / 55.0)
    trend = 1.0 + 0.08 * np.sin(2 * np.pi * (ordinal % 730) / 730 + account.number)
    budget = _BUDGET_EUR * account.scale * minor * rate["budget"] * weight * ramp
    spend = _whole(budget * trend * demand * _WEEKDAY[day.weekday()] * (0.82 + 0.36 * draws[1]), draws[2])
    cpm = rate["cpm"] * minor * (0.75 + 0.5 * trait[5]) * (0.9 + 0.2 * draws[3]) * demand**0.5
    shown = _whole(1000.0 * spend / cpm, draws[4])
    ctr = rate["ctr"] * (0.7 + 0.6 * trait[6]) * (0.66 + 0.42 * tired) * (0.88 + 0.24 * draws[5])
    clicks = np.minimum(_whole(shown * ctr, draws[6]), shown)
    links = np.minimum(_whole(clicks * rate["link"] * (0.92 + 0.16 * draws[7]), draws[8]), clicks)
    out: dict[str, Floats] = {"spend": spend, "impressions": shown, "clicks": clicks, "link_clicks": links}
    often = 1.06 + 0.35 * trait[7] + 0.004 * age
    out["reach"] = np.maximum(np.minimum(shown, np.floor(shown / often)), (shown > 0) * 1.0)
    out["outbound_clicks"] = _whole(links * (0.90 + 0.06 * draws[9]), draws[10] * 0.5)
    out["unique_link_clicks"] = np.ceil(links * (0.93 + 0.05 * draws[11]))
    out["unique_clicks"] = np.minimum(np.ceil(clicks * (0.91 + 0.05 * draws[36])), out["reach"])
    out["unique_clicks"] = np.maximum(out["unique_clicks"], out["unique_link_clicks"])
    _engagement(out, trait, draws)
    _conversions(out, rate, trait, draws, minor)
    table = np.zeros((len(live), WIDTH), dtype=np.int64)
    for name, values in out.items():
        table[:, INDEX[name]] = values
    return table


def _engagement(out: dict[str, Floats], trait: Floats, draws: Floats) -> None:
    """Reactions on every ad, views on the ads that are videos (a bit fewer than half)."""
    shown, video = out["impressions"], trait[8] < 0.45
    out["video_plays"] = _whole(shown * video * (0.52 + 0.2 * trait[9]), draws[12] * video)
    watched = shown * video * (0.16 + 0.18 * trait[10]) * (0.9 + 0.2 * draws[13])
    out["video_3s_plays"] = np.minimum(_whole(watched, draws[14] * video), out["video_plays"])
    seen = out["video_3s_plays"]
    shares = {"video_p25": 0.62, "video_p50": 0.38, "video_15s_plays": 0.33, "thruplays": 0.29, "video_p75": 0.24,
              "video_p100": 0.15}  # fmt: skip
    for position, (name, share) in enumerate(shares.items()):
        seen = np.minimum(_whole(out["video_3s_plays"] * share * (0.85 + 0.3 * trait[11]), draws[15 + position]), seen)
        out[name] = seen * (out["video_3s_plays"] > 0)
    out["reactions"] = _whole(out["clicks"] * 0.11 * (0.5 + trait[12]), draws[21])
    out["comments"] = _whole(out["clicks"] * 0.012, draws[22])
    out["shares"] = _whole(out["clicks"] * 0.009, draws[23])
    out["saves"] = _whole(out["clicks"] * 0.014, draws[24])
    acted = out["reactions"] + out["comments"] + out["shares"] + out["saves"]
    out["engagements"] = acted + out["link_clicks"] + out["video_3s_plays"]
    out["page_engagements"] = out["engagements"] + np.floor(out["reactions"] * 0.1)


def _conversions(out: dict[str, Floats], rate: dict[str, Floats], trait: Floats, draws: Floats, minor: float) -> None:
    """From the landing page to the till; leads, installs and conversations branch off the click."""
    links = out["link_clicks"]
    skill = 0.65 + 0.7 * trait[13]
    noise = 0.9 + 0.2 * draws[25]
    landed = np.minimum(_whole(links * rate["landing"] * noise, draws[26] * (rate["landing"] > 0)), links)
    out["landing_page_views"] = landed
    out["content_views"] = np.minimum(_whole(landed * rate["content"], draws[27] * (rate["content"] > 0)), landed)
    cart = _whole(landed * rate["cart"] * skill * noise, draws[28] * (rate["cart"] > 0))
    out["add_to_cart"] = np.minimum(cart, landed)
    checkouts = _whole(out["add_to_cart"] * rate["checkout"], draws[29] * (rate["checkout"] > 0))
    out["checkouts"] = np.minimum(checkouts, out["add_to_cart"])
    bought = _whole(out["checkouts"] * rate["purchase"] * (0.9 + 0.2 * draws[30]), draws[31])
    out["purchases"] = np.minimum(bought, out["checkouts"])
    order = rate["order_value"] * minor * (0.8 + 0.4 * trait[14]) * (0.75 + 0.5 * draws[32])
    out["revenue"] = np.floor(out["purchases"] * order)
    out["leads"] = np.minimum(_whole(landed * rate["lead"] * skill, draws[33] * (rate["lead"] > 0)), landed)
    installs = _whole(links * rate["install"] * skill, draws[34] * (rate["install"] > 0))
    out["app_installs"] = np.minimum(installs, links)
    talks = _whole(links * rate["conversation"] * skill, draws[35] * (rate["conversation"] > 0))
    out["conversations"] = np.minimum(talks, links)


def known_ppm(age_days: int) -> int:
    """How many conversions in a million are known after so many days: 58 % on the day, all after 28."""
    if age_days >= MATURE_DAYS:
        return _PPM
    missing = 0.42 * (1.0 - age_days / MATURE_DAYS) ** 2.2
    return int(_PPM * (1.0 - missing))


def observed(cells: Cells, age_days: int, elapsed_ppm: int) -> Ints:
    """The day's integers as they stand `age_days` after it; on the day itself only the elapsed part.

    Both effects only ever grow: a later look never shows fewer conversions than an earlier one.
    """
    if age_days >= MATURE_DAYS:
        return cells.base
    base = cells.base.copy()
    if age_days == 0:
        base = base * elapsed_ppm // _PPM
    ppm = known_ppm(age_days)
    for position, name in enumerate(RESTATED):
        column = base[:, INDEX[name]]
        luck = (rand.uniform(cells.key, 60 + position) * _PPM).astype(np.int64)
        base[:, INDEX[name]] = np.minimum((column * ppm + luck) // _PPM, column)
    bought, revenue = cells.base[:, INDEX["purchases"]], cells.base[:, INDEX["revenue"]]
    base[:, INDEX["revenue"]] = revenue * base[:, INDEX["purchases"]] // np.maximum(bought, 1)
    return base
