"""The layer around the Graph: rules in their order, the first that strikes a call answers it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import orjson

from sandbox import errors, tokens
from sandbox.edges import asked as fields_asked
from sandbox.faults import answers, fates, pages, results, standing
from sandbox.faults.fates import Fate, Fates
from sandbox.faults.kinds import JOBS, STANDING
from sandbox.faults.rules import Rule, parse
from sandbox.faults.scene import Scene, read
from sandbox.faults.storm import Storm
from sandbox.graph import Answer, Call, Graph
from sandbox.usage import APP

Making = Callable[[], Answer]


class Faults:
    """The Graph with faults. Without rules it is the Graph itself."""

    def __init__(self, graph: Graph, seed: int = 1) -> None:
        self.graph, self._seed = graph, seed
        self.rules: list[Rule] = []
        self.calls: Counter[str] = Counter()
        self._fates = Fates()
        self._storms: dict[int, Storm] = {}
        self._count = 0

    def add(self, given: list[Any]) -> list[Rule]:
        """Add rules, all or none; raises BadRule."""
        world = self.graph.world
        made = [parse(world, one, self._count + number) for number, one in enumerate(given, 1)]
        self._count += len(made)
        for rule in made:
            self._start(rule)
        self.rules += made
        return made

    def _start(self, rule: Rule) -> None:
        if rule.kind in STANDING:
            standing.apply(self.graph, rule)
        elif rule.kind == "storm":
            rule.more["kinds"] = {}
            self._storms[rule.number] = Storm(rule.rate, rule.more)
        elif rule.kind == "broken_creative" and not rule.more["ids"]:
            account = rule.account or self.graph.world.accounts[0].account_id
            rule.more["ids"] = results.some_creatives(self.graph, account, rule.more["number"])

    def clear(self) -> None:
        """Forget all rules and what they changed."""
        self.rules.clear()
        self._count = 0
        self._storms.clear()
        self._fates.clear()
        self.calls.clear()
        self.graph.world.changes.clear()
        self.graph.usage.reset()

    def headers(self, account: str | None) -> list[tuple[str, str]]:
        """What has been used; counts one call."""
        return self.graph.headers(account)

    def envelope(self, call: Call) -> Answer | None:
        """What strikes a batch as a whole, None where its calls are to be answered one by one."""
        if not self.rules:
            return None
        scene = read(self.graph, call)
        self.calls[scene.place] += 1
        refused = self.graph.usage.refusal(())
        if refused is not None:
            return answers.refuse(self.graph, scene, refused, counts=False)
        return self._struck(scene)

    def answer(self, call: Call) -> Answer:
        """Answer one call, or spoil it."""
        if not self.rules or not _alive(call):
            return self.graph.answer(call)
        scene = read(self.graph, pages.meant(call))
        self.calls[scene.place] += 1
        refused = self.graph.usage.refusal(scene.accounts)
        if refused is not None:
            return answers.refuse(self.graph, scene, refused, counts=False)
        struck = self._struck(scene)
        return struck if struck is not None else self._fated(scene)

    def _struck(self, scene: Scene) -> Answer | None:
        for rule in self.rules:
            if rule.kind == "storm":
                answer = self._stormy(rule, scene)
                if answer is not None:
                    return answer
                continue
            making = self._making(rule, scene)
            if making is not None and rule.turn(self._seed):
                return making()
        return None

    def _stormy(self, rule: Rule, scene: Scene) -> Answer | None:
        if not rule.matches(scene, rule.place if scene.place != "batch" else "batch"):
            return None
        rule.seen += 1
        drawn = self._storms[rule.number].draw(scene)
        making = self._making(drawn, scene) if drawn is not None else None
        if drawn is None or making is None:
            return None
        self._note(rule, drawn.kind)
        return making()

    @staticmethod
    def _note(rule: Rule, kind: str) -> None:
        rule.struck += 1
        rule.more["kinds"][kind] = rule.more["kinds"].get(kind, 0) + 1

    def _making(self, rule: Rule, scene: Scene) -> Making | None:
        """How this rule spoils this call; None where it does not."""
        kind = rule.kind
        place = "batch" if scene.place == "batch" and rule.number == 0 else _PLACES.get(kind)
        if kind in (*JOBS, *STANDING) or not rule.matches(scene, place):
            return None
        if kind in answers.PLAIN:
            return partial(self._plain, kind) if kind != "null" or scene.call.in_batch else None
        return _MAKERS[kind](self, rule, scene)

    def _plain(self, kind: str) -> Answer:
        return answers.PLAIN[kind]

    def _error(self, rule: Rule, scene: Scene) -> Making:
        more = rule.more
        return partial(answers.refuse, self.graph, scene, answers.asked(rule), wait_s=more["wait_s"],
                       mode=more["headers"])  # fmt: skip

    def _preset(self, rule: Rule, scene: Scene) -> Making:
        return partial(answers.refuse, self.graph, scene, answers.preset(rule.more["preset"]))

    def _rate(self, rule: Rule, scene: Scene) -> Making:
        return partial(self._blocked, scene, rule.more["code"], rule.more["block_s"])

    def _blocked(self, scene: Scene, code: int, seconds: float) -> Answer:
        who = scene.account
        code = 4 if who is None else code
        refused = self.graph.usage.block(APP if code == 4 or who is None else who, seconds, code)
        return answers.refuse(self.graph, scene, refused, counts=False)

    def _delivered(self, rule: Rule, scene: Scene) -> Making:
        return lambda: replace(self._whole(rule, scene), delivery=rule.kind, seconds=rule.more.get("seconds", 0.0))

    def _whole(self, rule: Rule, scene: Scene) -> Answer:
        """The answer itself. A hanging call is not worked on, and a batch as a whole has no answer here."""
        if scene.place == "batch" or rule.kind == "hang":
            return Answer(200, b"[null,null,null,null]", [])
        return self._fated(scene)

    def _repeat_page(self, rule: Rule, scene: Scene) -> Making | None:
        answer = pages.repeated_page(self.graph, scene)
        return (lambda: answer) if answer is not None and self._readable(scene) else None

    def _repeat_rows(self, rule: Rule, scene: Scene) -> Making | None:
        answer = pages.repeated_rows(self.graph, rule, scene)
        return (lambda: answer) if answer is not None and self._readable(scene) else None

    def _readable(self, scene: Scene) -> bool:
        fate = self._fates.get(scene.job)
        return scene.job is None or fate is None or not fate.holds(scene.job)

    def _late(self, rule: Rule, scene: Scene) -> Making | None:
        return self._preset(rule, scene) if scene.job is not None else None

    def _lost(self, rule: Rule, scene: Scene) -> Making:
        run_id = scene.job.id if scene.job else ""
        return partial(answers.refuse, self.graph, scene, errors.no_such_object(run_id))

    def _looking(self, rule: Rule, scene: Scene) -> Making | None:
        """A report that fails as a job is struck when it is made, see `_doom`."""
        poison = rule.kind.startswith("poison")
        if "job" in (rule.place, scene.place) or (poison and (scene.place == "post" or scene.job is not None)):
            return None
        if not results.holds(self.graph, rule, scene):
            return None
        return partial(answers.refuse, self.graph, scene,
                       answers.preset("transient_1_99" if poison else rule.more["preset"]))  # fmt: skip

    def _creative(self, rule: Rule, scene: Scene) -> Making | None:
        return self._preset(rule, scene) if results.reads_creative(self.graph, rule, scene) else None

    def _fated(self, scene: Scene) -> Answer:
        """The Graph's own answer, as the fate of a job lets it come."""
        job, fate = scene.job, self._fates.get(scene.job)
        if scene.place == "page" and job is not None and fate is not None and fate.holds(job):
            return answers.refuse(self.graph, scene, errors.job_not_ready())
        answer = self.graph.answer(scene.call)
        if answer.status != 200:
            return answer
        if scene.place == "post":
            doom = self._doom(scene)
            if doom is not None:
                self._fates.put(orjson.loads(answer.body)["report_run_id"], doom)
        elif scene.place == "job" and job is not None and fate is not None:
            asked = {one.name for one in fields_asked(scene.call.params)}
            return replace(answer, body=orjson.dumps(fate.tell(job, orjson.loads(answer.body), asked)))
        return answer

    def _doom(self, scene: Scene) -> Fate | None:
        """The fate of the job that this call has just made."""
        for rule in self.rules:
            if rule.kind == "storm" and rule.matches(scene):
                drawn = self._storms[rule.number].fate(scene)
                if drawn is not None:
                    self._note(rule, drawn.kind)
                    return fates.of(drawn)
            elif rule.kind in JOBS and rule.matches(scene, "post") and rule.turn(self._seed):
                return fates.of(rule)
            elif self._fails_as_job(rule, scene) and rule.turn(self._seed):
                name = "transient_1_99" if rule.kind.startswith("poison") else rule.more["preset"]
                return fates.failed(name)
        return None

    def _fails_as_job(self, rule: Rule, scene: Scene) -> bool:
        if rule.kind not in results.LOOKING or not (rule.place == "job" or rule.kind.startswith("poison")):
            return False
        return rule.matches(scene, "post") and results.holds(self.graph, rule, scene)


_PLACES = {"job_lost": "job", "job_results_late": "page", "repeat_rows": "page"}
_MAKERS: dict[str, Callable[[Faults, Rule, Scene], Making | None]] = {
    "error": Faults._error, "rate": Faults._rate, "cut": Faults._delivered, "hang": Faults._delivered,
    "drip": Faults._delivered, "repeat_page": Faults._repeat_page, "repeat_rows": Faults._repeat_rows,
    "job_lost": Faults._lost, "job_results_late": Faults._late, "broken_creative": Faults._creative,
    "dead_token": Faults._preset, "forbidden_account": Faults._preset,
    **dict.fromkeys(results.LOOKING, Faults._looking),
}  # fmt: skip


def _alive(call: Call) -> bool:
    try:
        tokens.check(call.params.get("access_token", ""))
    except errors.GraphError:
        return False
    return True
