"""CSV: to the byte, defused, exact, every row."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.insights.export import FORMULA_STARTS, defused, write_csv
from tests.unit.insights.export.answers import AD_ID, COLUMNS, KEYS, TEXTS, TRAPS, answer, row, written

HEADER = "\ufeff" + ",".join(KEYS) + "\r\n"


def cells_of(content: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def test_to_the_byte() -> None:
    file = io.BytesIO()
    write_csv(answer(row('=HYPERLINK("x")'), row("Été, 🎉", currency="JPY", spend="700")), file)
    expected = (
        f'{HEADER}2026-01-31,"{AD_ID}","\'=HYPERLINK(""x"")","EUR",-12.30,1.3667,7,0.012300,2.500000\r\n'
        f'2026-01-31,"{AD_ID}","Été, 🎉","JPY",700,1.3667,7,0.012300,2.500000\r\n'
    )
    assert file.getvalue() == expected.encode()


def test_the_european_one_to_the_byte() -> None:
    expected = (
        "\ufeff" + ";".join(KEYS) + f'\r\n2026-01-31;"{AD_ID}";"1,5; ""x""";"EUR";-12,30;1,3667;7;0,012300;2,500000\r\n'
    )
    assert written("csv-eu", row('1,5; "x"')) == expected.encode()


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_texts_that_begin_like_a_formula_are_defused(start: str) -> None:
    assert defused(f"{start}1+1") == f"'{start}1+1"
    assert defused(f" {start}") == f" {start}"


@given(st.lists(st.one_of(TEXTS, st.sampled_from(TRAPS))), st.sampled_from(["csv", "csv-eu"]))
def test_every_text_comes_back(names: list[str], name: str) -> None:
    rows = cells_of(written(name, *(row(each) for each in names)), ";" if name == "csv-eu" else ",")
    assert [each[2] for each in rows[1:]] == [defused(each) for each in names]
    assert all(not each[2].startswith(FORMULA_STARTS) for each in rows)


AMOUNTS = st.decimals(-(10**13), 10**13, places=6)
CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD", "CLF", "XYZ", None])


@given(st.lists(st.tuples(CURRENCIES, AMOUNTS | AMOUNTS.map(lambda each: round(each, 2)), AMOUNTS)))
def test_money_is_written_as_the_answer_tells_it(drawn: list[tuple[str | None, Decimal, Decimal]]) -> None:
    """Row by row in Python, as ``InsightAnswer.rows`` does, and by columns, as the writers do."""
    rows = [row(currency=code, spend=str(spend), cpa=str(round(cpa, 2))) for code, spend, cpa in drawn]
    told = [(format(each[4], "f"), each[5]) for each in answer(*rows).rows]
    found = [(each[4], Decimal(each[5])) for each in cells_of(written("csv", *rows))[1:]]
    assert found == told


def test_missing_values_and_tiny_numbers() -> None:
    empty = written("csv", row(None, currency=None, spend=None, cpa=None, clicks=None, ctr="0", roas=None, day=None))
    assert empty.decode() == f'{HEADER},"{AD_ID}",,,,,,0.000000,\r\n'
    tiny = written("csv", row("", spend="0.000001", cpa="-0.000001", ctr="-0.000001"))
    assert tiny.decode().splitlines()[1] == f'2026-01-31,"{AD_ID}","","EUR",0.000001,-0.000001,7,-0.000001,2.500000'


def test_an_empty_answer_is_its_header() -> None:
    assert written("csv").decode() == HEADER


def test_many_rows_are_all_written() -> None:
    rows = [row(f"ad {number}") for number in range(70_001)]
    found = pd.read_csv(io.BytesIO(written("csv", *rows)), dtype={"ad_id": str})
    assert list(found.columns) == [column.key for column in COLUMNS]
    assert found["ad_name"].tolist() == [f"ad {number}" for number in range(70_001)]
    assert set(found["ad_id"]) == {AD_ID}
