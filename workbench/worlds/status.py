"""Whether a run is what it was to be: read from its record alone, so it holds after a crash, too."""

from __future__ import annotations

from typing import Literal

from workbench.record.run_file import RunFile
from workbench.worlds.stage import ABSENT, STOPPED

Status = Literal["new", "incomplete", "partial", "complete"]


def status_of(file: RunFile) -> Status:
    """Return the status of a recorded run.

    `new`: no step was asked for; `incomplete`: it was to run for more steps than it has, and was not stopped by a
    condition or a researcher; `partial`: all steps are there, and in some of them somebody was absent; else `complete`.
    """
    spec = file.spec
    if "planned" not in spec and not file.steps:
        return "new"
    if (spec.get("planned") or 0) > file.steps and not any(e.type == STOPPED for e in file.since_last_step()):
        return "incomplete"
    return "partial" if any(event.kind == "note" for event in file.latest(ABSENT, 1)) else "complete"
