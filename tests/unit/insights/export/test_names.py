"""Names of files."""

from __future__ import annotations

import datetime as dt

from lib.insights.export import file_name
from lib.insights.query import InsightQuery

DAY = dt.date(2026, 1, 31)


def test_names_say_client_period_and_grain() -> None:
    query = InsightQuery(dt.date(2026, 1, 1), DAY, ("date", "campaign"), ("spend",))
    assert file_name(query, "csv", client="Müller & Söhne/..") == "muller-sohne_2026-01-01_2026-01-31_date-campaign.csv"
    assert file_name(query, "csv", client="日本", is_sample=True).endswith("_date-campaign_sample.csv")
    total = InsightQuery(DAY, DAY, (), ("spend",))
    assert file_name(total, "xlsx") == "all-clients_2026-01-31_2026-01-31_total.xlsx"
