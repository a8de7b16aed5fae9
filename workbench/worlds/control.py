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

    async def gate(self) -> None:
        """Wait while the run is paused."""
        while self.paused and not self.stopping:
            await asyncio.sleep(POLL)

    async def ended(self) -> None:
        """Wait until no run goes on."""
        while self.running:
            await asyncio.sleep(POLL)

    def begin(self) -> None:
        """A run begins."""
        self.running, self.paused, self.stopping = True, False, False

    def end(self) -> None:
        """It has ended."""
        self.running, self.paused, self.stopping = False, False, False
