"""A calendar: appointments, those who are invited to them, and the time that is left."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cast import does, llm_at, play, talk, turn, turns_asked, world_at
from tests.model_server import Fault
from tests.test_html import HOSTILE, Tags
from workbench.agents.actions import Acting
from workbench.agents.person import Person
from workbench.agents.tools.calendar import Appointment, Calendar
from workbench.errors import InvalidSettings, StepFailed
from workbench.record.events import START
from workbench.worlds.world import World

NAMES = ("Ann", "Bob", "Cem")


def creates(title: str = "Lunch", start: str = "2025-01-06 12:00", minutes: int = 60, place: str = "", invite=()):
    given = {"title": title, "start": start, "minutes": minutes, "place": place, "invite": list(invite)}
    return does("CREATE_APPOINTMENT", **given)


def results(world: World, name: str) -> list[str]:
    return [event.content for event in world.events() if event.type == "RESULT" and event.target == name]


def told(world: World, name: str) -> list[tuple[str, str]]:
    """Who told somebody of appointments, and what."""
    return [(e.source, e.content) for e in world.events() if e.type == "SOCIAL" and e.target == name]


def in_short(calendar: Calendar) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(f"{one.start:%d %H:%M}", one.title, one.people) for one in calendar.appointments]


def calendar_of(world: World) -> Calendar:
    return world.tools["calendar"]


def holding(*appointments: tuple[datetime, int, tuple[str, ...]], **options) -> Calendar:
    """A calendar of appointments: when, how many minutes, whose."""
    calendar = Calendar(**options)
    for number, (start, minutes, people) in enumerate(appointments, start=1):
        made = Appointment(number, f"No. {number}", start, start + timedelta(minutes=minutes), people[0], people[1:])
        calendar.apply({"appointment": made.to_dict()})
    return calendar


async def lived(model_server, *names: str, steps: int = 1, **turns) -> World:
    """A world in which people take turns with a calendar, one after the other."""
    server = model_server(play(**turns))
    world = world_at(server, *(names or NAMES), tools=[Calendar()], schedule="sequential")
    return await world.run(steps, live=False)


# Making appointments


async def test_appointment_is_made_and_listed(model_server):
    ann = [turn(creates("Lunch", "2025-01-07 14:30", 30, "the hall")), turn(does("LIST_APPOINTMENTS", day=""))]
    world = await lived(model_server, Ann=ann)
    starts = datetime(2025, 1, 7, 14, 30)
    made = Appointment(1, "Lunch", starts, starts + timedelta(minutes=30), "Ann", (), "the hall")
    assert calendar_of(world).appointments == [made]
    line = "appointment 1, 'Lunch': Tuesday, 2025-01-07 14:30 to 15:00, the hall"
    assert results(world, "Ann") == [f"Made: {line}.", f"{line}; Ann's"]


@pytest.mark.parametrize(
    "start", ["2025-01-07 14:30", "2025-01-07T14:30", " 2025-01-07 14:30:00 ", "Tuesday, 2025-01-07 14:30"]
)
async def test_time_is_read_as_models_write_it(model_server, start):
    world = await lived(model_server, Ann=[turn(creates(start=start))])
    assert [one.start for one in calendar_of(world).appointments] == [datetime(2025, 1, 7, 14, 30)]


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"start": "tomorrow at two"}, "'tomorrow at two' is no time: write it as in 2025-01-07 14:30."),
        ({"start": "2025-01-07"}, "has no time of the day"),
        ({"start": "2025-01-07 14:30Z"}, "without a time zone"),
        ({"start": "2025-01-06 08:59"}, "is over: it is Monday, 2025-01-06 09:00 now."),
        ({"minutes": 0}, "takes from 1 to 10080 minutes, not 0"),
        ({"minutes": 10**30}, "takes from 1 to 10080 minutes"),
        ({"title": " "}, "needs a title"),
    ],
)
async def test_appointment_that_cannot_be_is_told_and_not_made(model_server, wrong, complaint):
    world = await lived(model_server, Ann=[turn(creates(**wrong))])
    assert complaint in results(world, "Ann")[0]
    assert calendar_of(world).appointments == []
    assert not [event for event in world.events() if event.type in ("ACTION_FAILED", "EFFECT")]


async def test_appointment_may_begin_now(model_server):
    server = model_server(play(Ann=[turn(creates(start="2025-01-06 09:00"))]))
    world = world_at(server, "Ann", tools=[Calendar()], start=START.replace(second=30))
    await world.run(1, live=False)
    assert len(calendar_of(world).appointments) == 1


async def test_overlap_is_told_and_that_of_others_without_its_title(model_server):
    bob = [turn(creates("Doctor", "2025-01-06 12:30")), turn()]
    ann = [turn(creates("Lunch")), turn(creates("Talk", "2025-01-06 12:45", invite=["Bob"]))]
    world = await lived(model_server, "Bob", "Ann", Bob=bob, Ann=ann)
    said = results(world, "Ann")[1]
    assert "It overlaps with appointment 2, 'Lunch'" in said
    assert said.endswith("Bob has another appointment then.")
    assert "Doctor" not in said
    assert len(calendar_of(world).appointments) == 3


async def test_appointments_next_to_each_other_do_not_overlap(model_server):
    world = await lived(model_server, Ann=[turn(creates()), turn(creates("Tea", "2025-01-06 13:00"))])
    assert "overlaps" not in " ".join(results(world, "Ann"))


# Inviting


async def test_invitation_is_perceived_by_those_invited_before_their_next_turn(model_server):
    server = model_server(play(Ann=[turn(creates("Lunch", invite=["bob"])), turn(talk("Well."))]))
    world = world_at(server, tools=[Calendar()])
    await world.run(2, live=False)
    line = "Ann invites you to appointment 1, 'Lunch': Monday, 2025-01-06 12:00 to 13:00."
    assert f'<social from="Ann" to="Bob">{line}</social>' in turns_asked(server, "Bob")[1]
    assert "invites" not in turns_asked(server, "Cem")[1]
    assert "Invited: Bob." in results(world, "Ann")[0]


async def test_people_are_invited_later_and_told_once(model_server):
    ann = [turn(creates(invite=["Bob"])), turn(does("INVITE", appointment="lunch", names=["Bob", "Cem", "Ann"]))]
    world = await lived(model_server, Ann=ann)
    assert in_short(calendar_of(world)) == [("06 12:00", "Lunch", ("Ann", "Bob", "Cem"))]
    assert [len(told(world, name)) for name in NAMES] == [0, 1, 1]
    assert results(world, "Ann")[1] == "Invited: Cem."


async def test_name_that_means_nobody_is_told_back_and_nobody_is_invited_by_mistake(model_server):
    names = ["Zoe", "Bo", "Lee", "roy"]
    world = await lived(model_server, "Ann Lee", "Bob Roy", "Cem Lee", **{"Ann Lee": [turn(creates(invite=names))]})
    assert in_short(calendar_of(world))[0][2] == ("Ann Lee", "Bob Roy")
    said = results(world, "Ann Lee")[0]
    assert "Invited: Bob Roy. Nobody here is called Zoe. Nobody here is called Bo." in said
    assert "Lee may be Ann Lee or Cem Lee: say whom you mean." in said


async def test_only_the_owner_invites(model_server):
    bob = [turn(does("INVITE", appointment=1, names=["Cem"]))]
    world = await lived(model_server, Ann=[turn(creates(invite=["Bob"])), turn()], Bob=bob)
    assert results(world, "Bob") == ["'Lunch' is Ann's appointment: only they can invite to it. Nothing was changed."]
    assert told(world, "Cem") == []


# Who sees what


async def test_people_see_their_own_appointments_alone(model_server):
    lists = [turn(does("LIST_APPOINTMENTS", day="2025-01-06"))]
    world = await lived(model_server, Ann=[turn(creates(invite=["Bob"])), turn()], Bob=lists, Cem=lists)
    assert results(world, "Bob") == [
        "appointment 1, 'Lunch': Monday, 2025-01-06 12:00 to 13:00; Ann's; invited: Bob",
    ]
    assert results(world, "Cem") == ["You have no appointments then."]


async def test_appointment_of_others_cannot_be_cancelled_nor_learnt_of(model_server):
    cem = [turn(does("CANCEL_APPOINTMENT", appointment=1), does("INVITE", appointment="Lunch", names=["Cem"]))]
    world = await lived(model_server, Ann=[turn(creates("Lunch")), turn()], Cem=cem)
    unknown = "You have no appointment {}. You have: none. Nothing was changed."
    assert results(world, "Cem") == [unknown.format("1"), unknown.format("'Lunch'")]


def test_list_is_of_a_day_or_from_now_on():
    days = [START - timedelta(days=1), START - timedelta(minutes=30), START + timedelta(days=1)]
    calendar = holding(*((day, 60, ("Ann",)) for day in days))
    acting = Acting("Ann", START)
    assert [f"No. {n}" in calendar.list_appointments(acting) for n in (1, 2, 3)] == [False, True, True]
    assert [f"No. {n}" in calendar.list_appointments(acting, "2025-01-05") for n in (1, 2, 3)] == [True, False, False]


# Cancelling


async def test_cancelled_appointment_is_gone_and_those_invited_are_told(model_server):
    ann = [turn(creates(invite=["Bob"])), turn(does("CANCEL_APPOINTMENT", appointment="#1")), turn(creates("Tea"))]
    world = await lived(model_server, Ann=ann)
    assert [(one.number, one.title) for one in calendar_of(world).appointments] == [(2, "Tea")]
    line = "appointment 1, 'Lunch': Monday, 2025-01-06 12:00 to 13:00."
    assert told(world, "Bob")[1] == ("Ann", f"Ann has cancelled: {line}")


async def test_invitation_is_declined_and_the_owner_is_told(model_server):
    bob = [turn(does("CANCEL_APPOINTMENT", appointment="lunch"))]
    world = await lived(model_server, Ann=[turn(creates(invite=["Bob", "Cem"])), turn()], Bob=bob)
    assert in_short(calendar_of(world)) == [("06 12:00", "Lunch", ("Ann", "Cem"))]
    assert told(world, "Ann")[0][1].startswith("Bob has declined: appointment 1, 'Lunch'")


async def test_title_that_two_appointments_have_is_not_guessed(model_server):
    two = turn(creates(start="2025-01-06 12:00"), creates(start="2025-01-07 12:00"))
    world = await lived(model_server, Ann=[two, turn(does("CANCEL_APPOINTMENT", appointment="Lunch"))])
    assert results(world, "Ann")[2].startswith("More than one has this title; say its number: appointment 1")
    assert len(calendar_of(world).appointments) == 2


# Finding time


async def test_free_time_of_all_is_found(model_server):
    asks = turn(does("FIND_FREE_TIME", names=["Bob"], minutes=60, day=""))
    ann = [turn(creates(start="2025-01-06 10:00")), asks]
    world = await lived(model_server, "Bob", "Ann", Bob=[turn(creates(start="2025-01-06 11:30")), turn()], Ann=ann)
    days = ("2025-01-06 09:00", "2025-01-06 12:30", "2025-01-06 13:00")
    assert results(world, "Ann")[1] == f"Free for 60 minutes (Ann, Bob): {'; '.join(f'Monday, {d}' for d in days)}."


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, "Tuesday, 2025-01-07 10:00; Tuesday, 2025-01-07 10:30; Tuesday, 2025-01-07 11:00"),
        ({"day": "2025-03-01"}, "Saturday, 2025-03-01 10:00; Saturday, 2025-03-01 10:30; Saturday, 2025-03-01 11:00"),
        ({"minutes": 120, "day": "2025-01-07"}, "Tuesday, 2025-01-07 10:00."),
        ({"minutes": 121}, "No time is free for all (Ann)."),
        ({"day": "2025-01-05"}, "No time is free for all (Ann)."),
        ({"day": "2025-01-06"}, "Monday, 2025-01-06 11:30."),
    ],
)
def test_free_time_is_within_the_hours_and_from_now_on(given, found):
    calendar = holding((START.replace(hour=10), 60, ("Ann",)), hours=(10, 12))
    now = START.replace(hour=11, minute=10)
    given = {"minutes": 60 if "day" not in given else 30} | given
    later = Acting("Ann", now if "day" in given else now.replace(hour=11, minute=30))
    assert found in calendar.find_free_time((), acting=later, **given)


def test_free_time_with_somebody_who_is_not_there_is_not_guessed():
    (find,) = (one for one in Calendar().actions if one.name == "FIND_FREE_TIME")
    said = find(names=("Bob", "Zoe"), minutes=30, acting=Acting("Ann", START, everybody=("Ann", "Bob")))
    assert said == "Nobody here is called Zoe. Nothing was changed."


TIMES = st.integers(0, 8 * 24 * 4).map(lambda quarters: START.replace(hour=0) + timedelta(minutes=15 * quarters))
PEOPLE = st.sets(st.sampled_from(NAMES), min_size=1).map(lambda names: tuple(sorted(names)))
TAKEN = st.lists(st.tuples(TIMES, st.integers(1, 600), PEOPLE), max_size=30)


@given(TAKEN, PEOPLE, st.integers(1, 540), TIMES)
def test_free_time_overlaps_nothing_of_those_named(taken, named, minutes, now):
    calendar = holding(*taken)
    length = timedelta(minutes=minutes)
    for start in calendar._free(named, length, now, None):
        assert now <= start < now + timedelta(days=7)
        assert start.minute in (0, 30)
        assert start.hour >= 9
        assert start + length <= start.replace(hour=18, minute=0)
        for at, takes, people in taken:
            apart = at + timedelta(minutes=takes) <= start or start + length <= at
            assert apart or not set(people) & set(named)


# Its state


async def test_run_that_is_resumed_has_the_appointments_and_goes_on(model_server, tmp_path):
    ann = [turn(creates("Tea", invite=["Bob"]), creates(), does("CANCEL_APPOINTMENT", appointment=2)), turn()]
    server = model_server(play(Ann=[*ann, turn(creates("Talk", "2025-01-06 15:00")), turn()]))
    world = world_at(server, tools=[Calendar()], record=tmp_path / "r.sqlite")
    (await world.run(1, live=False)).close()
    again = World.resume(tmp_path / "r.sqlite", llm=llm_at(server), tools=[Calendar()])
    assert calendar_of(again).appointments == calendar_of(world).appointments
    assert calendar_of(again).mark() == calendar_of(world).mark()
    await again.run(1, live=False)
    assert [(one.number, one.title) for one in calendar_of(again).appointments] == [(1, "Tea"), (3, "Talk")]


async def test_step_that_fails_leaves_the_calendar_as_it_was(model_server):
    server = model_server(play(Ann=[turn(creates()), turn(), turn(creates("Tea")), turn()], Bob=[turn(), Fault(400)]))
    world = world_at(server, "Ann", "Bob", tools=[Calendar()], schedule="sequential")
    await world.run(1, live=False)
    with pytest.raises(StepFailed):
        await world.run(1, live=False)
    assert calendar_of(world).mark() == ((Appointment(1, "Lunch", *_noon(), "Ann"),), 1)


def _noon() -> tuple[datetime, datetime]:
    return START.replace(hour=12), START.replace(hour=13)


async def test_calendar_of_a_twin_is_its_own(model_server):
    calendar = holding((START.replace(hour=12), 60, ("Ann",)), hours=(8, 20))
    server = model_server(play(Ann=[turn(creates("Tea")), turn()]))
    twin = Person({"name": "Ann"}, faculties=[calendar], llm=llm_at(server)).twin()
    await twin.act()
    assert [one.title for one in calendar.appointments] == ["No. 1"]
    assert [one.title for one in twin.faculties[0].appointments] == ["No. 1", "Tea"]
    assert twin.faculties[0].hours == (8, 20)


def test_definitions_stay_the_same_and_those_of_a_copy_are_its_own():
    calendar = Calendar()
    assert [one is other for one, other in zip(calendar.actions, calendar.actions, strict=True)] == [True] * 5
    assert not set(calendar.actions) & set(calendar.copy().actions)


@pytest.mark.parametrize("hours", [(18, 9), (9, 9), (-1, 9), (9, 25)])
def test_hours_that_cannot_be(hours):
    with pytest.raises(InvalidSettings, match="hours="):
        Calendar(hours=hours)


def test_appointments_as_a_table():
    calendar = holding((START + timedelta(days=1), 30, NAMES), (START, 60, ("Bob",)))
    frame = calendar.to_frame()
    assert list(frame.columns) == ["number", "title", "start", "end", "owner", "invited", "place"]
    assert frame["number"].tolist() == [2, 1]
    assert (frame["start"][0], frame["invited"][1]) == (START, "Bob, Cem")
    assert list(Calendar().to_frame().columns) == list(frame.columns)


def test_hostile_words_are_escaped():
    calendar = Calendar(HOSTILE)
    made = Appointment(1, HOSTILE, START, START + timedelta(minutes=5), HOSTILE, (HOSTILE,), HOSTILE)
    calendar.apply({"appointment": made.to_dict()})
    tags = Tags(calendar._repr_html_())
    assert not {"script", "img"} & set(tags.tags)
    assert tags.words.count("alert('x')") == 5
