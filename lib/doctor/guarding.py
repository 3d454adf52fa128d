"""A check that breaks or hangs must not keep the others from being told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from lib.doctor.finding import Finding, failed, of_error
from lib.errors import AppError

T = TypeVar("T")
_log = logging.getLogger(__name__)


async def guarded(name: str, check: Awaitable[T], patience_s: float) -> T | Finding:
    """What the check gives; where it failed or did not come to an end, a finding that says so."""
    try:
        return await asyncio.wait_for(check, patience_s)
    except AppError as error:
        return of_error(name, error)
    except TimeoutError:
        return failed(name, f"There was no answer within {patience_s:.0f} s.", "Look again; if it stays, see the log.")
    except Exception as error:  # noqa: BLE001 (whatever it is, the other checks are still to be told)
        _log.warning("The check %s broke.", name, exc_info=error)
        return failed(name, f"The check itself broke ({type(error).__name__}).", "The log has the reason.")
