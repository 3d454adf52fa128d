"""``export``: its words, its files, and what it says on stderr."""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import hashlib
import io
import json
import os
import pty
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from lib.commands import export
from lib.errors import AppError, UsageError
from lib.insights.export import FORMATS, NotLogged, newest_exports
from lib.insights.scope import operator_viewer
from lib.store.engine import Store
from tests import factories
from tests.fixtures_database import Database

DAY = dt.date(2026, 1, 1)
PERIOD = ("--since", "2026-01-01", "--until", "2026-01-02")
SPEND = (*PERIOD, "--metrics", "spend")


@pytest.fixture
async def stored(store: Store) -> Store:
    """One client with a full account (11) and a sample client with another (22); day two was never fetched."""
    async with store.working() as session:
        acme = await factories.add_client(session, "acme")
        samples = await factories.add_client(session, "samples", is_sample=True)
        await factories.add_account(session, 11, acme)
        await factories.add_account(session, 22, samples, currency="JPY")
        await factories.add_ad(session, 11, 120212345678901234, name="=1+1")
        rows = [
            factories.insight_row(11, DAY, ad_id=120212345678901234, spend="12.30", impressions=1000, clicks=9),
            factories.insight_row(11, DAY, ad_id=2, spend="5", impressions=10, clicks=0),
            factories.insight_row(22, DAY, ad_id=3, spend=700, impressions=10, clicks=1),
        ]
        await factories.add_insights(session, rows)
        for account_id in (11, 22):
            await factories.add_slice(session, account_id, DAY)
    return store


async def call(store: Store, *words: str) -> int:
    """Run the command with these words, as the command line does."""
    whole = argparse.ArgumentParser()
    export.configure(whole.add_subparsers().add_parser("export"))
    return await export.run(whole.parse_args(["export", *words]), store)


def names_in(folder: Path) -> list[str]:
    """What lies in the folder."""
    return sorted(path.name for path in folder.iterdir())


async def test_json(stored: Store, capfd: pytest.CaptureFixture[str]) -> None:
    words = ("--group-by", "date,ad", "--metrics", "spend,clicks,ctr,cpc,reach", "--order", "-spend", "--limit", "2")
    assert await call(stored, *PERIOD, *words, "--account", "act_11") == 0

    said = capfd.readouterr()
    first, second = json.loads(said.out)
    assert first == {
        "date": "2026-01-01",
        "ad_id": "120212345678901234",
        "ad_name": "=1+1",
        "currency": "EUR",
        "spend": "12.30",
        "clicks": 9,
        "ctr": 0.009,
        "cpc": "1.3667",
        "reach": None,
    }
    assert (second["ad_name"], second["spend"], second["cpc"]) == ("2", "5.00", None)
    assert said.err == (
        "Incomplete: days that are not refreshed, or not whole, over all accounts: 1.\nAnswered by postgres.\n"
    )


async def test_csv_of_samples_says_so(stored: Store, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert await call(stored, *SPEND, "--group-by", "ad", "--format", "csv", "--order=-ad,currency") == 0

    said = capfdbinary.readouterr()
    assert (
        said.out
        == (
            "\ufeffad_id,ad_name,currency,spend\r\n"
            '"120212345678901234","\'=1+1","EUR",12.30\r\n"3","3","JPY",700\r\n"2","2","EUR",5.00\r\n'
        ).encode()
    )
    assert b"Sample data" in said.err


async def test_filters_and_having(stored: Store, capfd: pytest.CaptureFixture[str]) -> None:
    words = ("--group-by", "ad", "--filter", "ad_id=2,3", "--filter", "spend>1", "--having", "impressions>=10")
    assert await call(stored, *SPEND, *words, "--account", "11", "--account", "act_22") == 0
    assert [row["spend"] for row in json.loads(capfd.readouterr().out)] == ["5.00", "700"]


async def test_totals_stand_apart_by_currency(stored: Store, capfd: pytest.CaptureFixture[str]) -> None:
    assert await call(stored, *SPEND) == 0
    assert json.loads(capfd.readouterr().out) == [
        {"currency": "EUR", "spend": "17.30"},
        {"currency": "JPY", "spend": "700"},
    ]


async def test_empty_answers_say_why(stored: Store, capfd: pytest.CaptureFixture[str]) -> None:
    later = ("--since", "2026-02-01", "--until", "2026-02-01", "--metrics", "spend")
    assert await call(stored, *SPEND, "--filter", "ad~nothing") == 0
    no_match = capfd.readouterr()
    assert await call(stored, *later, "--format", "csv", "--group-by", "ad") == 0
    not_fetched = capfd.readouterr()

    assert json.loads(no_match.out) == []
    assert "No row: nothing stored of these days matches the conditions." in no_match.err
    assert not_fetched.out == "\ufeffad_id,ad_name,currency,spend\r\n"
    assert "not refreshed yet" in not_fetched.err


async def test_an_empty_store_says_so(store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    assert await call(store, *SPEND) == 0
    said = capfd.readouterr()
    assert json.loads(said.out) == []
    assert "there is no client yet" in said.err
    with pytest.raises(UsageError, match="There is none yet"):
        await call(store, *SPEND, "--account", "11")


async def test_top_and_currency(stored: Store, capfd: pytest.CaptureFixture[str]) -> None:
    words = ("--group-by", "ad", "--top", "1:ad:spend", "--order", "-spend", "--currency", "EUR")
    assert await call(stored, *SPEND, *words) == 0
    rows = json.loads(capfd.readouterr().out)
    assert [(row["ad_name"], row["spend"]) for row in rows] == [("=1+1", "12.30"), ("Other", "5.00")]


READERS: dict[str, Callable[[bytes], list[dict[str, Any]]]] = {
    "csv": lambda content: list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))),
    "csv-eu": lambda content: [
        row | {"spend": row["spend"].replace(",", ".")}
        for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";")
    ],
    "json": json.loads,
    "parquet": lambda content: pq.read_table(io.BytesIO(content)).to_pylist(),
    "arrow": lambda content: pa.ipc.open_stream(content).read_all().to_pylist(),
    "xlsx": lambda content: pd.read_excel(io.BytesIO(content), dtype={"ad_id": str}).to_dict("records"),
}


@pytest.mark.parametrize("where", ["file", "standard output"])
@pytest.mark.parametrize("name", FORMATS)
async def test_every_format_says_the_same(
    stored: Store, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], name: str, where: str
) -> None:
    out = tmp_path / "file"
    words = ("--group-by", "ad", "--order=-spend", "--account", "11", "--format", name)
    assert await call(stored, *SPEND, *words, *(("--out", str(out)) if where == "file" else ())) == 0
    content = out.read_bytes() if where == "file" else capfdbinary.readouterr().out
    rows = [
        (row["ad_id"], row["ad_name"].lstrip("'"), row["currency"], float(row["spend"]))
        for row in READERS[name](content)
    ]
    assert rows == [("120212345678901234", "=1+1", "EUR", 12.3), ("2", "2", "EUR", 5.0)]
    (logged,) = await newest_exports(stored, await operator_viewer(stored))
    assert (logged.sha256, logged.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert (logged.email, logged.via, logged.format, logged.rows, logged.engine) == (
        "command line",
        "cli",
        name,
        2,
        "postgres",
    )
    assert logged.question == (
        "--since 2026-01-01 --until 2026-01-02 --group-by ad --metrics spend --account 11 --order=-spend"
    )


async def test_what_cannot_be_logged_is_not_handed_out(
    stored: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str], database_url: URL
) -> None:
    Database(database_url).owner("REVOKE INSERT ON export_log FROM ads_app")
    out = tmp_path / "file.csv"
    out.write_text("old")
    try:
        for words in ((), ("--out", str(out))):
            with pytest.raises(NotLogged, match="could not be logged"):
                await call(stored, *SPEND, *words)
    finally:
        Database(database_url).owner("GRANT INSERT ON export_log TO ads_app")
    assert capfd.readouterr().out == ""
    assert (out.read_text(), names_in(tmp_path)) == ("old", ["file.csv"])


async def test_bytes_are_not_for_a_terminal(stored: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        for name in ("xlsx", "parquet", "arrow"):
            with pytest.raises(UsageError, match="not for a terminal"):
                await call(stored, *SPEND, "--format", name)
    os.close(ours)
    assert await call(stored, *SPEND, "--format", "xlsx", "--out", str(tmp_path / "file.xlsx")) == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--top", "3:ad"), "The top “3:ad” cannot be read"),
        (("--top", "3:ad:spend"), "The query has no ad to keep the top of"),
        (("--account", "act_99"), "No client has the account act_99. The known ones are act_11, act_22."),
        (("--account", "x"), "is not an id"),
        (("--since", "2026-02-30"), "There is no day"),
        (("--since", "2026-01-03"), "is after the last day"),
        (("--metrics", "spent"), "Did you mean spend"),
        (("--metrics", "spend,spend"), "named 2 times"),
        (("--metrics", "spend,"), "There is no metric “”"),
        (("--group-by", "adst"), "Did you mean adset"),
        (("--filter", "campaign"), "cannot be read"),
        (("--having", "campaign~x"), "Only metrics decide"),
        (("--order", "-spent"), "Did you mean spend"),
        (("--limit", "0"), "The limit 0"),
        (("--limit", "many"), "The limit “many”"),
        (("--limit", "9" * 5000), "is not a number of rows"),
        (("--filter", "ad=~("), "cannot be read: “missing ): (”."),
    ],
)
async def test_wrong_words(
    stored: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(UsageError) as refused:
        await call(stored, *SPEND, "--out", str(tmp_path / "file.json"), *words)
    assert sentence in str(refused.value)
    assert capfd.readouterr().out == ""
    assert names_in(tmp_path) == []


async def test_a_file_is_replaced_whole(stored: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    target, link = tmp_path / "spend.json", tmp_path / "link.json"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)

    assert await call(stored, *SPEND, "--out", str(link)) == 0

    assert len(json.loads(target.read_bytes())) == 2
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert names_in(tmp_path) == ["link.json", "spend.json"]
    assert capfd.readouterr().out == ""


async def test_a_pipe_is_written_to(stored: Store, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()

    assert await call(stored, *SPEND, "--format", "csv", "--out", str(pipe)) == 0
    reader.join(timeout=10)

    rows = list(csv.DictReader(io.StringIO(read[0].decode("utf-8-sig"))))
    assert [row["spend"] for row in rows] == ["17.30", "700"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing/file.json", "no such file or directory"),
        ("file.txt/inside.json", "not a directory"),
        (".", "it is a folder"),
        ("x" * 300, "file name too long"),
        ("a\0b", "null byte"),
        ("/dev/full", "no space left on device"),
    ],
)
async def test_files_that_cannot_be_written(stored: Store, tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file.txt").write_text("kept")
    with pytest.raises(AppError) as refused:
        await call(stored, *SPEND, "--out", str(tmp_path / name))
    assert "could not be written" in str(refused.value)
    assert reason in str(refused.value)
    assert names_in(tmp_path) == ["file.txt"]
    assert (tmp_path / "file.txt").read_text() == "kept"


def test_a_full_standard_output_is_a_sentence() -> None:
    program = (
        "import sys; from lib.commands.output import write_to_stdout; from lib.errors import AppError\n"
        "try: write_to_stdout(lambda file: file.write(b'x' * 100))\n"
        "except AppError as error: sys.stderr.write(str(error))"
    )
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, check=True, text=True
        )
    assert done.stderr == "The result could not be written: no space left on device. What came out is not whole."


async def test_accounts_without_the_breakdown_are_counted(stored: Store, capfd: pytest.CaptureFixture[str]) -> None:
    words = (*SPEND, "--group-by", "country")
    assert await call(stored, *words) == 0
    assert capfd.readouterr().err.startswith("No row: not fetched: choose the breakdown for the client under Clients.")

    async with stored.working() as session:
        row = factories.breakdown_row("country", "DE", **factories.insight_row(11, DAY, 1, spend="1"))
        await factories.add_breakdowns(session, [row])
        await factories.add_slice(session, 11, DAY, breakdown="country")
        await session.execute(text("UPDATE client SET breakdowns = '{country}' FROM account"
                                   " WHERE account.client_id = client.id AND account_id = 11"))  # fmt: skip
    assert await call(stored, *words) == 0
    said = capfd.readouterr()
    assert [row["spend"] for row in json.loads(said.out)] == ["1.00"]
    assert said.err.startswith("Not fetched for 1 of 2 accounts: choose the breakdown for their clients under Clients.")
    assert "No row" not in said.err
