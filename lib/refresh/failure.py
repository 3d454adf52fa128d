"""Why the refresh of an account failed, in the one form in which every page, the doctor and the terminal say it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from lib.errors import MetaError
from lib.meta.errors import NoAccess, RateLimited, TokenDead, Transient, kind_of

T = TypeVar("T")
TRACES = 3
"""So many traces are told; of the others it is said how many there are."""


@dataclass(frozen=True)
class Failure:
    """What went wrong and what to do, as they were stored; ``code`` to ``trace_id`` are Meta's own, where it said.

    ``is_of_old_token`` is whether it was said to a token that is not the client's any more. ``more_traces`` are those
    of other accounts that failed alike.
    """

    message: str
    remedy: str = ""
    code: int | None = None
    subcode: int | None = None
    trace_id: str | None = None
    is_of_old_token: bool = False
    more_traces: tuple[str, ...] = ()

    @property
    def kind(self) -> type[MetaError]:
        """Which refusal of Meta's it was; MetaError itself where Meta had no part in it."""
        return MetaError if self.code is None else kind_of(self.code, self.subcode, self.message)

    @property
    def is_of_token(self) -> bool:
        """Whether Meta called the token dead."""
        return issubclass(self.kind, TokenDead)

    @property
    def is_of_access(self) -> bool:
        """Whether Meta kept the token from the account."""
        return issubclass(self.kind, NoAccess)

    @property
    def is_passing(self) -> bool:
        """Whether the same may go well a while later: Meta was busy or away, or had no part in it."""
        return self.kind is MetaError or issubclass(self.kind, (Transient, RateLimited))

    @property
    def known_as(self) -> str:
        """Meta's own numbers for it: code 190/463, trace AbC. Empty where there are none."""
        subcode = f"/{self.subcode}" if self.subcode is not None else ""
        code = "" if self.code is None else f"code {self.code}{subcode}"
        return ", ".join(filter(None, (code, self._traces)))

    @property
    def what_to_do(self) -> str:
        """The remedy, with Meta's own numbers."""
        known = f"(Meta's {self.known_as})" if self.known_as else ""
        return f"{self.remedy} {known}".strip()

    @property
    def words(self) -> str:
        """All of it in sentences."""
        return f"{self.message} {self.what_to_do}".strip()

    @property
    def _traces(self) -> str:
        traces = [*([self.trace_id] if self.trace_id else []), *self.more_traces]
        more = f" and {len(traces) - TRACES} more" if len(traces) > TRACES else ""
        return f"trace{'s' if len(traces) > 1 else ''} {', '.join(traces[:TRACES])}{more}" if traces else ""


def alike(failures: Iterable[tuple[T, Failure]]) -> list[tuple[Failure, list[T]]]:
    """Each reason with all that failed for it, and with the trace of each of them, in their order."""
    found: dict[tuple[object, ...], list[tuple[T, Failure]]] = {}
    for whose, failure in failures:
        reason = (failure.message, failure.remedy, failure.code, failure.subcode)
        found.setdefault(reason, []).append((whose, failure))
    return [(_gathered([failure for _, failure in some]), [whose for whose, _ in some]) for some in found.values()]


def _gathered(failures: list[Failure]) -> Failure:
    first, *others = failures
    return replace(first, more_traces=tuple(other.trace_id for other in others if other.trace_id))


def failure_of(
    message: str | None, remedy: str | None, code: int | None, subcode: int | None, trace_id: str | None
) -> Failure:
    """The failure that the columns of a run's account hold."""
    return Failure(message or "It stopped.", remedy or "", code, subcode, trace_id)
