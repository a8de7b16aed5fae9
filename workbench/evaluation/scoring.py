"""`score` and `check`: propositions held against people, worlds and runs, as tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from workbench.agents.person import Person
from workbench.errors import InvalidSettings
from workbench.evaluation.judges import Judge
from workbench.judging.judge import Check, Score, Subject, check_claim
from workbench.judging.propositions import Proposition
from workbench.llm.client import LLM
from workbench.llm.meter import Budget
from workbench.llm.running import together
from workbench.prompts import variables_of
from workbench.record.events import Event
from workbench.record.run_file import RunFile
from workbench.worlds.branches import opened
from workbench.worlds.recording import llm_of
from workbench.worlds.subjects import run_id, subject_of, subject_of_run
from workbench.worlds.world import World

if TYPE_CHECKING:
    from workbench.record.evidence_table import EvidenceTable

Target = Person | World | RunFile | str | Path
Claims = Proposition | str | Sequence[Proposition | str]
SCORE_COLUMNS = (
    *("target", "proposition", "score", "sd", "confidence", "justification", "evidence", "quotes"),
    *("note", "usd", "call"),
)
CHECK_COLUMNS = ("target", "proposition", "holds", "confidence", "justification", "evidence", "quotes", "usd", "call")
AT_ONCE = 256


async def score(
    targets: Target | Sequence[Target],
    propositions: Claims,
    *,
    judge: Judge | None = None,
    llm: LLM | None = None,
    variables: Mapping[str, Any] | None = None,
    where: Callable[[Event], Any] | None = None,
    budget: Budget | None = None,
) -> EvidenceTable:
    """Score each target on each proposition, all at once.

    Args:
        targets: people, judged on what they perceived and did; worlds, run files and their paths, judged on all that
            happened.
        propositions: claims; a text is a claim as it stands. `{{name}}` is the target's name.
        judge: the model and the method; one request at temperature 0 when not given.
        llm: the judge's model; the model that the target itself thinks with when neither it nor the judge's is given.
        variables: what claims speak of besides the name: `{"task": "Agree on a price."}`.
        where: a function of an event: only those are judged for which it is true. All when not given.
        budget: what may be spent.

    Returns:
        a DataFrame, one row a target and proposition, in the order given: target, proposition, score (on the
        proposition's scale, 0-9 for most; NaN where there is none), sd (of votes or of what was found likely; NaN for
        one sample), confidence (0-1), justification (or why there is no score), evidence (event ids, each verified to
        be there), quotes (what these events say), note, usd (what the row cost; NaN where no price is known), call.
        `attrs["runs"]` is `{"": id}` where all targets are of one run that has an id, and empty where they are not.

    Raises:
        InvalidSettings: something that is no target or no claim.
        PromptError: a claim needs a variable that is not given.
        ModelError: the judge could not be asked. An answer that cannot be read, or that the provider withholds, is no
            score, with the reason.
        BudgetSpent: the next request could break the budget; what was judged is in the call cache.
    """
    from workbench.record.evidence_table import EvidenceTable

    rows, runs = await _judged(targets, propositions, judge or Judge(llm), llm, variables or {}, where, budget, _score)
    floats = {"score": float, "sd": float, "confidence": float, "usd": float}
    table = EvidenceTable(rows, columns=list(SCORE_COLUMNS)).astype(floats)
    table.attrs["runs"] = runs
    return table


async def check(
    targets: Target | Sequence[Target],
    propositions: Claims,
    *,
    judge: Judge | None = None,
    llm: LLM | None = None,
    variables: Mapping[str, Any] | None = None,
    where: Callable[[Event], Any] | None = None,
    budget: Budget | None = None,
) -> EvidenceTable:
    """Check whether each proposition holds of each target: yes or no.

    Args:
        targets: as for `score`.
        propositions: likewise.
        judge: of which only the model counts.
        llm: as for `score`.
        variables: likewise.
        where: likewise.
        budget: likewise.

    Returns:
        a DataFrame, one row a target and proposition: target, proposition, holds (True, False, or None where it could
        not be checked), confidence, justification, evidence, quotes, usd, call; `attrs["runs"]`, as `score` has it.

    Raises:
        InvalidSettings, PromptError, ModelError, BudgetSpent: as `score`.
    """
    import pandas as pd

    from workbench.record.evidence_table import EvidenceTable

    rows, runs = await _judged(targets, propositions, judge or Judge(llm), llm, variables or {}, where, budget, _check)
    table = EvidenceTable(rows, columns=list(CHECK_COLUMNS)).astype({"confidence": float, "usd": float})
    table.attrs["runs"] = runs
    return table.assign(holds=pd.Series([row["holds"] for row in rows], dtype=object))


def _runs_of(judged: Sequence[Any]) -> dict[str, str]:
    """Return the id of the run that all targets are of, as `attrs["runs"]` has it; nothing where it is not one."""
    ids = {run_id(target) for target in judged}
    return {"": ids.pop()} if len(ids) == 1 and "" not in ids else {}


@dataclass(frozen=True)
class _Pair:
    """A target, and a proposition that is held against it."""

    target: Any
    subject: Subject
    proposition: Proposition
    claim: str
    llm: LLM
    """With a meter of its own: what the row costs."""
    before: str = ""
    """The precondition, where it is a claim."""

    async def holds_before(self) -> str:
        """Return why it is not to be judged; nothing where its precondition holds, or there is none."""
        wanted = self.proposition.precondition
        if wanted is None:
            return ""
        if isinstance(wanted, str):
            found = await check_claim(self.llm, self.subject, self.before)
            return "" if found.holds else f"the precondition does not hold: {found.justification}"
        try:
            return "" if wanted(self.target) else "the precondition does not hold"
        except Exception as error:
            raise InvalidSettings(
                f"{self.proposition.heading}: its precondition failed on {self.subject.name}: {error!r}"
            ) from error

    @property
    def usd(self) -> float | None:
        """What was spent on it."""
        return self.llm.meter.total.usd


async def _judged(
    targets: Any,
    propositions: Claims,
    judge: Judge,
    llm: LLM | None,
    variables: Mapping[str, Any],
    where: Callable[[Event], Any] | None,
    budget: Budget | None,
    ask: Any,
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the rows, and which run they are of."""
    given = [targets] if isinstance(targets, Person | World | RunFile | str | Path) else list(targets)
    with ExitStack() as files:
        judged = [files.enter_context(opened(one)) if _is_file(one) else one for one in given]
        pairs = _pairs(judged, _claims(propositions), judge, llm, variables, where, budget)
        return await together((ask(judge, pair) for pair in pairs), at_once=AT_ONCE), _runs_of(judged)


def _is_file(target: Any) -> TypeGuard[str | Path]:
    return isinstance(target, str | Path) and Path(target).is_file()


def _pairs(
    judged: Sequence[Any],
    wanted: Sequence[Proposition],
    judge: Judge,
    llm: LLM | None,
    variables: Mapping[str, Any],
    where: Callable[[Event], Any] | None,
    budget: Budget | None,
) -> list[_Pair]:
    """Return every target with every proposition, before anything is asked."""
    subjects = [_subject(target, where) for target in judged]
    pairs = []
    for target, subject in zip(judged, subjects, strict=True):
        model = judge.llm or llm or _model_of(target)
        for proposition in wanted:
            claim = _filled(proposition, subject.name, variables)
            first = proposition.precondition
            before = _filled(Proposition(first), subject.name, variables) if isinstance(first, str) else ""
            pairs.append(_Pair(target, subject, proposition, claim, model.metered(budget), before))
    return pairs


async def _score(judge: Judge, pair: _Pair) -> dict[str, Any]:
    if reason := await pair.holds_before():
        found = Score.unscored(reason)
    else:
        found = await judge.score(pair.llm, pair.subject, pair.proposition, pair.claim)
    return _row(pair, found) | {"score": found.value, "sd": found.sd}


async def _check(judge: Judge, pair: _Pair) -> dict[str, Any]:
    if reason := await pair.holds_before():
        found = Check.unchecked(reason)
    else:
        found = await judge.check(pair.llm, pair.subject, pair.proposition, pair.claim)
    return _row(pair, found) | {"holds": found.holds}


def _row(pair: _Pair, found: Score | Check) -> dict[str, Any]:
    return {
        "target": pair.subject.name,
        "proposition": pair.proposition.heading,
        "confidence": found.confidence,
        "justification": found.justification,
        "evidence": list(found.evidence),
        "quotes": list(found.quotes),
        "note": found.note,
        "usd": pair.usd,
        "call": found.call,
    }


def _claims(given: Claims) -> list[Proposition]:
    claims = [given] if isinstance(given, str | Proposition) else list(given)
    if odd := [claim for claim in claims if not isinstance(claim, Proposition | str)]:
        raise InvalidSettings(f"{odd[0]!r} is no claim: give a Proposition or a text")
    return [claim if isinstance(claim, Proposition) else Proposition(claim) for claim in claims]


def _filled(proposition: Proposition, name: str, variables: Mapping[str, Any]) -> str:
    """Return a claim with the variables that it speaks of."""
    needed = variables_of(proposition.claim, proposition.heading)
    given = {key: value for key, value in variables.items() if key in needed and key != "name"}
    return proposition.about(**given, name=name)


def _subject(target: Any, where: Callable[[Event], Any] | None) -> Subject:
    if isinstance(target, Person | World):
        subject = subject_of(target)
    elif isinstance(target, RunFile):
        subject = subject_of_run(target)
    else:
        raise InvalidSettings(f"{target!r} cannot be scored: give people, worlds and run files")
    return subject if where is None else Subject(subject.name, subject.about, [e for e in subject.events if where(e)])


def _model_of(target: Any) -> LLM:
    if isinstance(target, Person | World):
        return target.llm
    return llm_of(target.spec)
