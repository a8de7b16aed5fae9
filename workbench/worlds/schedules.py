"""Schedules: who acts when in a step. Each is a function that yields groups; a group acts on the same past, at once."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from workbench.agents.person import Person
from workbench.errors import InvalidSettings

if TYPE_CHECKING:
    from workbench.worlds.turn_history import TurnHistory
    from workbench.worlds.world import World

Group = Person | str | Sequence[Person | str]
"""Those who act on the same past; persons, or their names."""
Schedule = Callable[["World", random.Random], Iterable[Group]]
"""A function of the world and of a source of chance that is seeded for the step.

What it yields has acted when it goes on, so it can look at what came of it.
"""
ScheduleName = Literal["simultaneous", "sequential", "shuffled", "floor"]


def simultaneous(world: World, rng: random.Random) -> Iterator[Group]:
    """Let all act on the same past, at once; what they do is done in their order."""
    yield world.people


def sequential(world: World, rng: random.Random) -> Iterator[Group]:
    """Let one act after the other, in their order."""
    yield from world.people


def shuffled(world: World, rng: random.Random) -> Iterator[Group]:
    """Let one act after the other, in another order each step."""
    people = list(world.people)
    rng.shuffle(people)
    yield from people


@dataclass(frozen=True)
class Floor:
    """One speaker at a time: whoever was addressed, then whoever has been silent longest, then chance.

    After the turn-taking rules of Sacks, Schegloff & Jefferson 1974 (Language 50, 696-735): the current speaker selects
    the next; else somebody takes the floor. Those who only answer each other lose it after two
    turns each.

    Args:
        turns: of a step; as many as there are people when not given.
    """

    turns: int | None = None

    def __post_init__(self) -> None:
        if self.turns is not None and not _is_count(self.turns):
            raise InvalidSettings(f"Floor(turns={self.turns!r}): a whole number is needed, 1 or more")

    def __call__(self, world: World, rng: random.Random) -> Iterator[Group]:
        """Give the floor to one after the other."""
        for _ in range(self.turns or len(world.people)):
            if not (names := [person.name for person in world.free]):
                return
            yield next_speaker(names, world.turn_history, rng)


@dataclass(frozen=True)
class Draw:
    """So many people, drawn by chance each step, act at once; who is never drawn costs next to nothing.

    Args:
        n: how many.
    """

    n: int

    def __post_init__(self) -> None:
        if not _is_count(self.n):
            raise InvalidSettings(f"Draw(n={self.n!r}): a whole number is needed, 1 or more")

    def __call__(self, world: World, rng: random.Random) -> Iterator[Group]:
        """Draw some of those who are free."""
        free = world.free
        drawn = set(rng.sample(range(len(free)), min(self.n, len(free))))
        yield [person for place, person in enumerate(free) if place in drawn]


def _is_count(n: object) -> bool:
    return isinstance(n, int) and not isinstance(n, bool) and n >= 1


def next_speaker(names: Sequence[str], history: TurnHistory, rng: random.Random) -> str:
    """Return who has the floor next.

    Args:
        names: of those who may, at least one.
        history: of the turns so far.
        rng: the source of chance.
    """
    last = history.speakers[-1] if history.speakers else None
    others = [name for name in names if name != last] or list(names)
    circle = history.circle()
    quiet = [name for name in others if name not in circle] if circle else []
    addressed = [name for name in quiet or others if name in history.addressed]
    if addressed:
        return max(addressed, key=history.addressed.__getitem__)
    since = {name: history.last_turn.get(name, 0) for name in quiet or others}
    longest = min(since.values())
    return rng.choice([name for name, turn in since.items() if turn == longest])


def turns_a_step(schedule: Schedule, n_people: int) -> int:
    """Return how many turns a step has, as far as it can be known: of a schedule of your own, one for each person."""
    if isinstance(schedule, Floor):
        return schedule.turns or n_people
    return min(schedule.n, n_people) if isinstance(schedule, Draw) else n_people


_YIELDS = "it yields people, or lists of those who act at once"
_NAMED: dict[str, Schedule] = {
    "simultaneous": simultaneous,
    "sequential": sequential,
    "shuffled": shuffled,
    "floor": Floor(),
}
_MADE: dict[str, type[Floor | Draw]] = {"floor": Floor, "draw": Draw}


def name_of(schedule: Schedule) -> str:
    """Return what a schedule is called."""
    if isinstance(schedule, Floor | Draw):
        return type(schedule).__name__.lower()
    return str(getattr(schedule, "__name__", type(schedule).__name__))


def read_schedule(given: ScheduleName | Schedule) -> Schedule:
    """Return the schedule of a name, or the function that was given.

    Raises:
        InvalidSettings: neither.
    """
    if isinstance(given, str):
        if given not in _NAMED:
            known = ", ".join(map(repr, get_args(ScheduleName)))
            raise InvalidSettings(f"schedule={given!r}: it is one of {known}, or a function of (world, rng)")
        return _NAMED[given]
    waits = inspect.iscoroutinefunction(given) or inspect.isasyncgenfunction(given)
    if isinstance(given, type) or not callable(given) or waits:
        raise InvalidSettings(f"schedule={given!r}: it is a name, or a plain function of (world, rng)")
    return given


def schedule_to_json(schedule: Schedule) -> str | dict[str, Any]:
    """Return what a run file keeps of a schedule."""
    if isinstance(schedule, Floor | Draw) and schedule != Floor():
        return {"name": name_of(schedule), **asdict(schedule)}
    known = schedule in _NAMED.values()
    return name_of(schedule) if known else {"name": name_of(schedule), "custom": True}


def schedule_from_json(data: Any, given: ScheduleName | Schedule | None) -> Schedule:
    """Read what `schedule_to_json` returned.

    Args:
        data: what was kept.
        given: the function, where the schedule is one of the researcher's own.

    Raises:
        InvalidSettings: it is needed and not given, or another one than the run was made with.
    """
    if given is not None:
        schedule = read_schedule(given)
        if schedule_to_json(schedule) != data:
            raise InvalidSettings(f"schedule={name_of(schedule)!r}: the run was made with {_told(data)}, and keeps it")
        return schedule
    if isinstance(data, str):
        return read_schedule(data)  # type: ignore[arg-type]  # checked there
    if data.get("custom"):
        raise InvalidSettings(
            f"the run was made with a schedule of your own, {data['name']!r}. It is code, which a file cannot hold: "
            "give it again, as in World.resume(path, schedule=...)"
        )
    arguments = {name: value for name, value in data.items() if name != "name"}
    return _MADE[data["name"]](**arguments)


def _told(data: Any) -> str:
    return repr(data if isinstance(data, str) else data["name"])


def groups_of(schedule: Schedule, world: World, rng: random.Random) -> Iterator[list[Person | str]]:
    """Return the groups of a step, one after the other.

    Raises:
        InvalidSettings: the schedule yields something else.
    """
    name = name_of(schedule)
    try:
        for group in _read_groups(schedule(world, rng), name):
            yield _read_group(group, name)
    except Exception as error:
        error.add_note(f"This was in the schedule {name!r}.")
        raise


def _read_groups(groups: object, schedule: str) -> Iterable[object]:
    if not isinstance(groups, Iterable):
        raise InvalidSettings(f"the schedule {schedule!r} returned {groups!r}: {_YIELDS}")
    return groups


def _read_group(group: object, schedule: str) -> list[Person | str]:
    if isinstance(group, Person | str):
        return [group]
    if isinstance(group, AbstractSet):
        raise InvalidSettings(f"the schedule {schedule!r} yielded a set, which has no order: {_YIELDS}")
    people: list[Any] = list(group) if isinstance(group, Iterable) else [group]
    if strange := [one for one in people if not isinstance(one, Person | str)]:
        raise InvalidSettings(f"the schedule {schedule!r} yielded {strange[0]!r}: {_YIELDS}")
    return people
