"""What people perceived and did, as conversations to train models on: `user` is what they perceived."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from workbench.agents.attempts import Run, write_preferences
from workbench.agents.person import Person
from workbench.errors import InvalidSettings
from workbench.record.conversation import Conversation, said, speaker
from workbench.record.events import Event
from workbench.record.run_file import RunFile
from workbench.record.telling import say_time
from workbench.worlds.run_report import people_at_end

_THOUGHT = frozenset({"THINK", "THOUGHT"})
_SHAREGPT = {"system": "system", "user": "human", "assistant": "gpt"}


@dataclass(frozen=True)
class View:
    """One person's view of what happened."""

    person: Person
    events: Sequence[Event]
    """What they perceived and did, in order, without what they have forgotten."""


def views_of_run(file: RunFile, events: Sequence[Event]) -> list[View]:
    """Return the views of all people of a run, with the personas that they had at its end."""
    people = people_at_end(file, events)
    return [View(person, _unforgotten(list(file.perceived_by(person.name)))) for person in people]


def view_of(person: Person) -> View:
    """Return the view of a person by their memory."""
    return View(person, person.memory.unforgotten)


def _unforgotten(events: list[Event]) -> list[Event]:
    notes = (event for event in events if event.kind == "memory" and event.type == "FORGOTTEN")
    gone = {number for note in notes for number in json.loads(note.content)["ids"]}
    return [event for event in events if event.id not in gone]


def messages_of(view: View, *, system: bool, thoughts: bool) -> list[dict[str, str]]:
    """Return a view as messages: system, then user and assistant by turns, the last the assistant's.

    Where the person acts before they perceive anything, the user's first message is the time.

    Args:
        view: of the person.
        system: whether the first message says who they are.
        thoughts: whether what they thought is among what they did.

    Returns:
        nothing where the person did nothing.
    """
    turns: list[tuple[str, list[str]]] = []
    for event in Conversation.of(view.events, thoughts=thoughts).events:
        own = event.kind == "action" and event.source == view.person.name
        role, words = ("assistant", _done(event)) if own else ("user", _perceived(event))
        if not words.strip():
            continue
        if not turns and own:
            turns.append(("user", [f"[{say_time(event.time)}]"]))
        if turns and turns[-1][0] == role:
            turns[-1][1].append(words)
        else:
            turns.append((role, [words]))
    while turns and turns[-1][0] == "user":
        turns.pop()
    messages = [{"role": role, "content": "\n".join(said)} for role, said in turns]
    persona = [{"role": "system", "content": view.person.persona.markdown}] if system and messages else []
    return [*persona, *messages]


def _done(event: Event) -> str:
    """Return what the person did, as they would say it: words alone, else with what it was."""
    if event.type == "TALK":
        return f"(to {event.target}) {event.content}" if event.target and event.content else event.content
    if event.type in _THOUGHT:
        return f"(thinks) {event.content}" if event.content else ""
    if event.type == "REACH_OUT":
        return f"(reaches out to {event.target}) {event.content}"
    return f"(does {event.type}) {said(event)}"


def _perceived(event: Event) -> str:
    return f"{speaker(event)}: {said(event)}" if said(event) else ""


def chat(views: Iterable[View], *, system: bool, thoughts: bool) -> bytes:
    """Return conversations as JSON Lines, in OpenAI's form for fine-tuning; people who did nothing give no line."""
    made = [messages_of(view, system=system, thoughts=thoughts) for view in views]
    lines = [json.dumps({"messages": messages}, ensure_ascii=False) for messages in made if messages]
    return "".join(f"{line}\n" for line in lines).encode()


def sharegpt(views: Iterable[View], *, system: bool, thoughts: bool) -> bytes:
    """Return conversations as JSON in the ShareGPT form; people who did nothing give none."""
    made = [messages_of(view, system=system, thoughts=thoughts) for view in views]
    whole = [
        {"conversations": [{"from": _SHAREGPT[one["role"]], "value": one["content"]} for one in messages]}
        for messages in made
        if messages
    ]
    return (json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode()


def preferences(runs: Iterable[Any]) -> bytes:
    """Return pairs for preference training as JSON Lines, of runs and people with checks: see `write_preferences`.

    Raises:
        InvalidSettings: there are none.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder, "pairs.jsonl")
        pairs = b"".join(_pairs(cast(Run, run), path) for run in runs)
    if not pairs:
        raise InvalidSettings(
            "preferences: there are no pairs: no turn passed its checks after an attempt that failed; only runs that "
            "were made with checks=wb.Checks(...) have them"
        )
    return pairs


def _pairs(run: Run, path: Path) -> bytes:
    write_preferences(run, path)
    return path.read_bytes()
