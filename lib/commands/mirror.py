"""``python -m lib mirror``: the columnar copies that answer pages and, where asked, exports."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from lib.settings import get_settings
from lib.store.engine import Store

HELP = "the columnar mirrors: their status, build one anew, remove those that nobody uses"


def configure(parser: argparse.ArgumentParser) -> None:
    """The words of the command."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("status", help="file, size, rows, version and state of each mirror")
    rebuild = actions.add_parser("rebuild", help="build a mirror from nothing, and put it in the place of the old one")
    rebuild.add_argument(
        "--role", default="cli", choices=("dashboard", "api", "cli"), help="whose mirror; default the commands'"
    )
    actions.add_parser(
        "drop", help="remove the mirrors that no process uses; they are built again when they are needed"
    )


async def run(args: argparse.Namespace, store: Store) -> int:
    """Do it; 0 when done."""
    if args.action == "rebuild":
        return await _rebuild(args.role, store)
    return await asyncio.to_thread({"status": _status, "drop": _drop}[args.action])


def _status() -> int:
    from lib.insights.mirror.looking import look

    found = look(get_settings())
    for each in found:
        status = each.status
        at = f"{status.caught_up_at:%Y-%m-%d %H:%M:%S} UTC" if status.caught_up_at else "-"
        lines = {
            "size": _megabytes(status.size_bytes),
            "rows": f"{status.rows:,}",
            "version": str(status.version),
            "state": "stands" if status.stands else status.reason,
            "process": str(status.pid) if each.is_held else "-",
            "looked at PostgreSQL": at,
            "last catch-up": "-" if status.catch_up_ms is None else f"{status.catch_up_ms:.0f} ms",
        }
        sys.stdout.write(f"{each.path}\n" + "".join(f"  {name:<22}{value}\n" for name, value in lines.items()))
    if not found:
        sys.stderr.write("There is no mirror yet. The dashboard makes one, and so does `mirror rebuild`.\n")
    return 0


async def _rebuild(role: str, store: Store) -> int:
    from lib.insights.mirror import mirror_of, mirror_path

    settings = get_settings()
    path = mirror_path(settings, role)
    mirror = mirror_of(store, settings, role, places=1)
    started = time.monotonic()
    try:
        await mirror.rebuild()
        status = mirror.status()
    finally:
        await mirror.close()
    seconds = max(time.monotonic() - started, 0.001)
    sys.stdout.write(f"{path}\n")
    sys.stderr.write(
        f"Built: {status.rows:,} ad-days, {_megabytes(status.size_bytes)}, in {seconds:.1f} s"
        f" ({status.rows / seconds:,.0f} a second).\n"
    )
    return 0


def _drop() -> int:
    from lib.insights.mirror.looking import drop

    removed, kept = drop(get_settings())
    for path in removed:
        sys.stdout.write(f"{path}\n")
    sys.stderr.write(f"Removed {len(removed)} mirror(s).\n")
    if kept:
        sys.stderr.write(f"Kept, because a process uses it: {', '.join(path.name for path in kept)}.\n")
    return 0


def _megabytes(size: int) -> str:
    return f"{size / 1024**2:.1f} MB"
