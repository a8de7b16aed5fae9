"""What a researcher sees while a run goes on: a bar with its cost, and the talk as it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.record.conversation import printable, speaker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.llm.meter import Meter
    from workbench.record.events import Event

LIVE_UP_TO = 12
"""People: with more, the talk is too much to read along."""


class Progress:
    """A bar over the turns of a run, with calls, tokens and cost as they grow.

    Args:
        name: of the world.
        turns: to be taken; None where nobody knows.
        people: in the world.
        meter: of the world.
        live: whether talk is printed as it happens; with up to 12 people when None.
        shown: whether there is a bar at all.
    """

    def __init__(
        self, name: str, turns: int | None, people: int, meter: Meter, live: bool | None, *, shown: bool = True
    ) -> None:
        from tqdm.auto import tqdm

        self._meter = meter
        self._live = people <= LIVE_UP_TO if live is None else live
        self._bar: Any = tqdm(total=turns, desc=name, unit="turn", mininterval=0.2, leave=True, disable=not shown)

    def turn_done(self) -> None:
        """One person has taken their turn."""
        self._bar.set_postfix_str(self._meter.brief, refresh=False)
        self._bar.update(1)

    def step_done(self, events: Iterable[Event]) -> None:
        """A step is committed."""
        if self._live:
            for event in events:
                if event.type == "TALK":
                    self._bar.write(printable(f"{speaker(event)}: {event.content}"))

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.close()
