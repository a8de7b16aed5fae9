"""`score`: propositions held against people and worlds, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.agents.person import Person
from workbench.judging.judge import Score, Subject, score_claim
from workbench.judging.propositions import Proposition
from workbench.llm.client import LLM, default_llm
from workbench.llm.running import together
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
        llm: the judge; the default model when not given.

    Returns:
        a DataFrame, one row a target and proposition, in the order given: target, proposition, score (0-9, NaN
        where there is none), confidence (0-1), justification (or why there is no score), evidence (event ids), call.

    Raises:
        ModelError: the judge could not be asked, or gave no readable answer.
    """
    import pandas as pd

    given = [propositions] if isinstance(propositions, str | Proposition) else propositions
    wanted = [p if isinstance(p, Proposition) else Proposition(p) for p in given]
    subjects = [_subject(t) for t in ([targets] if isinstance(targets, Person | World) else targets)]
    judge = llm or default_llm()
    pairs = [(subject, proposition) for subject in subjects for proposition in wanted]
    scores = await together(score_claim(judge, s, p.about(name=s.name)) for s, p in pairs)
    rows = [_row(s, p, verdict) for (s, p), verdict in zip(pairs, scores, strict=True)]
    columns = ["target", "proposition", "score", "confidence", "justification", "evidence", "call"]
    return pd.DataFrame(rows, columns=columns).astype({"score": float, "confidence": float})


def _row(subject: Subject, proposition: Proposition, score: Score) -> tuple[object, ...]:
    evidence = list(score.evidence)
    return subject.name, proposition.heading, score.value, score.confidence, score.justification, evidence, score.call


def _subject(target: Target) -> Subject:
    if isinstance(target, Person):
        return Subject(target.name, target.persona.markdown, target.memory.events)
    bios = "\n".join(f"- {person.minibio()}" for person in target.people)
    return Subject(target.name, f"{target.description}\n\nPeople:\n{bios}".strip(), target.events())
