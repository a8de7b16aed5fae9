"""Step control: a run that goes on can be paused, played and stopped from elsewhere, such as a panel."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

POLL = 0.05
"""Seconds: whoever plays on may do so from another thread or loop than the run's, and no asyncio.Event spans those."""


@dataclass
class Control:
    """What is wanted of a run that goes on."""

    running: bool = False
    """A run goes on, perhaps paused."""
    paused: bool = False
    """It waits, or will wait, after the step that is under way."""
    stopping: bool = False
    """It will end after the step that is under way."""
    waiting: bool = False
    """It waits now, between steps."""
    n_runs: int = 0
    """How many have begun."""

    async def gate(self) -> None:
        """Wait while the run is paused."""
        try:
            while self.paused and not self.stopping:
                self.waiting = True
                await asyncio.sleep(POLL)
        finally:
            self.waiting = False

    async def ended(self) -> None:
        """Wait until no run goes on."""
        while self.running:
            await asyncio.sleep(POLL)

    def begin(self) -> int:
        """Let a run begin; returns its number."""
        self.running, self.paused, self.stopping = True, False, False
        self.n_runs += 1
        return self.n_runs

    def end(self, number: int) -> None:
        """Let a run have ended; nothing where it has already, and another has begun."""
        if number == self.n_runs:
            self.running, self.paused, self.stopping = False, False, False
