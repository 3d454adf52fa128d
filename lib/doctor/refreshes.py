"""What the last refresh of each of a client's accounts met, which no answer about its token outweighs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lib.doctor.finding import Finding, State, failed, ok, skipped
from lib.doctor.tokens import Patient
from lib.refresh.failure import Failure, alike
from lib.refresh.last import LastRefresh

NAMED = 3
"""So many accounts are named; of the others it is said how many there are."""


@dataclass(frozen=True)
class History:
    """The last refreshes of a client's accounts, by id; accounts that were never refreshed to an end are left out."""

    last: Mapping[int, LastRefresh]

    @property
    def failures(self) -> dict[int, Failure]:
        """What stands in the way of an account, by id."""
        return {number: one.failure for number, one in self.last.items() if one.failure}


def refreshes(patient: Patient, history: History) -> list[Finding]:
    """One finding for each reason for which accounts were refused; one where all of them went well."""
    reasons = alike(history.failures.items())
    if not reasons:
        return [_well(patient, history)]
    return [
        failed(
            patient.refreshes,
            f"{_last_of(some)} failed ({_newest(history, some)}): {failure.message}",
            failure.what_to_do,
        )
        for failure, some in reasons
    ]


def _well(patient: Patient, history: History) -> Finding:
    wanted, done = len(patient.account_ids), len(history.last)
    if not done:
        return skipped(patient.refreshes, "None of its accounts was refreshed yet.", "`python -m lib refresh` does it.")
    never = f"; {wanted - done} of its {wanted} accounts were not refreshed yet" if done < wanted else ""
    which = _last_of(history.last) if done < wanted or wanted == 1 else f"The last refresh of all {wanted} accounts"
    return ok(patient.refreshes, f"{which} was complete ({_newest(history, history.last)}){never}.")


def not_outweighed(patient: Patient, found: Iterable[Finding], history: History) -> list[Finding]:
    """The same findings, but none calls a token or an account good that Meta refused in the last refresh."""
    return [_judged(patient, each, history) if each.state in (State.OK, State.WARNING) else each for each in found]


def _judged(patient: Patient, found: Finding, history: History) -> Finding:
    standing = {number: one for number, one in history.failures.items() if not one.is_of_old_token}
    refused = {number: one for number, one in standing.items() if one.is_of_token}
    closed = {number: one for number, one in standing.items() if one.is_of_token or one.is_of_access}
    if found.name == patient.token and refused:
        is_good = found.state is State.OK
        begin = "Meta describes it as in order, but" if is_good else f"{found.sentence} Meta"
        return _outweighed(found, f"{begin} refused it in the last refresh of {_named(refused)}", refused, history)
    if found.name == patient.accounts and closed:
        said = f"Meta lists them, but refused {_named(closed)} in the last refresh"
        return _outweighed(found, said, closed, history)
    return found


def _outweighed(found: Finding, said: str, refused: Mapping[int, Failure], history: History) -> Finding:
    first, *_ = alike(refused.items())
    return failed(found.name, f"{said} ({_newest(history, refused)}).", first[0].what_to_do)


def _last_of(numbers: Iterable[int]) -> str:
    return f"The last refresh of {_named(numbers)}"


def _named(numbers: Iterable[int]) -> str:
    """act_1, act_2, act_3 and 4 more."""
    all_of_them = [f"act_{number}" for number in numbers]
    more = f" and {len(all_of_them) - NAMED} more" if len(all_of_them) > NAMED else ""
    return f"{', '.join(all_of_them[:NAMED])}{more}"


def _newest(history: History, numbers: Iterable[int]) -> str:
    at = max(history.last[number].at for number in numbers).astimezone(dt.UTC)
    return f"{at:%Y-%m-%d %H:%M} UTC"
