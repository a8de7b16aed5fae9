"""`Person`: a persona with a mind and a memory, who perceives stimuli and takes turns."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from workbench.agents.actions import Action
from workbench.agents.asking import messages_for
from workbench.agents.checks import Checks
from workbench.agents.deliberation import Deliberation
from workbench.agents.faculties import Faculty, Tool, definitions_of, tools_of, undone_on_failure
from workbench.agents.memory.episodic import EpisodicMemory
from workbench.agents.memory.memory import Memory
from workbench.agents.memory.settings import MemorySettings
from workbench.agents.memory.state import restore, state_of
from workbench.agents.memory.upkeep import UPKEEP, UpkeepStage, consolidate_episodes, keep_up, upkeep_due
from workbench.agents.mind import Mind
from workbench.agents.perception import Perceiving
from workbench.agents.persona import Fragment, Persona
from workbench.agents.persona_files import find, persona_of, read_file, write_file
from workbench.agents.seats import TakenSeat
from workbench.agents.seeing import pictures_in
from workbench.agents.turns import Surroundings
from workbench.errors import InvalidPersona, InvalidSettings, UnknownName
from workbench.html import card
from workbench.llm.calls import Message
from workbench.llm.client import LLM, default_llm
from workbench.llm.seeds import derive_seed
from workbench.record.event_log import Log
from workbench.record.events import Happening, Journal

if TYPE_CHECKING:
    from workbench.agents.fixed_facts import Facts
    from workbench.agents.persona_answers import Detail

FILE_TYPE = "TinyPerson"
"""The type that persona files carry, so that they can be read elsewhere too."""
_PARTS = ("persona", "mind", "memory", "memory_settings", "vectors", "blobs")


class Person(Perceiving):
    """Somebody who can be spoken to.

    Args:
        persona: a `Persona`, or the mapping of one.
        mind: the mind to begin with.
        llm: the model to think with, outside of a world; the default one when not given.
        memory: how much of the past prompts show, and how the rest is kept and found.
        faculties: what they can do besides talking and thinking: functions with `@wb.action`, and tools.
        checks: what their turns have to pass; in a world, its own when not given.

    Raises:
        InvalidPersona: the persona cannot be.
        InvalidSettings: something that is no faculty, or two actions of one name.

    >>> lisa = Person({"name": "Lisa", "age": 28})
    >>> lisa.define("age", 29).listen("Hello!").persona.age
    29
    """

    def __init__(
        self,
        persona: Persona | Mapping[str, Any],
        mind: Mind | None = None,
        *,
        llm: LLM | None = None,
        memory: MemorySettings | None = None,
        faculties: Sequence[Faculty] = (),
        checks: Checks | None = None,
    ) -> None:
        self.persona = persona if isinstance(persona, Persona) else Persona.parse(persona)
        _check_kinds(self.name, memory=(memory, MemorySettings), checks=(checks, Checks))
        self.mind = mind or Mind()
        self.memory = Memory(self.name, memory or MemorySettings())
        self.faculties = tuple(faculties)
        self.definitions = definitions_of(faculties, self.name)
        self.checks = checks
        self._llm = llm
        self._journal = Journal(blobs=self.memory.blobs)
        self._surroundings: Callable[[], Surroundings] = lambda: Surroundings(self._journal.time)
        self._kept: dict[str, Any] = {"type": FILE_TYPE}
        self._twin: tuple[str | int, ...] = ()
        self._deliver: Callable[[Happening], None] = self._take_in

    @property
    def llm(self) -> LLM:
        """The model that the person thinks with: the world's in a world."""
        return self._llm or default_llm()

    @property
    def surroundings(self) -> Surroundings:
        """Where the person is just now: in a world, or alone."""
        return self._surroundings()

    def __repr__(self) -> str:
        return f"Person({self.persona.minibio()!r}, {self.memory.n_events} events in memory)"

    def _repr_html_(self) -> str:
        mind = {key: value for key, value in asdict(self.mind).items() if value}
        data = self.persona.to_dict() | ({"mind": mind} if mind else {})
        return card(self.name, f"{self.minibio()} · {self.memory.n_events} events in memory", data)

    def minibio(self) -> str:
        """Return one sentence about the person."""
        return self.persona.minibio()

    # -- files ---------------------------------------------------------------------------------------------

    @classmethod
    def load(
        cls,
        source: str | Path | Mapping[str, Any] | Persona,
        *,
        llm: LLM | None = None,
        memory: MemorySettings | None = None,
        faculties: Sequence[Faculty] = (),
        checks: Checks | None = None,
    ) -> Self:
        """Make a person from a file, a mapping, a persona, or the name of an example.

        Args:
            source: an `*.agent.json` or YAML file, what such a file holds, or one of the bundled examples.
            llm: the model to think with, outside of a world.
            memory: over the settings that the file has.
            faculties: as for a person: they are code, so no file has them; what a tool held is in the file.
            checks: likewise.

        Raises:
            InvalidPersona: it cannot be read; file and key are named.
            UnknownName: there is no such file or example.
        """
        if isinstance(source, Persona):
            return cls(source, llm=llm, memory=memory, faculties=faculties, checks=checks)
        path = None if isinstance(source, Mapping) else find(source, "persona")
        data = read_file(path) if path else _copied(source)  # type: ignore[arg-type]
        where = str(path or "the mapping")
        persona = Persona.parse(persona_of(data, where, (FILE_TYPE, "Person")), where)
        person = cls(persona, llm=llm, faculties=faculties, checks=checks)
        person._restore(data if "persona" in data else {}, where)
        person.memory.settings = memory or person.memory.settings
        return person

    @classmethod
    async def from_text(
        cls,
        text: str,
        *,
        fixed: Facts | None = None,
        detail: Detail = "standard",
        llm: LLM | None = None,
        seed: int = 0,
    ) -> Self:
        """Let the model write a person who is described, in one request.

        Args:
            text: who it is: "a Brazilian doctor who loves heavy metal".
            fixed: what the model may not change, by path: `{"age": 34, "occupation.title": "cardiologist"}`.
            detail: how much is written: `brief` (about 200 tokens), `standard` or `rich` (all the fields).
            llm: that writes, and that the person thinks with; the default one when not given.
            seed: another one is another person.

        Raises:
            InvalidSettings: nothing is described, or a fact that is neither a text nor a number.
            FactsNotKept: no attempt kept what is fixed; the attributes are named.
            ModelError: the model could not be asked, or gave no readable answer.
        """
        from workbench.agents.persona_writing import person_described

        written = await person_described(llm or default_llm(), text, fixed=fixed or {}, detail=detail, seed=seed)
        return cls(written.persona, llm=llm)

    @classmethod
    def load_folder(cls, folder: str | Path, **given: Any) -> list[Self]:
        """Load every `*.agent.json`, `*.agent.yaml` and `*.agent.yml` of a folder, in the order of their names.

        Args:
            folder: where they are.
            **given: what `load` takes, for all of them.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise UnknownName(f"there is no folder {folder.absolute()}")
        files = [file for suffix in ("json", "yaml", "yml") for file in folder.glob(f"*.agent.{suffix}")]
        if not files:
            raise UnknownName(f"{folder.absolute()} has no *.agent.json, *.agent.yaml or *.agent.yml")
        return [cls.load(file, **given) for file in sorted(files, key=lambda file: file.name)]

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
            parts["mind"] = self.mind.to_dict()
        if self.memory.settings != MemorySettings():
            parts["memory_settings"] = self.memory.settings.to_dict()
        if memory and self.memory.n_events:
            parts |= state_of(self.memory)
        if memory and (tools := {tool.name: list(tool.effects()) for tool in tools_of(self.faculties)}):
            parts["tools"] = {**self._kept.get("tools", {}), **tools}
        whole = {**self._kept, **parts}
        if not memory:
            whole.pop("tools", None)
        return {key: whole[key] for key in whole if key in parts or key not in _PARTS}

    def _restore(self, data: dict[str, Any], where: str) -> None:
        kept = {key: value for key, value in data.items() if key not in _PARTS or key == "persona"}
        self._kept = kept | ({"persona": None} if "persona" in kept else {})  # its place among the keys is kept
        self._kept = self._kept if "type" in data else {"type": FILE_TYPE, **self._kept}
        try:
            self.mind = Mind.from_dict(data.get("mind", {}))
            restore(self.memory, data, where)
            self._fill_tools(data.get("tools", {}))
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise InvalidPersona(f"{where}: mind or memory cannot be read: {error}") from error
        if events := self.memory.events:
            self._journal.last_id = max(event.id for event in events)
            self._journal.time = events[-1].time

    def _fill_tools(self, effects: Mapping[str, Any]) -> None:
        """Let tools that are new hold what they held; what is of tools that are not given is kept for the next file."""
        for tool in tools_of(self.faculties):
            if tool.name in effects and not tool.effects():
                for effect in effects[tool.name]:
                    tool.apply(effect)

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
        return self._happens("intervention", "PERSONA", changed)

    def relate_to(self, name: str, description: str) -> Self:
        """Say what somebody is to this person, such as "sister"; it replaces what they were before.

        Args:
            name: of the other.
            description: what the other is to this one.
        """
        others = [one for one in self.persona.to_dict().get("relationships") or [] if one["name"] != name]
        return self.define("relationships", [*others, {"name": name, "description": description}])

    # -- what they do --------------------------------------------------------------------------------------

    async def act(self) -> list[Action]:
        """Take a turn that nobody hears, as in an interview; in a world, its `run` lets people act together.

        Raises:
            ModelError: no turn could be had; none is taken.
            ChecksFailed: it did not pass its checks, where that is an error.
        """
        around = self._surroundings()
        seed = derive_seed("alone", self.memory.n_events, self.name, *self._twin)
        for stage in UPKEEP:
            for happening in await self.keep_up(stage, self.llm, seed=seed):
                self.happens(happening)
        deliberation = self.deliberate(self.llm, around, seed=seed)
        with undone_on_failure([*tools_of(self.faculties), *around.tools]):
            while deliberation.open:
                await deliberation.ask()
                await deliberation.carry_out()
        turn = deliberation.turn
        for happening in (*deliberation.effects, *turn.happenings):
            alone = set(happening.heard_by) <= {self.name}
            (self._take_in if alone else self._deliver)(happening)
        return list(turn.actions)

    def _take_in(self, happening: Happening) -> None:
        """Let something happen where nobody else lives."""
        event = self._journal.add(happening)
        if self.name in happening.heard_by:
            self.perceive(event)

    async def listen_and_act(self, speech: str, source: str = "") -> list[Action]:
        """Hear somebody speak and take a turn."""
        return await self.listen(speech, source).act()

    async def interview(self, question: str, *, remember: bool = False) -> list[Action]:
        """Ask the person something: a twin answers, so that the person does not know of it.

        Args:
            question: what they hear.
            remember: whether the person themselves answers, and remembers it.
        """
        return await (self if remember else self.twin()).listen_and_act(question)

    def deliberate(
        self, llm: LLM, surroundings: Surroundings, *, seed: int, seat: TakenSeat | None = None
    ) -> Deliberation:
        """Return a turn in the making; nothing of the person changes through it.

        Args:
            llm: the model.
            surroundings: where they are.
            seed: of the turn.
            seat: theirs, where a human has taken it.
        """
        return Deliberation(self, llm, surroundings, seed, self.checks or surroundings.checks, seat)

    def messages(self, llm: LLM, surroundings: Surroundings) -> list[Message]:
        """Return what the model would be sent for the person's next turn, but for what they remember then."""
        return messages_for(llm, self.deliberate(llm, surroundings, seed=0).scene())

    def upkeep_due(self, stage: UpkeepStage) -> bool:
        """Return whether anything has to become of the past before the person acts."""
        return upkeep_due(self.memory, stage)

    async def keep_up(self, stage: UpkeepStage, llm: LLM, *, seed: int) -> list[Happening]:
        """Return what becomes of the past before the person acts: what leaves the window is consolidated first.

        Args:
            stage: `consolidate`, then, when that has happened, `reflect`.
            llm: the model.
            seed: of the turn that follows.
        """
        return await keep_up(self.memory, self.persona.markdown, stage, llm, seed=seed)

    async def consolidate(self) -> Self:
        """End the episode now: all that is in the window becomes memories, and leaves it.

        Raises:
            ModelError: the model failed; nothing has changed.
        """
        seed = derive_seed("consolidation", self.memory.n_events, self.name)
        due = self.memory.episodes_due(all_=True)
        for happening in await consolidate_episodes(self.memory, self.persona.markdown, due, self.llm, seed=seed):
            self.happens(happening)
        return self

    def pictures(self) -> tuple[tuple[str, str], ...]:
        """Return the pictures in the window: what they are called, and their data URL."""
        return pictures_in(self.memory.episodic.window, self.memory.blobs)

    def twin(self, number: int = 0) -> Self:
        """Return an independent copy: mind, memory, faculties. It shares nothing that can change.

        Args:
            number: of the twin; twins of other numbers draw other answers.
        """
        twin = type(self)(
            self.persona,
            self.mind,
            llm=self._llm,
            checks=self.checks,
            faculties=[one.copy() if isinstance(one, Tool) else one for one in self.faculties],
        )
        around = self._surroundings()
        twin._twin = (*self._twin, "twin", number)
        twin._kept = copy.deepcopy(self._kept)
        twin.memory = self.memory.copy()
        twin._journal = Journal(step=self._journal.step, time=around.time, last_id=self._journal.last_id)
        twin._journal.blobs = twin.memory.blobs
        twin._surroundings = lambda: replace(around, abilities=(), tools=(), real_world=False)
        return twin

    def fingerprint(self) -> str:
        """Return a hash of persona, mind and memory: two people who are alike in all of it have the same."""
        return hashlib.sha256(json.dumps(self.state(), sort_keys=True).encode()).hexdigest()

    # -- worlds --------------------------------------------------------------------------------------------

    def join(
        self,
        journal: Journal,
        llm: LLM,
        surroundings: Callable[[], Surroundings],
        deliver: Callable[[Happening], None],
        log: Log,
    ) -> None:
        """Live in a world from now on, with an empty memory: what they remember is told again.

        Args:
            journal: takes what happens to them.
            llm: they think with.
            surroundings: tells where they are.
            deliver: lets others perceive what happens through them outside of a run, such as an invitation.
            log: of what they perceive, which the world keeps.
        """
        self._journal, self._llm, self._surroundings, self._deliver = journal, llm, surroundings, deliver
        episodic, encoder = EpisodicMemory(log), self.memory.encoder
        self.memory = Memory(self.name, self.memory.settings, episodic, blobs=journal.blobs, encoder=encoder)

    def lives_by(self, journal: Journal) -> bool:
        """Return whether what happens to the person goes into this journal."""
        return self._journal is journal

    def mark(self) -> Any:
        """Return a mark to go back to when a step fails."""
        return self.persona, self.mind, self.memory.mark()

    def back_to(self, mark: Any) -> None:
        """Undo all that came after a mark."""
        self.persona, self.mind, memory = mark
        self.memory.back_to(memory)


def _copied(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return what shares nothing with a file's mapping but the persona, of which `Persona.parse` keeps a copy."""
    return {key: value if key == "persona" else copy.deepcopy(value) for key, value in source.items()}


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


def _check_kinds(name: str, **given: tuple[Any, type]) -> None:
    for argument, (value, kind) in given.items():
        if value is not None and not isinstance(value, kind):
            raise InvalidSettings(f"{name}: {argument}={value!r}: it is a wb.{kind.__name__}(...)")
