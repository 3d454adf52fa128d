"""Figures beside what was wanted, printed as tables and kept as JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One number; ``most`` or ``least`` is what was wanted of it, neither where nothing was."""

    name: str
    value: float
    unit: str = ""
    most: float | None = None
    least: float | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether it is as wanted; None where nothing was wanted."""
        if self.most is None and self.least is None:
            return None
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    @property
    def wanted(self) -> str:
        """In words."""
        limits = (("≤", self.most), ("≥", self.least))
        return " and ".join(f"{sign} {number:,g} {self.unit}".strip() for sign, number in limits if number is not None)

    @property
    def reached(self) -> str:
        """In words."""
        return f"{amount(self.value)} {self.unit}".strip()

    @property
    def verdict(self) -> str:
        """Reached, or by how much it was missed; empty where nothing was wanted."""
        if self.is_met is None:
            return ""
        missed = [limit for limit in (self.most, self.least) if limit] if not self.is_met else []
        return f"missed by {max(abs(self.value - limit) / limit for limit in missed):.0%}" if missed else "reached"


@dataclass
class Section:
    """One part of the benchmark: its table, its figures, and the single measurements behind them."""

    title: str
    heads: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def show(self, console: Console) -> None:
        """Print the table and what belongs under it."""
        table = Table(*self.heads, title=self.title, title_justify="left")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)
        for note in self.notes:
            console.print(f"  {note}")


def show_figures(console: Console, sections: Iterable[Section]) -> None:
    """Every figure beside what was wanted."""
    table = Table("figure", "reached", "wanted", "", title="Reached and wanted", title_justify="left")
    for section in sections:
        for each in section.figures:
            table.add_row(each.name, each.reached, each.wanted, each.verdict)
    console.print(table)


def keep(path: Path, rows: int, sections: Mapping[str, Section]) -> None:
    """Write these sections over those of earlier runs on a store of the same size, as JSON and as a table beside it.

    Sections that did not run stay.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(path.read_text()) if path.exists() else {}
    found = kept.get("sections", {}) if kept.get("rows") == rows else {}
    for name, section in sections.items():
        figures = [
            {**asdict(each), "reached": each.reached, "wanted": each.wanted, "verdict": each.verdict}
            for each in section.figures
        ]
        found[name] = {"title": section.title, "notes": section.notes, "figures": figures, **section.details}
    machine = {"cores": os.cpu_count(), "memory_gb": _memory_gb(), "python": platform.python_version()}
    written = {"machine": machine, "rows": rows, "sections": found}
    path.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n")
    path.with_suffix(".md").write_text(_markdown(written))


def _memory_gb() -> int:
    return int(psutil.virtual_memory().total / 1e9)


def _markdown(written: Mapping[str, Any]) -> str:
    machine = written["machine"]
    lines = [
        f"{written['rows']:,} ad-days on {machine['cores']} cores with {machine['memory_gb']} GB,"
        f" Python {machine['python']}. Written by `make bench`.",
        "",
        "| figure | reached | wanted | |",
        "|---|---|---|---|",
    ]
    for section in written["sections"].values():
        lines += [
            f"| {each['name']} | {each['reached']} | {each['wanted']} | {each['verdict']} |"
            for each in section["figures"]
        ]
    return "\n".join(lines) + "\n"


def amount(value: float) -> str:
    """Three figures or whole thousands."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


def ms(seconds: float) -> str:
    """Seconds as milliseconds."""
    return f"{amount(seconds * 1000)} ms"


def spread(values: Sequence[float]) -> tuple[str, str, str]:
    """Median, 95th percentile and slowest of milliseconds, as cells of a table."""
    return tuple(f"{amount(each)} ms" for each in (statistics.median(values), p95(values), max(values)))  # type: ignore[return-value]


def p95(values: Sequence[float]) -> float:
    """The value that 95 of a hundred do not exceed."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
