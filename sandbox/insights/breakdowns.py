"""Breakdowns: a deterministic split of each ad's day into segments that add up to the whole."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sandbox import errors
from sandbox.model import rand
from sandbox.model.accounts import Account
from sandbox.model.columns import INDEX, OFF_META
from sandbox.model.rand import Ints, Keys

_AGES = {"18-24": 14, "25-34": 30, "35-44": 24, "45-54": 16, "55-64": 10, "65+": 6}
_GENDERS = {"female": 54, "male": 43, "unknown": 3}
_PLATFORMS = {"facebook": 48, "instagram": 44, "audience_network": 5, "messenger": 3}
_DEVICES = {"mobile_app": 86, "mobile_web": 6, "desktop": 8}
_POSITIONS = {"feed": 50, "story": 18, "reels": 22, "search": 4, "marketplace": 6}
_IMPRESSION_DEVICES = {"iphone": 46, "ipad": 3, "android_smartphone": 40, "desktop": 8, "other": 3}
_AREAS = {"New York": 28, "Los Angeles": 24, "Chicago": 18, "Dallas-Ft. Worth": 16, "Unknown": 14}
_NOWHERE = {"Unknown": 1}
_HOURS = {f"{hour:02d}:00:00 - {hour:02d}:59:59": 1 + (hour > 6) * 4 + (17 < hour < 23) * 4 for hour in range(24)}
_REGIONS = {"North": 30, "South": 28, "East": 18, "West": 24}
HOURLY = "hourly_stats_aggregated_by_advertiser_time_zone"
AREAS = ("dma", "comscore_market")
DMA_GONE = dt.date(2026, 6, 22)
_TABLES = {"age": _AGES, "gender": _GENDERS, "publisher_platform": _PLATFORMS, "device_platform": _DEVICES,
           "platform_position": _POSITIONS, "impression_device": _IMPRESSION_DEVICES, "region": _REGIONS,
           HOURLY: _HOURS}  # fmt: skip
_TOGETHER = ({"age", "gender"}, {"publisher_platform", "device_platform", "platform_position"},
             {"publisher_platform", "impression_device", "platform_position"})  # fmt: skip
_NOT_OFF_META = {"region", HOURLY, *AREAS}
KNOWN = {*_TABLES, "country", *AREAS, "product_id", "frequency_value",
         "hourly_stats_aggregated_by_audience_time_zone", "user_segment_key", "image_asset", "video_asset",
         "body_asset", "title_asset"}  # fmt: skip


@dataclass(frozen=True)
class Split:
    """The segments of one breakdown: JSON text for each, weights, and what it cannot report."""

    names: tuple[str, ...]
    labels: tuple[str, ...]
    weights: Ints
    hides_off_meta: bool


WHOLE = Split((), ("",), np.array([1], dtype=np.int64), False)


def split(account: Account, asked: Sequence[str], today: dt.date) -> Split:
    """The split for the asked breakdowns; combinations that Meta refuses are refused."""
    if not asked:
        return WHOLE
    tables = [_table(account, name, today) for name in asked]
    if len(set(asked)) != len(asked) or (len(asked) > 1 and not any(set(asked) <= group for group in _TOGETHER)):
        combined = ", ".join(asked)
        raise errors.bad_parameter(f"Current combination of data breakdown columns ({combined}) is invalid")
    labels, weights = [], []
    for combination in itertools.product(*(table.items() for table in tables)):
        pairs = zip(asked, combination, strict=True)
        labels.append("".join(f',"{name}":"{label}"' for name, (label, _) in pairs))
        weights.append(int(np.prod([weight for _, weight in combination])))
    return Split(tuple(asked), tuple(labels), np.array(weights, dtype=np.int64), bool(_NOT_OFF_META & set(asked)))


def _table(account: Account, name: str, today: dt.date) -> dict[str, int]:
    """The segments of one breakdown with their weights. Areas are American; `dma` is refused since its last day."""
    if name == "country":
        return dict(zip(account.market.countries, (64, 19, 11, 6), strict=True))
    if name in AREAS and (name != "dma" or today < DMA_GONE):
        return _AREAS if account.market.countries[0] == "US" else _NOWHERE
    if name not in _TABLES:
        areas = AREAS[today >= DMA_GONE :]
        valid = ", ".join(sorted([*_TABLES, "country", *areas]))
        raise errors.bad_parameter(f"breakdowns[0] must be one of the following values: {valid}")
    return _TABLES[name]


def apply(of: Split, base: Ints, key: Keys) -> tuple[Ints, Keys]:
    """Split rows into segments, ad by ad: (rows x segments, columns), and a key for each new row.

    The parts are differences of a rounded running total, so they are whole, never negative, and add up.
    Revenue goes where the purchases went.
    """
    segments = len(of.labels)
    rows, width = base.shape
    row_keys = rand.mix_array(np.repeat(key, segments) ^ np.tile(np.arange(1, segments + 1, dtype=np.uint64), rows))
    lean = of.weights * (0.7 + 0.6 * rand.uniform(row_keys, 1).reshape(rows, segments))
    running = np.cumsum(lean, axis=1) / lean.sum(axis=1, keepdims=True)
    running[:, -1] = 1.0
    offset = rand.uniforms(key, width, first=500).T
    total = np.floor(base[:, None, :] * running[:, :, None] + offset[:, None, :]).astype(np.int64)
    bought, earned = base[:, INDEX["purchases"]], base[:, INDEX["revenue"]]
    total[:, :, INDEX["revenue"]] = earned[:, None] * total[:, :, INDEX["purchases"]] // np.maximum(bought, 1)[:, None]
    parts = np.diff(total, axis=1, prepend=0).reshape(rows * segments, width)
    if of.hides_off_meta:
        parts[:, [INDEX[name] for name in OFF_META]] = 0
    return parts, row_keys
