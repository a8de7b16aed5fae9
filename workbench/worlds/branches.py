"""Branches: a new run that shares the past of another up to a step. Nothing of that past is asked or paid for again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from workbench.agents.memory.state import blobs_of
from workbench.errors import InvalidSettings
from workbench.record.placing import IfExists
from workbench.record.run_file import RunFile

if TYPE_CHECKING:
    from workbench.worlds.world import World

_OF_THE_PARENT = ("planned", "begun", "meter", "failure")
EDITABLE = frozenset(
    {
        "TALK",
        "THINK",
        "REACH_OUT",
        "CONVERSATION",
        "THOUGHT",
        "INTERNAL_GOAL_FORMULATION",
        "SOCIAL",
        "VISUAL",
        "LOCATION",
    }
    | {"STORY", "RESULT"}
)
"""Types of events whose words a branch can change."""


@contextmanager
def opened(run: World | RunFile | str | Path) -> Iterator[RunFile]:
    """Give the file of a run, and close it again where it was opened for that."""
    if isinstance(run, str | Path):
        with closing(RunFile.open(run)) as file:
            yield file
    elif isinstance(run, RunFile):
        yield run
    elif hasattr(run, "file"):
        yield run.file
    else:
        raise InvalidSettings(f"{run!r} is no run: give a world, or the path of a run file")


def branch_file(
    run: RunFile,
    step: int | None,
    record: str | Path | None,
    *,
    seed: int | None = None,
    edit: Mapping[int, str] | None = None,
    made_with: Mapping[str, Any] | None = None,
    if_exists: IfExists = "fail",
) -> RunFile:
    """Make the file of a branch.

    Args:
        run: whose past it shares.
        step: the last one that it shares; the last whole one when not given.
        record: where; in memory only when not given.
        seed: of what follows; that of the run when not given.
        edit: other words for events of the past, by id.
        made_with: facts of the model that goes on, where it is another.
        if_exists: as for a world.

    Raises:
        UnknownName: there is no such step.
        InvalidSettings: an edit of something that is no such event, or that has no words.
        RunExists: there is a run at `record`.
    """
    until = run.steps if step is None else step
    change = partial(_become_branch, parent=run, step=until, seed=seed, edit=edit or {}, made_with=made_with or {})
    return run.copy(record, until=until, change=change, if_exists=if_exists)


def _become_branch(
    copied: RunFile,
    *,
    parent: RunFile,
    step: int,
    seed: int | None,
    edit: Mapping[int, str],
    made_with: Mapping[str, Any],
) -> None:
    spec = copied.spec
    before = _words_before(copied, edit)
    come_from = {"run": spec.get("run"), "path": str(parent.path), "step": step, "edited": before}
    facts: dict[str, Any] = {
        "run": uuid4().hex,
        "lineage": [*spec.get("lineage", ()), come_from],
        "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": spec["seed"] if seed is None else seed,
        **made_with,
    }
    copied.change(edit, blobs_of(copied.events()), _OF_THE_PARENT, **facts)


def _words_before(copied: RunFile, edit: Mapping[int, str]) -> dict[str, str]:
    """Return what the events said that are changed, by id.

    Raises:
        InvalidSettings: one of them cannot be.
    """
    before = {event.id: event for event in copied.events() if event.id in edit}
    for number, content in edit.items():
        event = before.get(number)
        if event is None:
            raise InvalidSettings(f"edit: there is no event {number!r} in the past that the branch shares")
        if event.type not in EDITABLE or event.kind not in ("stimulus", "action", "memory"):
            raise InvalidSettings(f"edit: event {number} is a {event.type}, and no words that somebody perceived")
        if not isinstance(content, str) or not content.strip():
            raise InvalidSettings(f"edit: event {number}: other words are needed, not {content!r}")
    return {str(number): event.content for number, event in before.items()}
