"""JSON: one object a line, ids and money as strings, ratios as numbers."""

from __future__ import annotations

import io
import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from lib.insights.export import write_json
from tests.unit.insights.export.answers import AD_ID, KEYS, TEXTS, TRAPS, answer, row, written


def test_to_the_byte() -> None:
    file = io.BytesIO()
    write_json(answer(row("Été"), row(None, currency="JPY", spend=None, clicks=None, ctr="0", roas=None)), file)
    expected = (
        f'[\n{{"date": "2026-01-31", "ad_id": "{AD_ID}", "ad_name": "Été", "currency": "EUR", "spend": "-12.30",'
        f' "cpa": "1.3667", "clicks": 7, "ctr": 0.0123, "roas": 2.5}},\n'
        f'{{"date": "2026-01-31", "ad_id": "{AD_ID}", "ad_name": null, "currency": "JPY", "spend": null,'
        f' "cpa": "1.3667", "clicks": null, "ctr": 0.0, "roas": null}}\n]\n'
    )
    assert file.getvalue().decode() == expected


@given(st.lists(st.one_of(TEXTS, st.sampled_from(TRAPS))))
def test_every_text_comes_back(names: list[str]) -> None:
    objects = json.loads(written("json", *(row(each) for each in names)))
    assert [each["ad_name"] for each in objects] == names
    assert all(list(each) == KEYS for each in objects)


@given(st.lists(st.decimals(-(10**9), 10**9, places=6)))
def test_every_ratio_comes_back(ratios: list[Decimal]) -> None:
    rows = [row(ctr=str(each), roas=str(each)) for each in ratios]
    objects = json.loads(written("json", *rows), parse_float=Decimal)
    assert [(each["ctr"], each["roas"]) for each in objects] == [(each, each) for each in ratios]
    assert all(isinstance(each["ctr"], Decimal) for each in objects), "2.0, not 2"


def test_an_empty_answer_is_an_empty_list() -> None:
    assert written("json") == b"[]\n"


def test_many_rows_make_one_list() -> None:
    rows = [row(f"ad {number}") for number in range(70_001)]
    assert len(json.loads(written("json", *rows))) == 70_001
