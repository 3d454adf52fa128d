"""DuckDB as a mirror opens it: exact where its own way of saving memory is not."""

from __future__ import annotations

from pathlib import Path

from lib.insights.mirror.duck import open_file

SPENT = """
SELECT account, spent FROM (
    SELECT day.account, sum(spend) AS spent, sum(CASE WHEN chosen.account IS NULL THEN 1 ELSE 0 END) AS unknown
    FROM day LEFT JOIN chosen ON chosen.account = day.account AND list_contains(windows, '1d_click')
    GROUP BY day.account
) ORDER BY account
"""


def test_a_sum_beside_one_that_nobody_reads_is_whole(tmp_path: Path) -> None:
    """Left to itself, DuckDB 2.0.0 keeps too little room for these sums, and gives what is left of them."""
    with open_file(tmp_path / "test.duckdb", 200) as file:
        file.execute("CREATE TABLE day AS SELECT range % 3 AS account, range * 10000000 AS spend FROM range(30)")
        file.execute("CREATE TABLE chosen AS SELECT range AS account, []::VARCHAR[] AS windows FROM range(3)")
        for spent in ("spent", "CAST(spent AS BIGINT)"):
            rows = file.execute(SPENT.replace("account, spent", f"account, {spent}", 1)).fetchall()
            assert rows == [(0, 1_350_000_000), (1, 1_450_000_000), (2, 1_550_000_000)]
