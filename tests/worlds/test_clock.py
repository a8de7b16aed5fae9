"""Simulated time: it moves in steps of a length, by the calendar, and can be put forward."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from dateutil.relativedelta import MO, relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from tests.cast import happened, now, person, play, turns_asked, world_at
from tests.model_server import Fault
from workbench.errors import InvalidSettings, StepFailed
from workbench.llm.running import sync
from workbench.record.events import START
from workbench.worlds.clock import Clock, length_from_json, length_to_json, unit
from workbench.worlds.world import World

UNITS = ("minutes", "hours", "days", "weeks", "months", "years")
JANUARY_31 = datetime(2025, 1, 31, 12)


def nobody_acts(world, rng):
    """A schedule in which only time passes."""
    return []


def world_of(server, **options) -> World:
    return world_at(server, "Ann", **({"schedule": nobody_acts, "start": JANUARY_31} | options))


def resumed(world: World) -> World:
    world.close()
    return World.resume(world.record, llm=world.llm, schedule=nobody_acts)


# Steps


async def test_time_begins_at_the_start_and_moves_with_each_step(server):
    world = world_of(server, start=datetime(1999, 12, 31, 23, 30), step_length=timedelta(minutes=20))
    times = [world.time]
    for _ in range(2):
        await world.run(1, live=False)
        times.append(world.time)
    assert [f"{time:%Y-%m-%d %H:%M}" for time in times] == ["1999-12-31 23:30", "1999-12-31 23:50", "2000-01-01 00:10"]


async def test_time_begins_at_a_fixed_date_and_moves_by_a_minute(server):
    world = await world_at(server).run(1, live=False)
    assert world.time == START + timedelta(minutes=1)


async def test_events_and_prompts_carry_the_simulated_time(server):
    world = world_at(server, "Ann", step_length=relativedelta(months=1), start=JANUARY_31).broadcast("Hello")
    await world.run(2, live=False)
    assert [event.time.month for event in world.events() if event.kind in ("stimulus", "action")] == [1, 1, 2]
    assert "It is Friday, 2025-02-28 12:00." in turns_asked(server)[1]
    assert f"{world.transcript()['time'].max():%Y-%m-%d}" == "2025-02-28"


@pytest.mark.parametrize("name", UNITS)
async def test_run_may_count_in_units(server, name):
    world = world_of(server)
    await getattr(world, f"run_{name}")(3, live=False)
    assert (world.time, world.steps) == (JANUARY_31 + unit(name) * 3, 3)
    assert world.step_length == timedelta(minutes=1)


async def test_months_are_those_of_the_calendar(server):
    world, ends = world_of(server), []
    for _ in range(4):
        await world.run_months(1, live=False)
        ends.append(f"{world.time:%m-%d}")
    assert ends == ["02-28", "03-31", "04-30", "05-31"]


async def test_leap_day_comes_back_after_four_years(server):
    world, ends = world_of(server, start=datetime(2024, 2, 29)), []
    for _ in range(4):
        await world.run_years(1, live=False)
        ends.append(f"{world.time:%Y-%m-%d}")
    assert ends == ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]


async def test_months_go_on_where_the_run_is_resumed(server, tmp_path):
    world, ends = world_of(server, record=tmp_path / "r.sqlite"), []
    for _ in range(3):
        await world.run_months(1, live=False)
        ends.append(f"{world.time:%m-%d}")
        world = resumed(world)
    assert ends == ["02-28", "03-31", "04-30"]


async def test_months_go_on_after_a_step_that_failed(model_server):
    server = model_server()
    world = world_of(server, schedule="simultaneous")
    await world.run_months(1, live=False)
    reply, server.reply = server.reply, Fault(400)
    with pytest.raises(StepFailed):
        await world.run_months(2, live=False)
    assert (world.time, world.step_length) == (datetime(2025, 2, 28, 12), timedelta(minutes=1))
    server.reply = reply
    await world.run_months(1, live=False)
    assert world.time == datetime(2025, 3, 31, 12)


async def test_months_are_counted_anew_after_steps_of_another_length(server):
    world = world_of(server)
    await world.run_months(1, live=False)
    await world.run_days(1, live=False)
    await world.run_months(1, live=False)
    assert world.time == datetime(2025, 4, 1, 12)


lengths = st.sampled_from(UNITS).map(unit) | st.timedeltas(timedelta(0), timedelta(days=400))
starts = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))


@given(starts, st.lists(st.tuples(lengths, st.integers(1, 14), st.booleans()), max_size=5))
def test_clock_in_parts_is_the_clock_as_a_whole(start, stretches):
    """Also where each step begins with what a file has of the clock."""
    whole = parts = Clock(start)
    anchor, before, last = start, 0, None
    for length, steps, kept in stretches:
        if length_to_json(length) != last:
            anchor, before = whole.time, 0
        for _ in range(steps):
            whole = whole.after(length)
            parts = Clock.from_json(parts.time, parts.to_json()) if kept else parts
            parts = parts.after(length_from_json(length_to_json(length)))
        before, last = before + steps, length_to_json(length)
        assert parts.time == whole.time == anchor + length * before


def test_run_in_parts_is_the_run_as_a_whole(server, tmp_path_factory):
    @settings(max_examples=12, deadline=None)
    @given(starts, st.sampled_from(UNITS), st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=4))
    def law(start, name, parts):
        whole = world_of(server, start=start)
        world = world_of(server, start=start, record=tmp_path_factory.mktemp("run") / "r.sqlite")
        sync(getattr(whole, f"run_{name}")(sum(steps for steps, _ in parts), live=False, progress=False))
        for steps, interrupted in parts:
            sync(getattr(world, f"run_{name}")(steps, live=False, progress=False))
            world = resumed(world) if interrupted else world
        assert (world.time, world.steps) == (whole.time, whole.steps)
        assert world.time == start + unit(name) * whole.steps

    law()


# Putting it forward


async def test_time_that_is_skipped_is_lived_by_nobody(server):
    world = world_at(server, "Ann")
    await world.run(1, live=False)
    world.skip(days=3, hours=2)
    await world.run(1, live=False)
    assert "It is Thursday, 2025-01-09 11:01." in turns_asked(server)[1]
    assert (world.steps, server.n_requests) == (2, 2)
    assert [(event.kind, event.type) for event in world.events() if event.kind == "note"] == [("note", "SKIPPED")]


@pytest.mark.parametrize("steps_after", [0, 1, 2])
async def test_skip_comes_back(server, tmp_path, steps_after):
    world = world_of(server, record=tmp_path / "r.sqlite", step_length=relativedelta(months=1))
    await world.run(1, live=False)
    await world.skip(days=3).run(steps_after, live=False)
    again = resumed(world)
    assert again.time == world.time == datetime(2025, 3, 3, 12) + relativedelta(months=steps_after)
    await again.run(1, live=False)
    assert again.time == datetime(2025, 3, 3, 12) + relativedelta(months=steps_after + 1)


async def test_months_are_counted_anew_after_a_skip(server):
    world = world_of(server)
    await world.run_months(1, live=False)
    await world.skip(days=2).run_months(1, live=False)
    assert world.time == datetime(2025, 4, 2, 12)


def test_skip_may_be_of_parts_of_units(server):
    assert world_of(server).skip(hours=1.5, days=0.5, months=1).time == datetime(2025, 3, 1, 1, 30)


async def test_skip_may_be_a_length(server):
    world = world_of(server).skip(timedelta(days=1)).skip(relativedelta(months=1))
    assert world.time == datetime(2025, 3, 1, 12)


def night(world: World) -> None:
    world.skip(hours=8).broadcast("Good morning.")


async def test_skip_in_the_middle_of_a_step_moves_the_rest_of_it(server, tmp_path):
    rule = wb.Intervention("night", night, at_step=2)
    world = world_at(server, "Ann", interventions=[rule], record=tmp_path / "r.sqlite")
    await world.run(2, live=False)
    assert world.time == START + timedelta(hours=8, minutes=2)
    assert "It is Monday, 2025-01-06 17:01." in turns_asked(server)[1]
    again = World.resume(world.record, llm=world.llm, interventions=[rule])
    assert (again.time, happened(again)) == (world.time, happened(world))


async def test_skip_of_a_step_that_failed_is_undone(model_server):
    server = model_server(play(Ann=Fault(400)))
    world = world_at(server, "Ann", interventions=[wb.Intervention("night", night, at_step=1)]).skip(days=1)
    with pytest.raises(StepFailed):
        await world.run(1, live=False)
    assert (world.time, len(world.events())) == (START + timedelta(days=1), 1)


async def begun(coroutine) -> asyncio.Task:
    """A run that goes on by now."""
    task = asyncio.create_task(coroutine)
    await asyncio.sleep(0.01)
    return task


async def test_run_that_waits_for_another_to_stop_has_its_own_length(model_server):
    world = world_at(model_server(latency=0.05), "Ann", start=JANUARY_31)
    days = await begun(world.run_days(5, live=False))
    await world.stop().run_months(1, live=False)
    await days
    assert (world.time, world.steps) == (datetime(2025, 3, 1, 12), 2)
    assert world.step_length == timedelta(minutes=1)


async def test_run_that_is_refused_does_not_change_the_length_of_steps(model_server):
    world = world_at(model_server(latency=0.05), "Ann", start=JANUARY_31)
    days = await begun(world.run_days(1, live=False))
    with pytest.raises(InvalidSettings, match="running already"):
        await world.run_months(1, live=False)
    await days
    assert world.time == datetime(2025, 2, 1, 12)


# What cannot be


@pytest.mark.parametrize(
    ("length", "complaint"),
    [
        (60, "is a timedelta or a dateutil relativedelta"),
        ("1 day", "is a timedelta or a dateutil relativedelta"),
        (timedelta(days=-1), "time does not go back"),
        (relativedelta(months=-1), "time does not go back"),
        (relativedelta(months=1, days=-29), "time does not go back"),
        (relativedelta(day=1), "day=.*no length"),
        (relativedelta(days=1, hour=9), "hour=.*no length"),
        (relativedelta(weekday=MO), "weekday=.*no length"),
        (relativedelta(days=1.5), "of days, a whole number is needed"),
    ],
)
def test_step_length_that_cannot_be_says_why(server, length, complaint):
    with pytest.raises(InvalidSettings, match=rf"step_length=.*{complaint}"):
        world_of(server, step_length=length)


@pytest.mark.parametrize(
    "length", [timedelta(0), relativedelta(), relativedelta(months=1, days=2), timedelta(microseconds=3)]
)
async def test_step_length_comes_back(server, tmp_path, length):
    world = world_of(server, step_length=length, record=tmp_path / "r.sqlite")
    await world.run(1, live=False)
    again = resumed(world)
    assert (again.step_length, again.time) == (length, JANUARY_31 + length)


@pytest.mark.parametrize("do", ["skip", "occupy"])
@pytest.mark.parametrize(
    ("given", "units", "complaint"),
    [
        ((), {}, r"how long\? Give any of years, months, .*days=3"),
        ((), {"fortnights": 1}, "'fortnights' is no unit of time; there are years"),
        ((), {"days": -1}, "time does not go back"),
        ((), {"days": 0}, "lies ahead"),
        ((), {"months": 1.5}, "months"),
        ((), {"days": "3"}, "'3'"),
        ((3,), {}, "3: it is a timedelta or a dateutil relativedelta"),
        ((timedelta(days=1),), {"hours": 1}, "one of both"),
        ((relativedelta(day=1),), {}, "day=.*no length"),
    ],
)
def test_time_that_cannot_be_skipped_says_why(server, do, given, units, complaint):
    world = world_of(server)
    with pytest.raises(InvalidSettings, match=complaint):
        world.skip(*given, **units) if do == "skip" else world.occupy("Ann", *given, **units)
    assert (world.time, world.events()) == (JANUARY_31, [])


async def test_end_of_the_calendar_is_told_before_anything_is_asked(server):
    world = world_at(server, "Ann", start=datetime(9999, 11, 30))
    await world.run_months(1, live=False)
    with pytest.raises(InvalidSettings, match="is in no calendar"):
        await world.run_years(1, live=False)
    assert (world.time, world.steps, server.n_requests) == (datetime(9999, 12, 30), 1, 1)
    with pytest.raises(InvalidSettings, match="is in no calendar"):
        world.skip(years=1)
    await world.run_days(1, live=False)
    assert world.steps == 2


def test_start_is_a_time_without_a_zone():
    with pytest.raises(InvalidSettings, match="start="):
        World("Kitchen", [person("Ann")], start=datetime(2025, 1, 1, tzinfo=UTC))


def test_world_shows_its_time(server):
    assert "2025-01-31 12:00" in world_of(server)._repr_html_()


async def test_person_is_told_the_time_of_the_day(server):
    await world_at(server, "Ann", start=datetime(2025, 1, 5, 23, 59)).run(2, live=False)
    assert [asked.count("It is Sunday, 2025-01-05 23:59.") for asked in turns_asked(server)] == [1, 0]
    assert now(turns_asked(server)[1])["In reach"] == "nobody"
