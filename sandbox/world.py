"""Everything one server knows: its accounts, its clock, and bounded memories of what it has worked out."""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sandbox.changes import Changes
from sandbox.model import numbers
from sandbox.model.accounts import Account
from sandbox.model.entities import Calendar
from sandbox.model.numbers import Cells
from sandbox.model.objects import Inventory
from sandbox.model.rand import Ints

Value = TypeVar("Value")


class Memory(Generic[Value]):
    """A cache that forgets what was used longest ago once it holds more than `limit` units."""

    def __init__(self, limit: int, size: Callable[[Value], int]) -> None:
        self._limit, self._size, self._held = limit, size, 0
        self._values: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The remembered value, or the one that `make` returns."""
        found = self._values.get(key)
        if found is not None:
            self._values.move_to_end(key)
            return found[0]
        value = make()
        weight = self._size(value)
        self._values[key] = (value, weight)
        self._held += weight
        while self._held > self._limit and len(self._values) > 1:
            _, (_, gone) = self._values.popitem(last=False)
            self._held -= gone
        return value


@dataclass(frozen=True)
class Settings:
    """How the server was asked to run. `ads` are live on a day in each account; a job takes `job_polls` polls."""

    accounts: int = 3
    days: int = 400
    seed: int = 7
    ads: int = 72
    now: dt.datetime | None = None
    job_polls: int = 4


class World:
    """The accounts at one moment after another; `now` is fixed when the settings fix it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.accounts = [Account(number, settings.seed) for number in range(settings.accounts)]
        self.by_id = {account.account_id: account for account in self.accounts}
        self.calendars = {account.account_id: Calendar(account, settings.ads) for account in self.accounts}
        self.changes = Changes()
        self._cells: Memory[Cells] = Memory(128 << 20, lambda cells: cells.base.nbytes + 512)
        self._inventories: Memory[Inventory] = Memory(max(8, 2 * settings.accounts), lambda _: 1)

    def now(self) -> dt.datetime:
        """The moment the server believes it is, with UTC as its zone."""
        return self.settings.now or dt.datetime.now(dt.UTC)

    def today(self, account: Account) -> dt.date:
        """The date in the account's own time zone."""
        return self.now().astimezone(account.timezone).date()

    def first_day(self, account: Account) -> dt.date:
        """The oldest day that has rows."""
        return self.today(account) - dt.timedelta(days=self.settings.days - 1)

    def elapsed_ppm(self, account: Account) -> int:
        """How much of the account's today is over, in millionths, to the minute."""
        local = self.now().astimezone(account.timezone)
        return (local.hour * 60 + local.minute) * 1_000_000 // 1440

    def inventory(self, account: Account) -> Inventory:
        """The account's objects as they stand today."""
        today, first = self.today(account).toordinal(), self.first_day(account).toordinal()
        calendar = self.calendars[account.account_id]
        key = (account.account_id, today, self.changes.version)
        return self._inventories.get(key, lambda: self.changes.objects(Inventory(calendar, first, today)))

    def cells(self, account: Account, day: dt.date) -> Cells:
        """The final integers of a day."""
        calendar, ordinal = self.calendars[account.account_id], day.toordinal()
        return self._cells.get((account.account_id, ordinal), lambda: numbers.final(calendar, ordinal))

    def has(self, account: Account, day: dt.date) -> bool:
        """Whether the day lies between the oldest day kept and today."""
        return self.first_day(account) <= day <= self.today(account)

    def known(self, account: Account, day: dt.date) -> tuple[Cells, Ints]:
        """A day's ads and their integers as they are known now; the day must lie in the window."""
        cells = self.cells(account, day)
        age = (self.today(account) - day).days
        base = numbers.observed(cells, age, self.elapsed_ppm(account))
        return self.changes.numbers(self.inventory(account), day, age, cells, base)

    def moment(self, account: Account, day: dt.date) -> tuple[int, int, int]:
        """What a rendering of this day depends on besides its query: today, the changes, and the minute of today."""
        today = self.today(account)
        return today.toordinal(), self.changes.version, self.elapsed_ppm(account) if day >= today else 0
