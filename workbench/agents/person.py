"""`Person`: a persona with a mind and a memory, who perceives stimuli and takes turns."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

from workbench.agents.memory import EpisodicMemory
from workbench.agents.mind import Mind
from workbench.agents.persona import Fragment, Persona
from workbench.agents.persona_files import find, persona_of, read_file, write_file
from workbench.agents.short_turns import propose_short_turn, short_turn_messages
from workbench.agents.turns import Action, Surroundings, Turn, propose_turn, turn_messages
from workbench.errors import InvalidPersona, UnknownName
from workbench.html import card
from workbench.llm.calls import Message
from workbench.llm.client import LLM, default_llm
from workbench.llm.seeds import derive_seed
from workbench.record.events import Event, Journal, Kind

FILE_TYPE = "TinyPerson"
"""The type that persona files carry, so that they can be read elsewhere too."""
_PARTS = ("persona", "mind", "memory")


class Person:
    """Somebody who can be spoken to.

    Args:
        persona: a `Persona`, or the mapping of one.
        mind: the mind to begin with.
        llm: the model to think with, outside of a world; the default one when not given.

    Raises:
        InvalidPersona: the persona cannot be.

    >>> lisa = Person({"name": "Lisa", "age": 28})
    >>> lisa.define("age", 29).listen("Hello!").persona.age
    29
    """

    def __init__(
        self, persona: Persona | Mapping[str, Any], mind: Mind | None = None, *, llm: LLM | None = None
    ) -> None:
        self.persona = persona if isinstance(persona, Persona) else Persona.parse(persona)
        self.mind = mind or Mind()
        self.memory = EpisodicMemory()
        self._llm = llm
        self._journal = Journal()
        self._surroundings: Callable[[], Surroundings] = lambda: Surroundings(self._journal.time)
        self._kept: dict[str, Any] = {"type": FILE_TYPE}

    @property
    def llm(self) -> LLM:
        """The model that the person thinks with: the world's in a world."""
        return self._llm or default_llm()

    @property
    def name(self) -> str:
        """The person's name."""
        return self.persona.name

    def __repr__(self) -> str:
        return f"Person({self.persona.minibio()!r}, {len(self.memory.events)} events in memory)"

    def _repr_html_(self) -> str:
        mind = {key: value for key, value in asdict(self.mind).items() if value}
        data = self.persona.to_dict() | ({"mind": mind} if mind else {})
        return card(self.name, f"{self.minibio()} · {len(self.memory.events)} events in memory", data)

    def minibio(self) -> str:
        """Return one sentence about the person."""
        return self.persona.minibio()

    # -- files ---------------------------------------------------------------------------------------------

    @classmethod
    def load(cls, source: str | Path | Mapping[str, Any] | Persona, *, llm: LLM | None = None) -> Self:
        """Make a person from a file, a mapping, a persona, or the name of an example.

        Args:
            source: an `*.agent.json` or YAML file, what such a file holds, or one of the bundled examples.
            llm: the model to think with, outside of a world.

        Raises:
            InvalidPersona: it cannot be read; file and key are named.
            UnknownName: there is no such file or example.
        """
        if isinstance(source, Persona):
            return cls(source, llm=llm)
        path = None if isinstance(source, Mapping) else find(source, "persona")
        data = read_file(path) if path else dict(source)  # type: ignore[arg-type]
        where = str(path or "the mapping")
        person = cls(Persona.parse(persona_of(data, where, (FILE_TYPE, "Person")), where), llm=llm)
        person._restore(data if "persona" in data else {}, where)
        return person

    @classmethod
    def load_folder(cls, folder: str | Path, *, llm: LLM | None = None) -> list[Self]:
        """Load every `*.agent.json`, `*.agent.yaml` and `*.agent.yml` of a folder, in the order of their names."""
        folder = Path(folder)
        if not folder.is_dir():
            raise UnknownName(f"there is no folder {folder.absolute()}")
        files = [file for suffix in ("json", "yaml", "yml") for file in folder.glob(f"*.agent.{suffix}")]
        if not files:
            raise UnknownName(f"{folder.absolute()} has no *.agent.json, *.agent.yaml or *.agent.yml")
        return [cls.load(file, llm=llm) for file in sorted(files, key=lambda file: file.name)]

    def save(self, path: str | Path, *, memory: bool = True) -> Path:
        """Write the person to a file, JSON or YAML by its name; what was loaded and not changed comes back as it was.

        Args:
            path: where; replaced only when all is written.
            memory: whether mind and memory go with the persona.
        """
        write_file(path, self.state(memory=memory))
        return Path(path)

    def state(self, *, memory: bool = True) -> dict[str, Any]:
        """Return what a file holds: type, persona, and mind and memory where there are any."""
        parts: dict[str, Any] = {"persona": self.persona.to_dict()}
        if memory and self.mind != Mind():
            parts["mind"] = json.loads(self.mind.to_json())
        if memory and self.memory.events:
            parts["memory"] = [event.to_dict() for event in self.memory.events]
        whole = {**self._kept, **parts}
        return {key: whole[key] for key in whole if key in parts or key not in _PARTS}

    def _restore(self, data: Mapping[str, Any], where: str) -> None:
        self._kept = dict(data) if "type" in data else {"type": FILE_TYPE, **data}
        try:
            self.mind = Mind.from_dict(data.get("mind", {}))
            for event in data.get("memory", ()):
                self.memory.add(Event.from_dict(event))
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise InvalidPersona(f"{where}: mind or memory cannot be read: {error}") from error
        if self.memory.events:
            self._journal.last_id = max(event.id for event in self.memory.events)
            self._journal.time = self.memory.events[-1].time

    # -- who they are --------------------------------------------------------------------------------------

    def define(self, path: str, value: Any) -> Self:
        """Set one value of the persona; dots lead inside, as in `occupation.title`."""
        return self._note_persona(self.persona.define(path, value), path)

    def merge(self, fragment: Fragment | Mapping[str, Any] | str | Path, *, overwrite: bool = False) -> Self:
        """Merge a fragment into the persona.

        Args:
            fragment: a `Fragment`, what a fragment file holds, such a file, or the name of an example.
            overwrite: take the fragment's value where scalars conflict.

        Raises:
            InvalidPersona: a scalar conflicts, or the fragment cannot be read.
        """
        if not isinstance(fragment, Fragment):
            fragment = load_fragment(fragment)
        return self._note_persona(self.persona.merge(fragment, overwrite=overwrite), "fragment")

    def _note_persona(self, persona: Persona, what: str) -> Self:
        if persona.name != self.name:
            raise InvalidPersona(f"{self.name}: a name cannot be changed: load the persona under the other name")
        changed = json.dumps({"changed": what, "persona": persona.to_dict()}, ensure_ascii=False)
        self._happens("intervention", "PERSONA", changed)
        return self

    # -- what they perceive --------------------------------------------------------------------------------

    def listen(self, speech: str, source: str = "") -> Self:
        """Hear somebody speak. `source` is a name, or nothing for a voice from outside."""
        return self._stimulus("CONVERSATION", speech, source)

    def see(self, description: str) -> Self:
        """See something."""
        return self._stimulus("VISUAL", description)

    def socialize(self, description: str, source: str = "") -> Self:
        """Perceive something social: somebody joins, leaves, waves."""
        return self._stimulus("SOCIAL", description, source)

    def think(self, thought: str) -> Self:
        """Have a thought, given from outside."""
        return self._stimulus("THOUGHT", thought)

    def internalize_goal(self, goal: str) -> Self:
        """Take up a goal."""
        return self._stimulus("INTERNAL_GOAL_FORMULATION", goal)

    def move_to(self, location: str, context: Sequence[str] | None = None) -> Self:
        """Go somewhere; `context` is what holds there, when it changes."""
        self._stimulus("LOCATION", location)
        return self if context is None else self.change_context(context)

    def change_context(self, context: Sequence[str]) -> Self:
        """Set what holds just now."""
        mind = replace(self.mind, context=(context,) if isinstance(context, str) else tuple(context))
        self._happens("mind", "MIND", mind.to_json())
        return self

    def _stimulus(self, type_: str, content: str, source: str = "") -> Self:
        self._happens("stimulus", type_, content, source)
        return self

    def _happens(self, kind: Kind, type_: str, content: str, source: str = "") -> None:
        name = self.name
        self.perceive(self._journal.append(kind, type_, content, source=source, target=name, heard_by=(name,)))

    def perceive(self, event: Event) -> None:
        """Take in an event: the one way in which anything reaches mind, memory or persona."""
        if event.kind == "mind":
            self.mind = Mind.from_json(event.content)
        elif event.kind == "intervention" and event.type == "PERSONA":
            self.persona = Persona.parse(json.loads(event.content)["persona"], self.name)
        else:
            self.memory.add(event)
        if event.kind == "stimulus" and event.type == "LOCATION":
            self.mind = replace(self.mind, location=event.content)
        elif event.kind == "stimulus" and event.type == "INTERNAL_GOAL_FORMULATION":
            self.mind = replace(self.mind, goals=(*self.mind.goals, event.content))

    # -- what they do --------------------------------------------------------------------------------------

    async def act(self) -> list[Action]:
        """Take a turn that nobody hears, as in an interview; in a world, its `run` lets people act together.

        Raises:
            ModelError: no turn could be had; nothing has changed.
        """
        seed = derive_seed("alone", len(self.memory.events), self.name)
        turn = await self.propose(self.llm, self._surroundings(), seed=seed)
        for action in turn.actions:
            self.perceive(self.journal_action(action, turn.call, (self.name,)))
        self.take_on(turn)
        return list(turn.actions)

    async def listen_and_act(self, speech: str, source: str = "") -> list[Action]:
        """Hear somebody speak and take a turn."""
        return await self.listen(speech, source).act()

    def messages(self, llm: LLM, surroundings: Surroundings) -> list[Message]:
        """Return what the model would be sent for the person's next turn."""
        if llm.is_embedded:
            return short_turn_messages(self.persona, self.memory.events, surroundings)
        return turn_messages(self.persona, self.mind, self.memory.text, surroundings)

    async def propose(self, llm: LLM, surroundings: Surroundings, *, seed: int) -> Turn:
        """Return the turn that the person would take now; nothing changes."""
        propose = propose_short_turn if llm.is_embedded else propose_turn
        return await propose(llm, self.persona, self.mind, self.memory, surroundings, seed=seed)

    def journal_action(self, action: Action, call: str, heard_by: Sequence[str]) -> Event:
        """Put an action of this person into the journal."""
        return self._journal.append(
            "action",
            action.type,
            action.content,
            source=self.name,
            target=action.target,
            call=call,
            heard_by=heard_by,
        )

    def take_on(self, turn: Turn) -> None:
        """Take on the mind that a turn ends in."""
        if turn.mind != self.mind:
            content = turn.mind.to_json()
            event = self._journal.append(
                "mind", "MIND", content, source=self.name, call=turn.call, heard_by=(self.name,)
            )
            self.perceive(event)

    # -- worlds --------------------------------------------------------------------------------------------

    def join(self, journal: Journal, llm: LLM, surroundings: Callable[[], Surroundings]) -> None:
        """Live in a world from now on: its journal takes what happens, and they think with its model."""
        self._journal, self._llm, self._surroundings = journal, llm, surroundings

    def lives_by(self, journal: Journal) -> bool:
        """Return whether what happens to the person goes into this journal."""
        return self._journal is journal

    def mark(self) -> tuple[Persona, Mind, tuple[int, str]]:
        """Return a mark to go back to when a step fails."""
        return self.persona, self.mind, self.memory.mark()

    def back_to(self, mark: tuple[Persona, Mind, tuple[int, str]]) -> None:
        """Undo all that came after a mark."""
        self.persona, self.mind, memory = mark
        self.memory.back_to(memory)


def load_fragment(source: str | Path | Mapping[str, Any]) -> Fragment:
    """Read a fragment from a file, a mapping, or the name of an example.

    Raises:
        InvalidPersona: it cannot be read.
        UnknownName: there is no such file or example.
    """
    path = None if isinstance(source, Mapping) else find(source, "fragment")
    data = read_file(path) if path else source
    where = str(path or "the fragment")
    return Fragment.parse(persona_of(data, where, ("Fragment",)), where)  # type: ignore[arg-type]
