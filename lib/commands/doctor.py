"""``python -m lib doctor``: is everything as it has to be, one line a check."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from functools import partial
from typing import NoReturn

from sqlalchemy.engine import URL

from lib.doctor import Examination, State, examine
from lib.errors import AppError
from lib.settings import Settings
from lib.store.engine import Store
from lib.store.opening import found

HELP = "check database, key, tokens, sign-in, mirror, disk and clock; exit 1 where something fails"
LONGEST = 32
"""Names are padded to this; a longer one takes its room."""


def look(settings: Settings) -> int:
    """Print what was found; 1 where something failed. Nothing is made, migrated or stored."""
    with ExitStack() as everything:
        examination = asyncio.run(_examine(settings, _address(settings, everything)))
    _say(examination)
    return 0 if examination.is_well else 1


def _address(settings: Settings, everything: ExitStack) -> URL | AppError:
    try:
        return everything.enter_context(found(settings))
    except AppError as error:
        return error


async def _examine(settings: Settings, address: URL | AppError) -> Examination:
    if isinstance(address, AppError):
        return await examine(settings, partial(_refuse, address))
    store = Store(address, pool_size=2)
    try:
        return await examine(settings, lambda: store)
    finally:
        await store.dispose()


def _refuse(error: AppError) -> NoReturn:
    raise error


def _say(examination: Examination) -> None:
    widest = max(len(finding.name) for finding in examination.findings)
    for finding in examination.findings:
        sys.stdout.write(f"{finding.state:<9}{finding.name:<{min(widest, LONGEST)}}  {finding.words}\n")
    failures, warnings = examination.count(State.FAILED), examination.count(State.WARNING)
    told = "All is well" if examination.is_well and not warnings else f"{failures} failed, {warnings} to be seen to"
    sys.stderr.write(f"{told}; {len(examination.findings)} checks in {examination.seconds:.1f} s.\n")
