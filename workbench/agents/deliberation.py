"""A turn in the making: ask the model, do what it says, and where that told the person something, ask again.

Nothing of the person changes here. What happens is collected, and becomes events when the turn is over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from workbench.agents.actions import Acting, Action, ActionDefinition, Outcome
from workbench.agents.asking import ask
from workbench.agents.faculties import EFFECT, tools_of, undone_on_failure
from workbench.agents.long_texts import summarise_longest, too_long
from workbench.agents.looking_up import Library, ways_to_look_up
from workbench.agents.memory.ledger import Ledger
from workbench.agents.memory.remembered import Remembered, Retrieval
from workbench.agents.mind import Mind
from workbench.agents.seats import TakenSeat
from workbench.agents.turns import Draft, Scene, Surroundings, Turn
from workbench.errors import PromptTooLong
from workbench.llm.client import LLM
from workbench.llm.seeds import derive_seed
from workbench.record.events import Event, Happening
from workbench.record.telling import tell, words_of

if TYPE_CHECKING:
    from workbench.agents.checks import Checks
    from workbench.agents.person import Person

ROUNDS = 3
"""In which a person may be told something before they have to act on it."""
LATEST = 3
"""Of what was perceived since the person last acted, that memories are looked for with."""


@dataclass(eq=False)
class Deliberation:
    """One person's turn, from the first question to the model until all is done.

    Args:
        person: whose turn it is.
        llm: the model.
        surroundings: where they are.
        seed: of the turn; each request has one made from it.
        checks: what the turn has to pass before it is taken.
        seat: the person's, where a human has taken it, who is asked in the place of the model.
    """

    person: Person
    llm: LLM
    surroundings: Surroundings
    seed: int
    checks: Checks | None = None
    seat: TakenSeat | None = None
    open: bool = True
    """False when the turn is over."""
    effects: list[Happening] = field(default_factory=list)
    """What was done to tools, in the order in which it was done, also by others who act at the same time."""
    happenings: list[Happening] = field(default_factory=list)
    rounds: int = 0
    """How often the model has been asked."""
    _draft: Draft | None = None
    _calls: list[str] = field(default_factory=list)
    _reached: dict[str, str] = field(default_factory=dict)
    _remembered: tuple[Remembered, ...] | None = None
    _retrieved: list[dict[str, object]] = field(default_factory=list)
    _summaries: dict[int, str] = field(default_factory=dict)

    @property
    def turn(self) -> Turn:
        """The turn, when it is over."""
        if self.open:
            raise RuntimeError(f"the turn of {self.person.name} is not over")
        actions = tuple(
            Action(type=h.type, target=h.target, content=h.content) for h in self.happenings if h.kind == "action"
        )
        mind, call = (self._draft.mind, self._draft.call) if self._draft else (self.person.mind, "")
        return Turn(actions, mind, call, (*self._what_was_remembered(), *self.happenings))

    def break_off(self, note: str, reason: str) -> None:
        """End the turn where it is, with a note; what was done in earlier rounds stays done.

        Args:
            note: the type of the note.
            reason: why.
        """
        if not self._calls:
            self._retrieved.clear()  # no prompt with it was answered
        self._draft = replace(self._draft, mind=self.person.mind) if self._draft else None
        self._note(note, reason, None)
        self.open = False

    # -- asking --------------------------------------------------------------------------------------------

    async def ask(self) -> None:
        """Ask the model what the person does, and have it checked.

        Raises:
            ModelError: no turn could be had.
            ChecksFailed: it did not pass, and that is an error.
        """
        if self._remembered is None and not self.seat:
            self._remembered = await self._remember()
        self.rounds += 1
        seed = self.seed if self.rounds == 1 else derive_seed(self.seed, "round", self.rounds)
        self._draft = await self._ask_within_the_context(seed)
        self._calls += [self._draft.call] if self._draft.call else []

    async def _ask_within_the_context(self, seed: int) -> Draft:
        while True:
            try:
                return await self._ask_once(seed)
            except PromptTooLong as error:
                if self.person.memory.settings.long_text == "error":
                    raise too_long(error, self.person.name, self._events()) from error
                await self._shorten(error)

    async def _shorten(self, error: PromptTooLong) -> None:
        """Have the longest text of the prompt summarised, be it of the past or of this turn."""
        name, window = self.person.name, self.person.memory.episodic.window
        known = {**self.person.memory.episodic.summaries, **self._summaries}
        results = {-n: h for n, h in enumerate(self.happenings, start=1) if h.type == "RESULT"}
        shown = {event.id: known.get(event.id, words_of(event)) for event in window}
        shown |= {n: h.content for n, h in results.items()}
        too_much = too_long(error, name, self._events())
        number, text, calls = await summarise_longest(self.llm, name, shown, too_much)
        if number in results:
            full = results[number]
            self.happenings[-number - 1] = replace(full, content=text)
            self._note("RESULT_IN_FULL", full.content, calls[0])
        else:
            self._summaries[number] = text
            content = json.dumps({"event": number, "text": text, "calls": calls}, ensure_ascii=False)
            self.happenings.append(Happening("memory", "SUMMARISED", content, "", name, calls[0], (name,)))

    async def _ask_once(self, seed: int) -> Draft:
        scene = self.scene()
        if self.seat:
            return await self.seat.ask(scene)
        draft = await ask(self.llm, scene, purpose="turn", seed=seed)
        if self.checks is None or self._looks_up_first(draft):
            return draft
        checked = await self.checks.check(self.llm, scene, draft, seed=seed)
        self.happenings += checked.notes
        return checked.draft

    def _looks_up_first(self, draft: Draft) -> bool:
        """Return whether nothing of the answer is said before the person is told something: the words come later."""
        first = next((a.type for a in draft.actions if a.type in ("TALK", "THINK") or self._tells(a)), None)
        return first not in ("TALK", "THINK") and self.rounds < ROUNDS

    def _events(self) -> list[Event]:
        return [*self.person.memory.episodic.window, *self._own_events()]

    def scene(self) -> Scene:
        """Return who the person is and what they know at this moment of the turn."""
        person, last = self.person, self.rounds >= ROUNDS
        own = self._own_events()
        around = replace(self.surroundings, in_reach={**self._reached, **self.surroundings.in_reach})
        return Scene(
            person.persona,
            person.mind,
            person.memory.episodic.text_with(self._summaries) + "".join(map(tell, own)),
            (*person.memory.episodic.window, *own),
            around,
            self.abilities,
            self._remembered or (),
            person.pictures(),
            last_round=last,
        )

    @cached_property
    def abilities(self) -> tuple[ActionDefinition, ...]:
        """What the person can do besides talking and thinking."""
        own, of_all = self.person.definitions, self.surroundings.abilities
        return tuple(dict.fromkeys((*ways_to_look_up(self.person.memory), *own, *of_all)))

    def _own_events(self) -> list[Event]:
        """Return what has happened in the turn so far, as events that have no number yet."""
        time, told = self.surroundings.time, [h for h in self.happenings if h.kind in ("action", "stimulus")]
        return [Event(0, 0, time, h.kind, h.type, h.source, h.target, h.content, h.call) for h in told]

    # -- remembering ---------------------------------------------------------------------------------------

    async def _remember(self) -> tuple[Remembered, ...]:
        memory = self.person.memory
        queries = self._queries()
        if not queries or not memory.settings.k or len(memory.semantic) == len(memory.semantic.forgotten):
            return ()
        found = await memory.retrieve(self.llm, queries, self.surroundings.time)
        self._note_retrieval(queries, found)
        return tuple(memory.semantic[place] for place in found.shown)

    def _note_retrieval(self, queries: list[str], found: Retrieval) -> None:
        memory = self.person.memory
        name = memory.blobs.keep(Ledger.of(found).to_bytes())
        shown = [int(memory.semantic[place].key) for place in found.shown]
        self._retrieved.append({"query": queries, "shown": shown, "ledger": name})

    def _queries(self) -> list[str]:
        """Return what memories are looked for with: the latest that was perceived since the person last acted.

        Where that is nothing, what they want and attend to.
        """
        latest: list[str] = []
        for event in reversed(self.person.memory.episodic.window):
            if event.kind == "action" and event.source == self.person.name:
                break
            latest.append(self.person.memory.episodic.summaries.get(event.id, words_of(event)))
        mind = self.person.mind
        return [text for text in latest[:LATEST] or (*mind.goals[:LATEST], mind.attention) if text.strip()]

    def _what_was_remembered(self) -> list[Happening]:
        name, call = self.person.name, next(iter(self._calls), None)
        notes = [json.dumps({**one, "calls": self._calls}, ensure_ascii=False) for one in self._retrieved]
        return [Happening("memory", "RETRIEVED", note, target=name, call=call, heard_by=(name,)) for note in notes]

    # -- doing ---------------------------------------------------------------------------------------------

    async def carry_out(self) -> None:
        """Do what the model said; the turn goes on where the person was told something."""
        draft = self._draft
        if draft is None:
            raise RuntimeError(f"nothing has been asked for {self.person.name}")
        call = draft.call or None  # what a very small model is told to do takes no call
        told, withheld = False, list[Action]()
        for action in draft.actions:
            if told and self.rounds < ROUNDS and not self._informs(action):
                withheld.append(action)
            else:
                told |= await self._do(action, call)
        if withheld:
            self._note("WITHHELD", "\n".join(map(str, withheld)), call)
        self.open = told and self.rounds < ROUNDS
        if not self.open:
            self._end_in(draft.mind, call)

    def _tells(self, action: Action) -> bool:
        return action.type == "REACH_OUT" or self._informs(action)

    def _informs(self, action: Action) -> bool:
        definition = self._definition(action.type)
        return definition is not None and definition.informs

    def _definition(self, name: str) -> ActionDefinition | None:
        return next((ability for ability in self.abilities if ability.name == name), None)

    async def _do(self, action: Action, call: str | None) -> bool:
        """Do one thing; return whether the person was told something."""
        name = self.person.name
        outcome = await self._outcome(action)
        target = self._reaches(action) or action.target
        self.happenings.append(Happening("action", action.type, action.content, name, target, call, (name,)))
        self.effects += [h for h in outcome.happenings if h.type == EFFECT]
        self.happenings += [h for h in outcome.happenings if h.type != EFFECT]
        if outcome.failure:
            self._note("ACTION_FAILED", f"{action.type}: {outcome.failure}", call)
        if outcome.result is not None:
            self.happenings.append(Happening("stimulus", "RESULT", outcome.result, action.type, name, None, (name,)))
        return outcome.result is not None

    async def _outcome(self, action: Action) -> Outcome:
        if action.type == "REACH_OUT":
            whom, told = self.surroundings.reach_out(action.target)
            self._reached |= {whom: ""} if whom else {}
            return Outcome(told)
        definition = self._definition(action.type)
        if definition is None:
            return Outcome()
        if definition.real_world and not self.surroundings.real_world:
            refused = f"{action.type} reaches out of the simulation, and the world does not allow it (real_world=False)"
            return Outcome("That is not possible here.", failure=refused)
        around = self.surroundings
        known = Library(
            self.person.memory, self.llm, around.time, lambda query, found: self._note_retrieval([query], found)
        )
        acting = Acting(self.person.name, around.time, tuple(around.in_reach), around.everybody, self.llm, known)
        with undone_on_failure([*tools_of(self.person.faculties), *around.tools]):
            return await definition.run(action.content, acting)

    def _reaches(self, action: Action) -> str:
        return self.surroundings.reach_out(action.target)[0] if action.type == "REACH_OUT" else ""

    def _note(self, type_: str, content: str, call: str | None) -> None:
        name = self.person.name
        self.happenings.append(Happening("note", type_, content, target=name, call=call, heard_by=(name,)))

    def _end_in(self, mind: Mind, call: str | None) -> None:
        if mind != self.person.mind:
            name = self.person.name
            self.happenings.append(Happening("mind", "MIND", mind.to_json(), name, "", call, (name,)))
