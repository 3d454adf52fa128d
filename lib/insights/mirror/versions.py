"""A number for each account that grows with every change of it: what cached answers are kept under."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class Versions:
    """As a rule an account's number is the version of its newest slice, as PostgreSQL would tell it.

    Where a change does not bring the largest version so far (a slice that became visible late, a name, a removed
    account), the next larger number stands in: the largest among any accounts always grows with a change of one.
    """

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}
        self._last = 0

    def renew(self, newest: Mapping[int, int], changed: Iterable[int]) -> None:
        """Note a change of these accounts; ``newest`` has the version of each account's newest slice."""
        for account in sorted(changed, key=lambda account: (newest.get(account, 0), account)):
            number = max(newest.get(account, 0), self._last + 1)
            self._numbers[account] = self._last = number

    def of(self, accounts: Iterable[int]) -> int:
        """The largest number among these accounts; 0 without any."""
        return max((self._numbers.get(account, 0) for account in accounts), default=0)
