"""A storm: a seeded share of all calls goes wrong, in ways that an honest client survives with exact numbers.

What strikes a call depends on the seed, on the call itself and on how often it came, and not on the order in which
different calls come. The same call is struck at most three times in a row, and of two jobs for the same report at
most one ends without results. What is too much in one call stays too much, however often it is asked.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from sandbox.faults.kinds import KINDS
from sandbox.faults.presets import PRESETS
from sandbox.faults.rules import Rule
from sandbox.faults.scene import Scene
from sandbox.model import rand

IN_A_ROW = 3
_KEPT = 200_000
_MILLION = 10**6
_TRANSIENT = [name for name, one in PRESETS.items() if one.group == "transient" and one.code not in (2601, 2637)]
_TOO_MUCH = [name for name, one in PRESETS.items() if one.group == "too_much"]
_EVERYWHERE = ("error", "error", "error", "html_502", "html_500", "no_error_object", "word_error", "empty", "cut",
               "hang", "rate")  # fmt: skip
_ALSO = {"get": ("repeat_page",), "page": ("repeat_page", "repeat_rows", "job_results_late"), "job": ("job_lost",)}
_FATES = ("job_failed", "job_failed_plain", "job_skipped", "job_stuck_100", "job_failed", "job_stuck_100")


class Storm:
    """One storm. `rate` is the share of calls that are struck; pauses and hanging answers last as its words say."""

    def __init__(self, rate: float, more: dict[str, Any]) -> None:
        self._seed, self._rate = int(more["seed"]), rate
        self._hang_s, self._block_s = more["hang_s"], more["block_s"]
        self._seen: OrderedDict[int, list[int]] = OrderedDict()

    def draw(self, scene: Scene) -> Rule | None:
        """What strikes this call, or None."""
        if self._too_much(scene):
            return _made("error", preset=_TOO_MUCH[rand.pick(scene.identity, 5, len(_TOO_MUCH))])
        key = self._next(scene.identity, 1, self._rate, IN_A_ROW)
        if key is None:
            return None
        kinds = _EVERYWHERE + _ALSO.get(scene.place, ())
        kind = kinds[rand.pick(key, 2, len(kinds))]
        if kind == "error" or (kind == "job_lost" and scene.job is not None and scene.job.polls > 0):
            return _made("error", preset=_TRANSIENT[rand.pick(key, 3, len(_TRANSIENT))])
        if kind == "job_results_late":
            return _made(kind, preset=("transient_2601_1815107", "transient_2637")[rand.pick(key, 3, 2)])
        if kind == "rate":
            code = (17, 17, 17, 80000, 80000, 4)[rand.pick(key, 3, 6)]
            return Rule("rate", 0, more={"code": code, "block_s": self._block_s})
        return _made(kind, **({"seconds": self._hang_s} if kind == "hang" else {}))

    def fate(self, scene: Scene) -> Rule | None:
        """What becomes of the job that this call has just made, or None for a healthy one."""
        key = self._next(scene.identity, 4, self._rate / 2, 1)
        if key is None:
            return None
        kind = _FATES[rand.pick(key, 2, len(_FATES))]
        given: dict[str, Any] = {"polls": 1 + rand.pick(key, 3, 2)}
        return _made(kind, **given)

    def _next(self, identity: int, stream: int, rate: float, in_a_row: int) -> int | None:
        """The key of what strikes this time, or None; counts the call."""
        who = rand.key(self._seed, identity, stream)
        tally = self._seen.setdefault(who, [0, 0])
        self._seen.move_to_end(who)
        if len(self._seen) > _KEPT:
            self._seen.popitem(last=False)
        tally[0] += 1
        key = rand.key(who, tally[0])
        struck = tally[1] < in_a_row and rand.pick(key, 1, _MILLION) < rate * _MILLION
        tally[1] = tally[1] + 1 if struck else 0
        return key if struck else None

    def _too_much(self, scene: Scene) -> bool:
        """Some reports of ads are too big, whatever their fields; days and then campaigns are the way out."""
        plan = scene.plan
        if plan is None or plan.level != "ad" or scene.place == "job" or any(c.name == "id" for c in plan.conditions):
            return False
        since, until = plan.periods[0][0].toordinal(), plan.periods[-1][1].toordinal()
        key = rand.key(self._seed, int(plan.account.account_id), since, until, *(len(n) for n in plan.split.names))
        share = self._rate * (0.12 if since == until else 0.4)
        return rand.pick(key, 1, _MILLION) < share * _MILLION


def _made(kind: str, **given: Any) -> Rule:
    """A rule of that kind that strikes once, here and now."""
    return Rule(kind, 0, more={**KINDS[kind], **given, "given": []})
