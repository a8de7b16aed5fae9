"""`Story`: starts and continues a narrative from what has happened in a world. Each beat of it is an event."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Literal, get_args

from pydantic import BaseModel, Field

from workbench.agents.short_turns import script_line
from workbench.errors import InvalidSettings
from workbench.html import box, text
from workbench.llm.calls import Message, asked_of
from workbench.llm.client import LLM
from workbench.llm.seeds import derive_seed
from workbench.prompts import render
from workbench.record.events import Event
from workbench.record.telling import say_time, tell_all, told
from workbench.worlds.stage import UNDELIVERED
from workbench.worlds.subjects import about_world, subject_of

if TYPE_CHECKING:
    from workbench.worlds.world import World

STORY = "STORY"
Delivery = Literal["broadcast", "each", "none"]


class _Stimulus(BaseModel):
    person: str
    type: Literal["VISUAL", "SOCIAL", "CONVERSATION", "LOCATION", "THOUGHT"]
    content: str


class _Beat(BaseModel):
    text: str


class _ShortBeat(_Beat):
    text: str = Field(min_length=20, max_length=240)


class _BeatForEach(_Beat):
    stimuli: list[_Stimulus]


@dataclass(frozen=True)
class Beat:
    """One part of a story."""

    text: str
    event: int
    """The id of its event."""
    call: str
    """The model call that told it."""

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return box(f"Story, event {self.event}", "", f"<p>{text(self.text)}</p>")


@dataclass(eq=False)
class Story:
    """Tells what happens around the people of a world. What it has told is in the world's record, and nowhere else.

    As an effect of an intervention it goes on by itself:
    `Intervention("twist", lambda world: Story(world).proceed(twist=True), every=5)`.

    Args:
        world: whose story it is.
        llm: who tells it; the model of the world when not given.
        latest: how many of the latest events it goes on from; all when not given.
    """

    world: World
    llm: LLM | None = None
    latest: int | None = None

    async def start(
        self, requirements: str = "", *, words: int = 80, twist: bool = False, deliver: Delivery = "broadcast"
    ) -> Beat:
        """Begin a story.

        Args:
            requirements: what is wanted of it, such as "a power cut in the middle of dinner".
            words: about how long it is.
            twist: whether something happens that nobody could expect.
            deliver: `broadcast`: everybody perceives it; `each`: everybody whom it concerns perceives their own part of
                it; `none`: it is recorded, and nobody knows of it.

        Raises:
            ModelError: it could not be had; nothing has happened.
            InvalidSettings: an argument that cannot be, or a step is under way.
        """
        return await self._tell(requirements, words, twist, deliver, begin=True)

    async def proceed(
        self, requirements: str = "", *, words: int = 80, twist: bool = False, deliver: Delivery = "broadcast"
    ) -> Beat:
        """Continue the story from what has happened; arguments, results and errors are those of `start`."""
        return await self._tell(requirements, words, twist, deliver, begin=False)

    async def _tell(self, requirements: str, words: int, twist: bool, deliver: Delivery, *, begin: bool) -> Beat:
        if deliver not in get_args(Delivery):
            raise InvalidSettings(f"deliver={deliver!r}: it is one of {', '.join(get_args(Delivery))}")
        if isinstance(words, bool) or not isinstance(words, int) or words < 1:
            raise InvalidSettings(f"words={words!r}: a whole number is needed, 1 or more")
        world, llm = self.world, self.llm or self.world.llm
        events = told(subject_of(world, self.latest).events)
        asked = _Asked(world, events, requirements.strip(), words, twist, each=deliver == "each", begin=begin)
        seed = derive_seed(world.seed, "story", world.steps, events[-1].id if events else 0)
        messages, schema = asked.shortly() if llm.is_embedded else asked.whole()
        reply = await llm.complete(messages, schema, purpose="story", seed=seed)
        hearers = world.names if deliver == "broadcast" else ()
        event = world.tell(STORY, reply.value.text.strip(), "", hearers, reply.call)
        if deliver == "each":
            self._deliver(reply.value, reply.call)
        return Beat(event.content, event.id, reply.call)

    def _deliver(self, beat: _Beat, call: str) -> None:
        """Let each perceive their part (of a short beat, all see all); what is for nobody who is there is noted."""
        if not isinstance(beat, _BeatForEach):
            self.world.tell("VISUAL", beat.text.strip(), "", self.world.names, call)
            return
        for stimulus in beat.stimuli:
            if name := self.world.find(stimulus.person):
                self.world.tell(stimulus.type, stimulus.content, "", (name,), call)
            else:
                content = json.dumps(stimulus.model_dump(), ensure_ascii=False)
                self.world.enter(UNDELIVERED, content, call=call)


@dataclass(frozen=True)
class _Asked:
    """What is asked of the one who tells."""

    world: World
    events: Sequence[Event]
    requirements: str
    words: int
    twist: bool
    _: KW_ONLY
    each: bool
    begin: bool

    def whole(self) -> tuple[list[Message], type[_Beat]]:
        """Return the messages and the shape of the answer."""
        user = render(
            "story_user",
            about=f"{self.world.name}\n\n{about_world(self.world)}",
            transcript=tell_all(self.events),
            time=say_time(self.world.time),
            begin=self.begin,
            words=self.words,
            twist=self.twist,
            requirements=self.requirements,
        )
        return asked_of(render("story_system", each=self.each), user), _BeatForEach if self.each else _Beat

    def shortly(self) -> tuple[list[Message], type[_Beat]]:
        """Return the same for a very small model, which goes on with a script and loses itself in rules."""
        user = render(
            "short_story_user",
            about=self.world.description or self.world.name,
            script="".join(map(script_line, self.events)),
            time=say_time(self.world.time),
            twist=self.twist,
            requirements=self.requirements,
        )
        return [{"role": "user", "content": user.rstrip()}], _ShortBeat
