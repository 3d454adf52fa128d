"""The ad accounts: who they are, what they pay in and when their day begins."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from sandbox.model import rand


@dataclass(frozen=True)
class Market:
    """A currency with its time zone, its price level against the euro and the countries it sells in."""

    currency: str
    exponent: int
    rate: float
    timezone_name: str
    timezone_id: int
    countries: tuple[str, ...]


MARKETS = (
    Market("EUR", 2, 1.0, "Europe/Berlin", 47, ("DE", "AT", "CH", "NL")),
    Market("USD", 2, 1.1, "America/Los_Angeles", 1, ("US", "CA", "MX", "GB")),
    Market("JPY", 0, 160.0, "Asia/Tokyo", 75, ("JP", "TW", "HK", "SG")),
    Market("GBP", 2, 0.86, "Europe/London", 58, ("GB", "IE", "FR", "ES")),
    Market("BRL", 2, 5.9, "America/Sao_Paulo", 25, ("BR", "PT", "AR", "CL")),
    Market("AUD", 2, 1.65, "Australia/Sydney", 15, ("AU", "NZ", "SG", "GB")),
    Market("KRW", 0, 1480.0, "Asia/Seoul", 79, ("KR", "JP", "TW", "US")),
    Market("INR", 2, 92.0, "Asia/Kolkata", 71, ("IN", "AE", "SG", "LK")),
    Market("CAD", 2, 1.5, "America/Toronto", 36, ("CA", "US", "FR", "GB")),
    Market("SEK", 2, 11.3, "Europe/Stockholm", 126, ("SE", "NO", "DK", "FI")),
)

NAMES = (
    ("Nordlicht Outdoor 🏔️", "Nordlicht Handels GmbH"),
    ("Harbor & Pine Co.", "Harbor & Pine LLC"),
    ("さくら茶房 Sakura Tea", "Sakura Tea K.K."),
    ("Fern, Fox & Daughters", "Fern Fox Ltd"),
    ("Café São João \"Delivery\"", "São João Alimentos S.A."),
    ("Coral Surf School", "Coral Surf Pty Ltd"),
    ("한빛 스킨케어 Hanbit", "Hanbit Cosmetics"),
    ("Lotus Loans <Leads>", "Lotus Financial Services"),
    ("Maple; Métier", "Maple Métier Inc."),
    ("Björk Möbler", "Björk Möbler AB"),
)  # fmt: skip


@dataclass(frozen=True)
class Account:
    """One ad account. `number` is its place in the sandbox; the id is the same however many are served."""

    number: int
    seed: int

    @cached_property
    def key(self) -> int:
        """What every draw inside this account starts from."""
        return rand.key(self.seed, 0xACC, self.number)

    @cached_property
    def account_id(self) -> str:
        """The id without `act_`: 15 digits, unique because odd multiplication permutes the numbers."""
        scrambled = (self.number * 0x1B4E81B4E81B5 + rand.key(self.seed, 0x1D)) % (1 << 49)
        return str(100_000_000_000_000 + scrambled)

    @property
    def id(self) -> str:
        """The id as edges and nodes write it."""
        return f"act_{self.account_id}"

    @property
    def market(self) -> Market:
        """Currency and time zone; they cycle, so that a few accounts already differ in both."""
        return MARKETS[self.number % len(MARKETS)]

    @cached_property
    def timezone(self) -> ZoneInfo:
        """The zone in which the account's days begin."""
        return ZoneInfo(self.market.timezone_name)

    @property
    def name(self) -> str:
        """What people call it; the second round of names carries a number."""
        name, round_number = NAMES[self.number % len(NAMES)][0], self.number // len(NAMES)
        return f"{name} {round_number + 1}" if round_number else name

    @property
    def business_name(self) -> str:
        """The legal name on the invoice."""
        return NAMES[self.number % len(NAMES)][1]

    @cached_property
    def scale(self) -> float:
        """How big this account is against the usual one: 0.7 to 1.6."""
        return 0.7 + 0.9 * (rand.pick(self.key, 1, 1000) / 1000)

    @cached_property
    def created(self) -> dt.date:
        """The day the account was opened, years before any window it is asked about."""
        return dt.date(2017, 1, 9) + dt.timedelta(days=rand.pick(self.key, 2, 900))

    def money(self, minor: int) -> str:
        """An amount in minor units as Meta writes it: major units with the currency's own decimals."""
        if self.market.exponent == 0:
            return str(minor)
        return f"{minor // 100}.{minor % 100:02d}"
