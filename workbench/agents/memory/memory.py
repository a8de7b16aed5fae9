"""`Memory`: all that a person remembers. What happens to it is an event, so that it can be replayed and pointed at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from workbench.agents.memory.episodic import EpisodicMemory, Mark
from workbench.agents.memory.ledger import Ledger, read_ledger
from workbench.agents.memory.remembered import Remembered, Retrieval
from workbench.agents.memory.semantic import SemanticMemory
from workbench.agents.memory.settings import MemorySettings
from workbench.errors import UnknownName
from workbench.llm.client import LLM
from workbench.record.blobs import Blobs
from workbench.record.events import Event
from workbench.record.telling import KEPT, happened

if TYPE_CHECKING:
    import pandas as pd

DOCUMENT_IMPORTANCE = 5
"""Of a passage: nobody has weighed it."""


@dataclass(eq=False)
class Memory:
    """What a person remembers: events, of which prompts show a window, and what is known, found by its meaning.

    Args:
        name: whose memory it is.
        settings: how it works.
    """

    name: str = ""
    settings: MemorySettings = field(default_factory=MemorySettings)
    episodic: EpisodicMemory = field(default_factory=EpisodicMemory)
    semantic: SemanticMemory = field(default_factory=SemanticMemory)
    forgotten: frozenset[int] = frozenset()
    """Events and memories that were explicitly forgotten, by id."""
    unreflected: int = 0
    """The importance that has gathered since the last reflection."""
    blobs: Blobs = field(default_factory=Blobs, repr=False)
    encoder: str = ""
    """What made the vectors of the semantic memory."""

    @property
    def unforgotten(self) -> list[Event]:
        """The events that were not explicitly forgotten."""
        return [event for event in self.events if event.id not in self.forgotten]

    @property
    def events(self) -> list[Event]:
        """All that was perceived and done, and what the memory made of it, in order; in a world, read from its file."""
        return list(self.episodic.log)

    @property
    def n_events(self) -> int:
        """How many those are."""
        return len(self.episodic.log)

    @property
    def text(self) -> str:
        """The window as prompts show it."""
        return self.episodic.text

    @property
    def documents(self) -> dict[str, list[Remembered]]:
        """The passages of what was read, by the name of the document."""
        found: dict[str, list[Remembered]] = {}
        for item in map(self.semantic.__getitem__, self.semantic.of_kind("document")):
            found.setdefault(item.source, []).append(item)
        return found

    def add(self, event: Event) -> None:
        """Take in an event: the one way in which a memory changes."""
        self.episodic.add(event)
        if event.kind == "memory" and event.type in KEPT:
            self._keep_books(event.type, event, json.loads(event.content))

    def _keep_books(self, type_: str, event: Event, data: dict[str, Any]) -> None:
        if type_ in ("MEMORY", "INSIGHT"):
            self.semantic.add(
                Remembered(
                    key=str(event.id),
                    kind="memory" if type_ == "MEMORY" else "insight",
                    text=data["text"],
                    time=datetime.fromisoformat(data["time"]),
                    importance=data["importance"],
                    links=tuple(data["links"]),
                )
            )
            self.unreflected += data["importance"] if type_ == "MEMORY" else 0
        elif type_ == "REFLECTED":
            self.unreflected = 0
        elif type_ == "DOCUMENT":
            name = data["source"]
            passage = Remembered(str(event.id), "document", data["text"], event.time, DOCUMENT_IMPORTANCE, (), name)
            self.semantic.add(passage)
        elif type_ == "EPISODE":
            self.episodic.leave(data["events"])
        elif type_ == "SUMMARISED":
            self.episodic.summarise(data["event"], data["text"])
        elif type_ == "FORGOTTEN":
            self.forgotten |= frozenset(data["ids"])
            self.episodic.leave(data["ids"])
            self.semantic.forget(map(str, data["ids"]))

    # -- leaving the window --------------------------------------------------------------------------------

    def episodes_due(self, *, all_: bool = False) -> list[list[Event]]:
        """Return the episodes that have to be consolidated before the window is as long as it may be.

        Args:
            all_: everything in the window, whether it has to leave or not.
        """
        window, size = self.episodic.window, self.settings.episode
        if all_:
            return [window[at : at + size] for at in range(0, len(window), size)]
        over = len(window) - self.settings.window
        return [window[at : at + size] for at in range(0, max(over, 0), size)]

    @property
    def reflection_due(self) -> bool:
        """True when enough importance has gathered since the last reflection."""
        return 0 < self.settings.reflect_after <= self.unreflected

    # -- retrieving ----------------------------------------------------------------------------------------

    async def retrieve(
        self,
        llm: LLM,
        queries: Sequence[str],
        now: datetime,
        k: int | None = None,
        among: Sequence[int] | None = None,
    ) -> Retrieval:
        """Return what is found for some queries, with the scores of all that was eligible.

        Args:
            llm: whose embeddings serve.
            queries: texts; the one that a memory is nearest to counts.
            now: the simulated time.
            k: how many are wanted; as in the settings when not given.
            among: the places of the semantic memory that may be found; all when not given.
        """
        if self.encoder != llm.embedding_name:  # vectors of two encoders cannot be compared
            self.semantic.drop_vectors()
            self.encoder = llm.embedding_name
        if missing := self.semantic.missing():
            self.semantic.set_vectors(missing, await llm.embed([self.semantic[place].text for place in missing]))
        settings = self.settings
        wanted = settings.k if k is None else k
        vectors = await llm.embed(queries)
        return self.semantic.retrieve(vectors, now, wanted, weights=settings.weights, decay=settings.decay, among=among)

    def ledger(self, turn: int | None = None) -> pd.DataFrame:
        """Return why the prompt of a turn showed which memories: one row for each that was eligible, best first.

        Columns: memory (its event id), kind, text, time, links, source, recency, importance, relevance and score
        (each 0-1), shown (whether it went into the prompt), query (what was looked for: what came to mind by itself
        first, then what the person looked up with RECALL or CONSULT).

        Args:
            turn: the id of any event that the person produced in the turn; the last turn when not given.

        Raises:
            UnknownName: the person did nothing of that id.
        """
        import pandas as pd

        found = [(read_ledger(self.blobs.read(one["ledger"])), one["query"]) for one in self._retrieved(turn)]
        found = found or [(Ledger.empty(), [])]
        frames = [ledger.to_frame(self.semantic).assign(query="; ".join(queries)) for ledger, queries in found]
        return pd.concat(frames, ignore_index=True)

    def _retrieved(self, turn: int | None) -> list[dict[str, Any]]:
        own = (event for event in self.events if event.source == self.name and event.call)
        actions = [event for event in own if happened(event)]
        if turn is None:
            call = actions[-1].call if actions else None
        else:
            call = next((event.call for event in actions if event.id == turn), None)
            if call is None:
                raise UnknownName(
                    f"event {turn!r} is none that this person produced: give the id of one of their actions"
                )
        retrieved = (json.loads(e.content) for e in self.events if e.type == "RETRIEVED" and e.kind == "memory")
        return [made for made in retrieved if call in made["calls"]]

    # -- going back, copying -------------------------------------------------------------------------------

    def mark(self) -> tuple[Mark, Any, frozenset[int], int]:
        """Return a mark to go back to."""
        return self.episodic.mark(), self.semantic.mark(), self.forgotten, self.unreflected

    def back_to(self, mark: tuple[Mark, Any, frozenset[int], int]) -> None:
        """Undo all that came after a mark."""
        episodic, semantic, self.forgotten, self.unreflected = mark
        self.episodic.back_to(episodic)
        self.semantic.back_to(semantic)

    def copy(self) -> Memory:
        """Return an independent copy that shares nothing which can change."""
        return Memory(
            self.name,
            self.settings,
            self.episodic.copy(),
            self.semantic.copy(),
            self.forgotten,
            self.unreflected,
            self.blobs.copy(),
            self.encoder,
        )
