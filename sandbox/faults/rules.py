"""One rule of a fault plan: what it says, which calls it matches, and how often it has struck."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.faults.kinds import EDGES, KINDS, PLACES, TIERS
from sandbox.faults.presets import PRESETS
from sandbox.faults.scene import Scene
from sandbox.insights.query import LEVELS
from sandbox.model import rand
from sandbox.world import World

_COMMON = ("kind", "place", "account", "edge", "level", "breakdowns", "times", "skip", "rate")
_CHOICES: dict[str, tuple[str, ...]] = {
    "place": PLACES, "edge": EDGES, "level": LEVELS, "tier": TIERS, "preset": tuple(PRESETS),
    "headers": ("missing", "garbage"), "status": ("DELETED", "ARCHIVED"),
}  # fmt: skip


class BadRule(Exception):
    """A rule that cannot be understood; the text says what is wrong with it."""


@dataclass
class Rule:
    """One rule. `account` is an id without `act_`, None for all; `times` None is for ever.

    `seen` counts the calls it matched, `struck` those it spoilt.
    """

    kind: str
    number: int
    place: str = "any"
    account: str | None = None
    edge: str | None = None
    level: str | None = None
    breakdowns: tuple[str, ...] | None = None
    times: int | None = None
    skip: int = 0
    rate: float = 1.0
    more: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    struck: int = 0

    def matches(self, scene: Scene, place: str | None = None) -> bool:
        """Whether the rule is about calls like this one; a kind may insist on a place of its own."""
        wanted = place or self.place
        if wanted != scene.place and (wanted != "any" or scene.place == "batch"):
            return False
        if self.account is not None and self.account not in scene.accounts:
            return False
        if self.edge not in (None, scene.edge) or self.level not in (None, scene.level):
            return False
        return self.breakdowns is None or set(self.breakdowns) == set(scene.breakdowns)

    def turn(self, seed: int) -> bool:
        """Count one matching call, and whether this is one to strike."""
        self.seen += 1
        if self.seen <= self.skip or (self.times is not None and self.struck >= self.times):
            return False
        if self.rate < 1.0 and rand.pick(rand.key(seed, self.number, self.seen), 1, 10**6) >= self.rate * 10**6:
            return False
        self.struck += 1
        return True

    def told(self) -> dict[str, Any]:
        """The rule as JSON, with its counts."""
        common = {name: getattr(self, name) for name in _COMMON}
        common["account"] = f"act_{self.account}" if self.account else None
        return {"number": self.number, **common, **self.more, "seen": self.seen, "struck": self.struck}


def parse(world: World, given: Any, number: int) -> Rule:
    """A rule from JSON; raises BadRule in a sentence."""
    if not isinstance(given, dict) or given.get("kind") not in KINDS:
        raise BadRule(f"rule {number} must be an object whose kind is one of: {', '.join(KINDS)}")
    kind = given["kind"]
    defaults = KINDS[kind]
    unknown = sorted(set(given) - set(_COMMON) - set(defaults))
    if unknown:
        raise BadRule(f"rule {number} ({kind}) does not know: {', '.join(unknown)}")
    given = {name: value for name, value in given.items() if value is not None}
    more = {name: _typed(kind, name, given[name], default) if name in given else default
            for name, default in defaults.items()}  # fmt: skip
    rule = Rule(kind, number, more=more)
    for name in _COMMON[1:]:
        if name in given:
            setattr(rule, name, _common(world, kind, name, given[name]))
    if kind == "error":
        _whole_error(given, more)
    return rule


def _whole_error(given: dict[str, Any], more: dict[str, Any]) -> None:
    if not given.get("preset") and "code" not in given:
        raise BadRule("an error needs a preset or a code")
    more["given"] = sorted(set(given) & set(more))


def _typed(kind: str, name: str, value: Any, default: Any) -> Any:
    wanted: tuple[type, ...] = (int, float) if isinstance(default, float) else (type(default),)
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise BadRule(f"{name} of {kind} must be of type {type(default).__name__}")
    chosen = "status" if name == "status" and isinstance(default, str) else name
    if isinstance(default, str) and chosen in _CHOICES and value and value not in _CHOICES[chosen]:
        raise BadRule(f"{name} of {kind} must be one of: {', '.join(_CHOICES[chosen])}")
    if kind == "throttle" and name == "code" and value not in (17, 80000):
        raise BadRule("code of throttle must be 17 or 80000")
    return value


def _common(world: World, kind: str, name: str, value: Any) -> Any:
    if name == "account":
        account = str(value).removeprefix("act_")
        if account not in world.by_id:
            raise BadRule(f"there is no account {value}")
        return account
    if name == "breakdowns":
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise BadRule(f"breakdowns of {kind} must be a list of names")
        return tuple(value)
    if name in _CHOICES and value not in _CHOICES[name]:
        raise BadRule(f"{name} of {kind} must be one of: {', '.join(_CHOICES[name])}")
    if name in ("times", "skip") and (type(value) is not int or value < 0):
        raise BadRule(f"{name} of {kind} must be a whole number")
    if name == "rate" and not (isinstance(value, int | float) and 0 <= value <= 1):
        raise BadRule(f"rate of {kind} must be from 0 to 1")
    return value
