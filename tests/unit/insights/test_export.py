"""Files: defused text, ids as text, exact money, every row."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.insights.answer import Column, InsightAnswer, Value
from lib.insights.export import FORMULA_STARTS, defused, file_name, write_csv, write_json
from lib.insights.query import InsightQuery

COLUMNS = (
    Column("date", "Date", "date"),
    Column("ad_id", "Ad ID", "id"),
    Column("ad_name", "Ad", "text"),
    Column("currency", "Currency", "text"),
    Column("spend", "Spend", "money"),
    Column("clicks", "Clicks (all)", "count"),
    Column("ctr", "CTR (all)", "percent"),
)
DAY = dt.date(2026, 1, 31)
AD_ID = "120212345678901234"


def answer_of(*names: str, spend: Decimal | None = Decimal("-12.30"), ctr: str = "0.012300") -> InsightAnswer:
    rows: list[tuple[Value, ...]] = [(DAY, AD_ID, name, "EUR", spend, 7, Decimal(ctr)) for name in names]
    return InsightAnswer(COLUMNS, rows)


def as_csv(answer: InsightAnswer) -> bytes:
    file = io.BytesIO()
    write_csv(answer, file)
    return file.getvalue()


def as_json(answer: InsightAnswer) -> bytes:
    file = io.BytesIO()
    write_json(answer, file)
    return file.getvalue()


def test_csv_to_the_byte() -> None:
    written = as_csv(answer_of('=HYPERLINK("x")', "Été, 🎉"))

    assert (
        written
        == (
            "\ufeffdate,ad_id,ad_name,currency,spend,clicks,ctr\r\n"
            f'2026-01-31,"{AD_ID}","\'=HYPERLINK(""x"")","EUR",-12.30,7,0.012300\r\n'
            f'2026-01-31,"{AD_ID}","Été, 🎉","EUR",-12.30,7,0.012300\r\n'
        ).encode()
    )


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_texts_that_begin_like_a_formula_are_defused(start: str) -> None:
    assert defused(f"{start}1+1") == f"'{start}1+1"
    assert defused(f" {start}") == f" {start}"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_csv_gives_every_text_back(names: list[str]) -> None:
    text = as_csv(answer_of(*names)).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))

    assert [row[2] for row in rows[1:]] == [defused(name) for name in names]
    assert all(not row[2].startswith(FORMULA_STARTS) for row in rows)
    assert {row[4] for row in rows[1:]} <= {"-12.30"}


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_json_gives_every_text_back(names: list[str]) -> None:
    objects = json.loads(as_json(answer_of(*names)))

    assert [each["ad_name"] for each in objects] == names
    for each in objects:
        assert list(each) == [column.key for column in COLUMNS]
        assert (each["ad_id"], each["spend"], each["clicks"], each["ctr"]) == (AD_ID, "-12.30", 7, 0.0123)
        assert each["date"] == "2026-01-31"


def test_missing_values_and_tiny_numbers() -> None:
    answer = answer_of("x", spend=None, ctr="0E-6")

    assert as_csv(answer).endswith(b',"x","EUR",,7,0.000000\r\n')
    assert json.loads(as_json(answer))[0]["spend"] is None


def test_empty_answers() -> None:
    assert as_csv(answer_of()).decode("utf-8-sig") == "date,ad_id,ad_name,currency,spend,clicks,ctr\r\n"
    assert as_json(answer_of()) == b"[]\n"


def test_many_rows_are_all_written() -> None:
    answer = answer_of(*(f"ad {number}" for number in range(10_001)))

    assert len(json.loads(as_json(answer))) == 10_001
    assert len(pd.read_csv(io.BytesIO(as_csv(answer)), dtype={"ad_id": str})) == 10_001


def test_names_of_files() -> None:
    query = InsightQuery(dt.date(2026, 1, 1), DAY, ("date", "campaign"), ("spend",))

    assert file_name(query, "csv", client="Müller & Söhne/..") == "muller-sohne_2026-01-01_2026-01-31_date-campaign.csv"
    assert file_name(query, "csv", client="日本", is_sample=True).endswith("_date-campaign_sample.csv")
    total = InsightQuery(DAY, DAY, (), ("spend",))
    assert file_name(total, "json") == "all-clients_2026-01-31_2026-01-31_total.json"
