"""The storm's short form: faults on a third of the calls, sick accounts, and the worker killed twice."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL

from tests.fixtures_database import Database
from tests.storm.storm import Size, weather

SEED = 4
SHORT = Size(
    accounts=4, days=8, ads=8, workers=1, sick={"dead": 1, "forbidden": 1}, kill_after_s=(3.0, 5.0), most_kills=2,
    within_s=240,
)  # fmt: skip


def test_after_a_storm_the_healthy_are_exact_and_the_sick_have_their_remedy(
    database_url: URL, tmp_path: Path, database: Database
) -> None:
    outcome = weather(SEED, SHORT, database_url, tmp_path)
    assert outcome.problems() == []
    assert outcome.kills == 2
    assert outcome.struck > 10
    assert len(outcome.accounts) == 4
    assert len(outcome.truth) > 8
    traces = [outcome.accounts[number]["trace_id"] for number in outcome.sick]
    assert all(traces)
    assert database.rows("SELECT DISTINCT state FROM refresh_run WHERE kind = 'asked'") == [("partial",)]
