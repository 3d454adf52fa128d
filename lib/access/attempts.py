"""How often one may try: to sign in, and to be sent a mail, for each account and each address that asks.

Each process counts for itself, in its memory. What is counted is what was typed, so that it makes no difference
whether such a person exists.
"""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from lib.access.addresses import address_key
from lib.access.tokens import token_hash
from lib.errors import TooManyAttempts
from lib.store.engine import Store


@dataclass(frozen=True)
class Bound:
    """How often something may be tried for one account, and from one address."""

    what: str
    account: RateLimitItem
    address: RateLimitItem


SIGN_IN = Bound("sign-in", RateLimitItemPerMinute(10, 15), RateLimitItemPerMinute(60, 15))
"""An office shares one address, and its slips of the pen; a success counts for neither."""
MAIL = Bound("mail", RateLimitItemPerHour(3), RateLimitItemPerHour(20))
UNREADABLE = "unreadable"
_FIRST = RateLimitItemPerDay(1)
VERIFICATION = Bound("verification", RateLimitItemPerDay(1), RateLimitItemPerDay(1))


class Attempts:
    """What was tried in this process in the last while."""

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        self._limiter = FixedWindowRateLimiter(self._storage)

    def begin(self, bound: Bound, email: str, address: str = "") -> None:
        """Count an attempt before it is made, so that many at once are counted too; TooManyAttempts beyond ``bound``.

        The address comes first: who is refused for it cannot fill the memory with accounts.
        """
        network = network_of(address)
        if network:
            self._hit(bound.address, bound.what, "address", network)
        self._hit(bound.account, bound.what, "account", _account(email))

    def _hit(self, item: RateLimitItem, *words: str) -> None:
        if not self._limiter.hit(item, *words):
            over = self._limiter.get_window_stats(item, *words).reset_time
            # A window is known by its end: one refusal in it is the first.
            is_first = self._limiter.hit(_FIRST, "refused", *words, str(round(over)))
            raise TooManyAttempts(over - time.time(), is_first=is_first)

    def succeeded(self, bound: Bound, email: str, address: str) -> None:
        """Forget what was tried for this account, and this one attempt of the address."""
        self.forget(bound, email)
        self._give_back(bound.address, bound.what, "address", network_of(address))

    def came_to_nothing(self, bound: Bound, email: str, address: str) -> None:
        """Take back an attempt that nobody could answer."""
        self._give_back(bound.account, bound.what, "account", _account(email))
        self._give_back(bound.address, bound.what, "address", network_of(address))

    def _give_back(self, item: RateLimitItem, *words: str) -> None:
        self._storage.decr(item.key_for(*words))

    def forget(self, bound: Bound, email: str) -> None:
        """Forget what was tried for this account."""
        self._limiter.clear(bound.account, bound.what, "account", _account(email))


def _account(email: str) -> str:
    """The same for every way to write an address that the store takes for the same."""
    return token_hash(address_key(email.strip())).hex()


def network_of(address: str) -> str:
    """Who counts as one address: an IPv4 address, or the IPv6 network that one household gets; '' where there is none.

    What cannot be read, such as what a proxy that was set up otherwise makes of it, counts as one place together.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return UNREADABLE if address else ""
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))


_counted: WeakKeyDictionary[Store, Attempts] = WeakKeyDictionary()


def attempts_on(store: Store) -> Attempts:
    """What was tried on this store in this process, by whichever way in."""
    if store not in _counted:
        _counted[store] = Attempts()
    return _counted[store]
