"""The names of files."""

from __future__ import annotations

import re
import unicodedata

from lib.insights.query import InsightQuery


def file_name(query: InsightQuery, extension: str, *, client: str = "", is_sample: bool = False) -> str:
    """Client, period, grain, and ``sample`` where sample clients are in it: acme_2026-01-01_2026-01-31_ad.csv."""
    letters = unicodedata.normalize("NFKD", client).encode("ascii", "ignore").decode().lower()
    who = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:60] or "all-clients"
    grain = "-".join(query.group_by) or "total"
    parts = (who, query.since.isoformat(), query.until.isoformat(), grain, *(("sample",) if is_sample else ()))
    return f"{'_'.join(parts)}.{extension}"
