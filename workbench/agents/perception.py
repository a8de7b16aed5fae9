"""Perception: how anything reaches a person. Each thing perceived is an event, and `perceive` is the one way in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from workbench.agents.grounding.passages import passages_of_page, passages_of_path
from workbench.agents.memory.forgetting import forgetting
from workbench.agents.memory.memory import Memory
from workbench.agents.memory.remembered import Remembered
from workbench.agents.mind import Mind
from workbench.agents.persona import Persona
from workbench.agents.pictures import PICTURE_SUFFIXES, read_picture
from workbench.agents.seeing import picture_happening
from workbench.errors import InvalidSettings, UnknownName
from workbench.record.events import Event, Happening, Journal, Kind


class Perceiving:
    """Somebody who perceives: persona, mind and memory, and the journal that takes what happens to them."""

    persona: Persona
    mind: Mind
    memory: Memory
    _journal: Journal

    @property
    def name(self) -> str:
        """The person's name."""
        return self.persona.name

    def events(self) -> list[Event]:
        """Return what they perceived and did, and what their memory made of it, in order."""
        return self.memory.events

    def listen(self, speech: str, source: str = "") -> Self:
        """Hear somebody speak. `source` is a name, or nothing for a voice from outside."""
        return self.stimulate("CONVERSATION", speech, source)

    def see(self, what: str | Path, description: str = "") -> Self:
        """See something: told in words, or a picture.

        Args:
            what: a description, such as "a red door"; or the path of a picture (.png, .jpg, .webp, .gif ...). The model
                then gets the picture, without what the camera wrote into it.
            description: of the picture, such as "an ad".

        Raises:
            UnreadableDocument: the picture cannot be read, or is too large.
        """
        if not (isinstance(what, Path) or description or _is_file(what)):
            return self.stimulate("VISUAL", str(what))
        picture = read_picture(what)
        self.memory.blobs.keep(picture.data)
        return self.happens(picture_happening(picture, Path(what).name, description, self.name))

    def socialize(self, description: str, source: str = "") -> Self:
        """Perceive something social: somebody joins, leaves, waves."""
        return self.stimulate("SOCIAL", description, source)

    def think(self, thought: str) -> Self:
        """Have a thought, given from outside."""
        return self.stimulate("THOUGHT", thought)

    def internalize_goal(self, goal: str) -> Self:
        """Take up a goal."""
        return self.stimulate("INTERNAL_GOAL_FORMULATION", goal)

    def move_to(self, location: str, context: Sequence[str] | None = None) -> Self:
        """Go somewhere; `context` is what holds there, when it changes."""
        self.stimulate("LOCATION", location)
        return self if context is None else self.change_context(context)

    def change_context(self, context: Sequence[str]) -> Self:
        """Set what holds just now."""
        return self.change_mind(context=[context] if isinstance(context, str) else context)

    def change_mind(self, **parts: str | Sequence[str]) -> Self:
        """Put somebody into another state of mind, from outside.

        Args:
            **parts: any of `emotions`, `attention`, `location` (texts), `goals`, `context` (lists of texts).

        Raises:
            InvalidSettings: a part that no mind has, or a value of the wrong type.
        """
        try:
            mind = Mind.from_dict({**self.mind.to_dict(), **parts})
        except TypeError as error:
            raise InvalidSettings(f"{self.name}: {error}") from error
        return self._happens("mind", "MIND", mind.to_json())

    # -- what they know ------------------------------------------------------------------------------------

    def read(self, path: str | Path) -> Self:
        """Read a document, or all documents of a folder: .txt .md .pdf .docx .pptx .html .csv.

        Its passages become memories with their source; the person can also look it up by name. A document that was
        read before is replaced where it has changed.

        Args:
            path: a file or a folder.

        Raises:
            UnreadableDocument: a file cannot be read; it is named, and nothing is read then.
        """
        return self._read(passages_of_path(path), str(path))

    async def read_page(self, url: str, *, allow_private: bool = False) -> Self:
        """Read a web page, as `read` does a document; its name is its address.

        Args:
            url: http or https.
            allow_private: whether it may be on this machine or in its network.

        Raises:
            UnreadableDocument: it cannot be had, or its address is refused.
        """
        return self._read(await passages_of_page(url, allow_private=allow_private), url)

    def _read(self, documents: dict[str, list[str]], path: str) -> Self:
        known = self.memory.documents
        for name, passages in documents.items():
            before = known.get(name, [])
            if before and (other := self._path_of(before[0])) != path and [one.text for one in before] != passages:
                raise InvalidSettings(
                    f"{self.name} has read another {name} (of {other}): forget({name!r}) it first, or give one of them "
                    "another name"
                )
        for name, passages in documents.items():
            before = known.get(name, [])
            if [item.text for item in before] == passages:
                continue
            if before:
                self.forget(int(item.key) for item in before)
            for part, text in enumerate(passages, start=1):
                content = {"source": name, "part": part, "of": len(passages), "path": path, "text": text}
                self._happens("memory", "DOCUMENT", json.dumps(content, ensure_ascii=False))
        return self

    def _path_of(self, passage: Remembered) -> str:
        made = next(event for event in self.memory.events if str(event.id) == passage.key)
        path: str = json.loads(made.content).get("path", "")
        return path

    def forget(self, what: Iterable[int] | str) -> Self:
        """Forget events, memories or a document for good; the record keeps them.

        Memories that rest on what is forgotten go with it; what else they rested on stays, word for word.

        Args:
            what: ids of events, or the name of a document.

        Raises:
            UnknownName: there is no such thing in the memory.
        """
        if isinstance(what, str):
            if what not in self.memory.documents:
                there = ", ".join(self.memory.documents) or "none"
                raise UnknownName(f"{self.name} has no document {what!r}; there are: {there}")
            what = [int(item.key) for item in self.memory.documents[what]]
        for happening in forgetting(self.memory, what):
            self.happens(happening)
        return self

    # -- the one way in ------------------------------------------------------------------------------------

    def stimulate(self, type_: str, content: str, source: str = "") -> Self:
        """Perceive something of a type, such as THOUGHT; `listen`, `see`, `think` and others say which.

        Args:
            type_: CONVERSATION, VISUAL, SOCIAL, LOCATION, THOUGHT or INTERNAL_GOAL_FORMULATION.
            content: what.
            source: who it is from, where it is from somebody.
        """
        check_stimulus(type_)
        return self._happens("stimulus", type_, content, source)

    def _happens(self, kind: Kind, type_: str, content: str, source: str = "") -> Self:
        return self.happens(Happening(kind, type_, content, source, self.name, None, (self.name,)))

    def happens(self, happening: Happening) -> Self:
        """Let something happen to this person alone."""
        self.perceive(self._journal.add(happening))
        return self

    def perceive(self, event: Event) -> None:
        """Take in an event: the one way in which anything reaches mind, memory or persona."""
        if event.kind == "mind":
            self.mind = Mind.from_json(event.content)
        elif event.kind == "intervention" and event.type == "PERSONA":
            self.persona = Persona.parse(json.loads(event.content)["persona"], self.name)
        if is_remembered(event):
            self.memory.add(event)
        if event.kind == "stimulus" and event.type == "LOCATION":
            self.mind = replace(self.mind, location=event.content)
        elif event.kind == "stimulus" and event.type == "INTERNAL_GOAL_FORMULATION":
            self.mind = replace(self.mind, goals=(*self.mind.goals, event.content))


STIMULI = ("CONVERSATION", "THOUGHT", "INTERNAL_GOAL_FORMULATION", "SOCIAL", "VISUAL", "LOCATION", "STORY")
"""Types of what can be perceived, besides pictures and what others do."""


def check_stimulus(type_: str) -> None:
    """Check the type of a stimulus.

    Raises:
        InvalidSettings: there is none of that name.
    """
    if type_ not in STIMULI:
        raise InvalidSettings(f"a stimulus is no {type_!r}; there are {', '.join(STIMULI)}")


def is_remembered(event: Event) -> bool:
    """Return whether an event goes into the memory of those who perceive it; others change their mind or persona."""
    return event.kind not in ("mind", "intervention")


def _is_file(what: str) -> bool:
    """Return whether words are the path of a picture, or of any file that is there."""
    looks_like_one = what.lower().endswith(PICTURE_SUFFIXES) and len(what.split()) == 1
    return looks_like_one or (len(what) < 1000 and "\n" not in what and Path(what).is_file())
