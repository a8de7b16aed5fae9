"""Whether a run is what it was to be: read from its record alone, so it holds after a crash, too."""

from __future__ import annotations

from typing import Literal

from workbench.record.run_file import RunFile
from workbench.worlds.stage import ABSENT, STOPPED

Status = Literal["new", "incomplete", "partial", "complete"]


def status_of(file: RunFile) -> Status:
    """Return the status of a recorded run.

    `new`: no step was asked for; `incomplete`: it was to run for more steps than it has, or until something, and was
    not stopped by a condition or a researcher since; `partial`: all steps are there, and in some of them somebody was
    absent; else `complete`.
    """
    spec = file.spec
    if "planned" not in spec and not file.steps:
        return "new"
    planned, begun = spec.get("planned", 0), spec.get("begun", 0)
    stopped = [event for event in file.since_last_step() if event.kind == "note" and event.type == STOPPED]
    if (planned is None or planned > file.steps) and not any(event.id > begun for event in stopped):
        return "incomplete"
    return "partial" if any(event.kind == "note" for event in file.latest(ABSENT, 1)) else "complete"
