"""`WordProcessor`: documents that people write, revise and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel

from workbench.agents.actions import Acting, ActionDefinition, action
from workbench.agents.faculties import Tool
from workbench.html import box, table
from workbench.llm.calls import asked_of
from workbench.llm.client import LLM
from workbench.llm.seeds import derive_seed
from workbench.prompts import render
from workbench.record.telling import quote, say_time

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ["title", "owner", "revision", "written", "text"]


class _Enriched(BaseModel):
    text: str


@dataclass(frozen=True)
class WrittenDocument:
    """One revision of a document."""

    title: str
    text: str
    owner: str
    """Who wrote it, and may revise it."""
    written: datetime
    """Simulated time."""
    revision: int = 1
    """Counts from 1."""
    original: str | None = None
    """What the owner wrote, where the model made more of it."""

    def to_dict(self) -> dict[str, Any]:
        """Return the document as JSON holds it."""
        return {**asdict(self), "written": self.written.isoformat()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read a document as JSON holds it; what else is there is left out."""
        known = {one.name: data[one.name] for one in fields(cls)}
        return cls(**{**known, "written": datetime.fromisoformat(data["written"])})

    def __str__(self) -> str:
        when = f"revision {self.revision}, {say_time(self.written)}"
        return f"{self.title!r} by {self.owner} ({when}, {_length(self.text)})"


class WordProcessor(Tool):
    """Documents that all who have the tool can read, and their owners revise. A title is there once, whatever its case.

    Args:
        name: of the tool.
        enrich_with: a model that makes documents longer and more detailed, without changing their facts, whenever they
            are written or revised; `world` for the one that people think with, whose meter and budget then count it.
            They stay as written when not given.

    >>> WordProcessor()
    WordProcessor('word processor', 0 documents)
    """

    def __init__(self, name: str = "word processor", *, enrich_with: LLM | Literal["world"] | None = None) -> None:
        self.name = name
        self.enrich_with = enrich_with
        self._written: tuple[WrittenDocument, ...] = ()
        does = (self.write_document, self.revise_document, self.read_document, self.list_written_documents)
        self._actions = tuple(action(function) for function in does)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {len(self.documents)} documents)"

    def _repr_html_(self) -> str:
        rows = [(one.title, one.owner, one.revision, say_time(one.written), one.text) for one in self.documents]
        return box(self.name, f"{len(rows)} document{'s' if len(rows) != 1 else ''}", table(_COLUMNS, rows))

    # -- what is there -------------------------------------------------------------------------------------

    @property
    def documents(self) -> list[WrittenDocument]:
        """The latest revision of each document, in the order in which they were first written."""
        return list({_key(one.title): one for one in self._written}.values())

    def revisions(self, title: str) -> list[WrittenDocument]:
        """Return all revisions of a document, the first one first; none where there is no such document."""
        return [one for one in self._written if _key(one.title) == _key(title)]

    def to_frame(self) -> pd.DataFrame:
        """Return the documents as a DataFrame, one row each.

        Columns: title, owner, revision, written (simulated), text.
        """
        import pandas as pd

        frame = pd.DataFrame([asdict(one) for one in self.documents], columns=_COLUMNS)
        return frame.assign(written=pd.to_datetime(frame["written"]))

    # -- what people do ------------------------------------------------------------------------------------

    @property
    def actions(self) -> Sequence[ActionDefinition]:
        """What it lets people do."""
        return self._actions

    async def write_document(self, title: str, text: str, acting: Acting) -> str:
        """Write a new document under a title of its own. `text` is all of it. Others can read it."""
        title = " ".join(title.split())
        if not title or not text.strip():
            return "A document needs a title and a text. Nothing was written."
        if earlier := self._latest(title):
            if earlier.owner == acting.person:
                return f"You have written {earlier} already: revise it, or take another title. Nothing was written."
            return f"There is a document {earlier}: take another title. Nothing was written."
        return await self._write(WrittenDocument(title, text, acting.person, acting.time), acting)

    async def revise_document(self, title: str, text: str, acting: Acting) -> str:
        """Replace the text of a document that you have written. `text` is all of the new text, not only the changes."""
        earlier = self._latest(title)
        if earlier is None:
            return f"{self._unknown(title)} Nothing was revised."
        if earlier.owner != acting.person:
            return f"{earlier.title!r} belongs to {earlier.owner}: only they can revise it. Nothing was revised."
        if not text.strip():
            return "A document needs a text. Nothing was revised."
        revised = WrittenDocument(earlier.title, text, earlier.owner, acting.time, earlier.revision + 1)
        return await self._write(revised, acting)

    def read_document(self, title: str) -> str:
        """Read a document that you or others have written with WRITE_DOCUMENT, in its latest revision."""
        document = self._latest(title)
        return f"{document}:\n{document.text}" if document else self._unknown(title)

    def list_written_documents(self) -> str:
        """See which documents you and others have written with WRITE_DOCUMENT, and who owns them."""
        return "\n".join(map(str, self.documents)) or "No documents have been written yet."

    async def _write(self, document: WrittenDocument, acting: Acting) -> str:
        llm = acting.llm if self.enrich_with == "world" else self.enrich_with
        enriched = await _enrich(llm, document) if llm else {}
        self.affect(acting, {**document.to_dict(), **enriched})
        more = " An editor has made it more detailed: read it before you revise it." if enriched else ""
        return f"Written: {self._latest(document.title)}.{more}"

    def _latest(self, title: str) -> WrittenDocument | None:
        return next(reversed(self.revisions(title)), None)

    def _unknown(self, title: str) -> str:
        titles = ", ".join(repr(one.title) for one in self.documents)
        return f"There is no document {title!r}. There are: {titles or 'none'}."

    # -- its state -----------------------------------------------------------------------------------------

    def apply(self, effect: Mapping[str, Any]) -> None:
        """Take in a revision."""
        self._written = (*self._written, WrittenDocument.from_dict(effect))

    def effects(self) -> list[dict[str, Any]]:
        """Return the effects that make an empty word processor what this one is."""
        return [one.to_dict() for one in self._written]

    def mark(self) -> tuple[WrittenDocument, ...]:
        """Return a mark to go back to when a step fails."""
        return self._written

    def back_to(self, mark: tuple[WrittenDocument, ...]) -> None:
        """Undo all that came after a mark."""
        self._written = mark

    def copy(self) -> Self:
        """Return an independent copy, for a twin."""
        copy = type(self)(self.name, enrich_with=self.enrich_with)
        copy.back_to(self.mark())
        return copy


async def _enrich(llm: LLM, document: WrittenDocument) -> dict[str, Any]:
    """Return what a model makes of a document, what was there before, and the call; nothing if it says nothing."""
    told = quote("document", document.text, name=document.title)
    user = render("document_user", document=told, context="", facts="", style="", times=None, requirements="")
    messages = asked_of(render("enrich_system"), user.rstrip())
    seed = derive_seed("enrich", document.owner, document.title, document.revision)
    reply = await llm.complete(messages, _Enriched, purpose="enrich", person=document.owner, seed=seed)
    if not reply.value.text.strip():
        return {}
    return {"text": reply.value.text, "original": document.text, "call": reply.call}


def _key(title: str) -> str:
    return " ".join(title.split()).casefold()


def _length(text: str) -> str:
    words = len(text.split())
    return f"{words:,} word{'s' if words != 1 else ''}"
