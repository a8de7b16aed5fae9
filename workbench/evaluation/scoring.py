"""`score`: propositions held against people and worlds, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.agents.person import Person
from workbench.errors import InvalidSettings
from workbench.judging.judge import Score, Subject, score_claim
from workbench.judging.propositions import Proposition
from workbench.llm.client import LLM
from workbench.llm.running import together
from workbench.worlds.subjects import subject_of
from workbench.worlds.world import World

if TYPE_CHECKING:
    import pandas as pd

Target = Person | World


async def score(
    targets: Target | Sequence[Target],
    propositions: Proposition | str | Sequence[Proposition | str],
    *,
    llm: LLM | None = None,
) -> pd.DataFrame:
    """Score each target on each proposition, all at once.

    Args:
        targets: people, judged on what they perceived and did, and worlds, judged on all that happened.
        propositions: claims; a text is a claim as it stands. `{{name}}` is the target's name.
        llm: the judge; the model that the target itself thinks with when not given.

    Returns:
        a DataFrame, one row a target and proposition, in the order given: target, proposition, score (0-9, NaN
        where there is none), confidence (0-1), justification (or why there is no score), evidence (event ids), call.

    Raises:
        InvalidSettings: something that is no target or no claim.
        PromptError: a claim needs a variable that is not given.
        ModelError: the judge could not be asked, or gave no readable answer.
    """
    import pandas as pd

    given = [propositions] if isinstance(propositions, str | Proposition) else propositions
    judged = [targets] if isinstance(targets, Person | World) else list(targets)
    if wrong := [target for target in judged if not isinstance(target, Person | World)]:
        raise InvalidSettings(f"{wrong[0]!r} cannot be scored: give people and worlds")
    if odd := [claim for claim in given if not isinstance(claim, Proposition | str)]:
        raise InvalidSettings(f"{odd[0]!r} is no claim: give a Proposition or a text")
    wanted = [p if isinstance(p, Proposition) else Proposition(p) for p in given]
    subjects = [subject_of(target) for target in judged]
    pairs = [(subject, proposition) for subject in subjects for proposition in wanted]
    claims = [proposition.about(name=subject.name) for subject, proposition in pairs]
    judges = [llm or target.llm for target in judged for _ in wanted]
    asked = zip(judges, pairs, claims, strict=True)
    scores = await together(score_claim(judge, subject, claim) for judge, (subject, _), claim in asked)
    rows = [_row(s, p, verdict) for (s, p), verdict in zip(pairs, scores, strict=True)]
    columns = ["target", "proposition", "score", "confidence", "justification", "evidence", "call"]
    return pd.DataFrame(rows, columns=columns).astype({"score": float, "confidence": float})


def _row(subject: Subject, proposition: Proposition, score: Score) -> tuple[object, ...]:
    evidence = list(score.evidence)
    return subject.name, proposition.heading, score.value, score.confidence, score.justification, evidence, score.call
