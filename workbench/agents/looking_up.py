"""Looking things up: what every person with a past or with documents can do before they speak."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from workbench.agents.actions import Acting, ActionDefinition, action
from workbench.agents.memory.memory import Memory
from workbench.agents.memory.remembered import Remembered, Retrieval
from workbench.llm.client import LLM
from workbench.record.telling import say_time

WHOLE = 6_000
"""Characters up to which a document is handed over as a whole."""
FOUND = 8
"""Memories that a search returns."""
PASSAGES = 4
"""Of a longer one."""


@action(constraints="when you need something from your past that is not shown here")
async def recall(query: str, acting: Acting) -> str:
    """Search your memory."""
    return await _known(acting).recall(query)


@action
async def consult(document: str, question: str, acting: Acting) -> str:
    """Look something up in one of your documents, by its name."""
    return await _known(acting).consult(document, question)


@action
def list_documents(acting: Acting) -> str:
    """See which documents you have."""
    return _known(acting).list_documents()


ALWAYS = frozenset((recall.name, consult.name, list_documents.name))
"""The names of these actions: no faculty can have one of them."""


def ways_to_look_up(memory: Memory) -> tuple[ActionDefinition, ...]:
    """Return what there is to look things up with: nothing for somebody without past and documents."""
    past = (recall,) if memory.semantic.of_kind("memory", "insight") else ()
    return (*past, *((consult, list_documents) if memory.semantic.of_kind("document") else ()))


@dataclass(frozen=True)
class Library:
    """What a person can look up: their memory and their documents."""

    memory: Memory
    llm: LLM
    now: datetime
    found: Callable[[str, Retrieval], None] = lambda query, found: None
    """Is told what was found for what, for the ledger."""

    async def recall(self, query: str) -> str:
        """Return what is remembered of something, with its dates."""
        found = await self.memory.retrieve(self.llm, [query], self.now, k=FOUND)
        self.found(query, found)
        items = [self.memory.semantic[place] for place in found.shown]
        return "\n".join(map(dated, items)) or "You remember nothing of it."

    async def consult(self, document: str, question: str) -> str:
        """Return a document, or the passages of a long one that a question is about."""
        documents = self.memory.documents
        name = _meant(document, documents)
        if name is None:
            return f"There is no document {document!r}. There are: {', '.join(documents) or 'none'}."
        passages = documents[name]
        if sum(len(passage.text) for passage in passages) <= WHOLE:
            return f"{name}:\n" + "\n\n".join(passage.text for passage in passages)
        places = [p for p in self.memory.semantic.of_kind("document") if self.memory.semantic[p].source == name]
        found = await self.memory.retrieve(self.llm, [question], self.now, k=PASSAGES, among=places)
        self.found(question, found)
        parts = sorted(places.index(place) for place in found.shown)
        numbers = ", ".join(str(part + 1) for part in parts)
        text = "\n\n".join(passages[part].text for part in parts)
        return f"{name}, passages {numbers} of {len(passages)}:\n{text}"

    def list_documents(self) -> str:
        """Return the names of the documents, with their length."""
        documents = self.memory.documents
        lengths = {name: sum(len(passage.text) for passage in passages) for name, passages in documents.items()}
        return "\n".join(f"{name} ({length:,} characters)" for name, length in lengths.items()) or "There are none."


def dated(item: Remembered) -> str:
    """Return what is known with when, or where, it is from."""
    return f"[{item.source or say_time(item.time)}] {item.text}"


def _known(acting: Acting) -> Library:
    known: Library = acting.known
    return known


def _meant(name: str, documents: Mapping[str, object]) -> str | None:
    """Return the document of a name, whatever its case, or of a part of it that only one has."""
    wanted = name.strip().casefold()
    whole = [known for known in documents if known.casefold() == wanted]
    part = [known for known in documents if wanted and wanted in known.casefold()]
    return next(iter(whole), part[0] if len(part) == 1 else None)
