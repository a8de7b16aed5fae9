"""The report of a run: one page that says how it was made, who was there and what was said. It asks no model.

All of it is read from the record, so a run can be reported on without the code of its tools and interventions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from workbench.agents.person import Person
from workbench.html import callout, heading, page, paragraph, table
from workbench.llm.client import LLM
from workbench.llm.meter import Meter
from workbench.record.conversation import Conversation
from workbench.record.events import Event
from workbench.record.run_file import RunFile, reading
from workbench.worlds.stage import CHANGED
from workbench.worlds.status import status_of


def people_at_end(file: RunFile, events: Sequence[Event]) -> list[Person]:
    """Return the people of a run, with the personas that they had at its end, and without a memory."""
    edited = {e.target: e.content for e in events if e.kind == "intervention" and e.type == "PERSONA"}
    with reading(file.path):
        return [_person(state, edited.get(name)) for name, state in file.people.items()]


def _person(state: Mapping[str, Any], edited: str | None) -> Person:
    bare = {key: value for key, value in state.items() if key != "mind"}
    return Person.load({**bare, "persona": json.loads(edited)["persona"]} if edited else bare)


def report_on(file: RunFile, events: Sequence[Event], people: Sequence[Person]) -> str:
    """Return the report as a page that needs nothing else.

    Args:
        file: of the run.
        events: all of it, in order.
        people: as they were at its end.
    """
    with reading(file.path):
        spec = file.spec
        said = caveat(spec)
        parts = [
            heading(spec["name"], 1),
            paragraph(spec["description"]) if spec["description"] else "",
            callout(said) if said else "",
            heading("How the run was made"),
            table([], list(facts_of(file, events).items())),
            heading("Who was there"),
            paragraph("Each persona as it was at the end of the run.", quiet=True),
            *(f'<div style="margin:.6em 0">{person.persona._repr_html_()}</div>' for person in people),
            heading("What happened"),
            paragraph("The number of a line is that of its event in the run file.", quiet=True),
            Conversation.of(events)._repr_html_(),
        ]
        return page(spec["name"], "\n".join(part for part in parts if part))


def caveat(spec: Mapping[str, Any]) -> str:
    """Return what has to be said beside every result of the model that a run was made with."""
    return LLM(spec["model"], provider="embedded", cache="off").caveat if spec["provider"] == "embedded" else ""


def facts_of(file: RunFile, events: Sequence[Event]) -> dict[str, str]:
    """Return how a run was made, what it cost, and what became of it; what does not apply is left out."""
    spec = file.spec
    embedded = spec["provider"] == "embedded"
    facts = {
        "Status": status_of(file),
        "Steps": _steps(file, spec, len(events)),
        "Simulated time": _time(file, spec),
        "People": str(len(file.people)),
        "Who reaches whom": spec["reach"] if isinstance(spec["reach"], str) else "as given",
        "Interventions": ", ".join(spec.get("interventions", ())),
        "Tools": ", ".join(spec.get("tools", ())),
        "Checks": "yes" if spec.get("checks") else "",
        "Model": f"{spec['model']}, {'in the process' if embedded else 'at ' + spec['endpoint']}",
        "Sampling": "" if embedded else _sampling(spec),
        "Seed": str(spec["seed"]),
        "Cost": str(meter_of(file)),
        "Versions": f"persona-workbench {spec['version']}, prompts {spec['prompts']}",
        "Recorded": spec["recorded_at"],
        "Run": spec.get("run", ""),
        "Lineage": "; ".join(map(_ancestor, spec.get("lineage", ()))),
        "Changed on the way": "; ".join(_changes(events)),
    }
    return {name: fact for name, fact in facts.items() if fact}


def meter_of(file: RunFile) -> Meter:
    """Return what a run has cost, with what a step cost that failed in the end."""
    meter, paid = Meter(), file.spec.get("meter", {})
    step, _, rows = file.last_step or (0, None, [])
    meter.restore(paid["rows"] if paid.get("step") == step else rows)
    return meter


def _steps(file: RunFile, spec: Mapping[str, Any], n_events: int) -> str:
    planned = spec.get("planned") or 0
    of = f" of {planned}" if planned > file.steps else ""
    schedule = spec["schedule"] if isinstance(spec["schedule"], str) else spec["schedule"]["name"]
    return f"{file.steps}{of}, {schedule}; {n_events:,} events"


def _time(file: RunFile, spec: Mapping[str, Any]) -> str:
    start = datetime.fromisoformat(spec["start"])
    end = file.last_step[1] if file.last_step else start
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"


def _sampling(spec: Mapping[str, Any]) -> str:
    given = spec["temperature"] is not None
    temperature = f"temperature {spec['temperature']}" if given else "the temperature of the endpoint"
    return f"{temperature}, at most {spec['max_tokens']:,} tokens an answer"


def _ancestor(one: Mapping[str, Any]) -> str:
    n_changed = len(one.get("edited", ()))
    changed = f", {n_changed} event{'s' if n_changed > 1 else ''} changed" if n_changed else ""
    return f"from step {one['step']} of the run {one['run']}{changed}"


def _changes(events: Sequence[Event]) -> Iterator[str]:
    return (event.content for event in events if event.kind == "note" and event.type == CHANGED)
