"""Step control: a run is stepped through, paused, changed between steps, played on and stopped."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable

import pytest

from tests.cast import happened, play, talk, turn, turns_asked, world_at
from tests.model_server import Fault
from workbench.errors import InvalidSettings, StepFailed
from workbench.llm.running import sync
from workbench.worlds.world import World


async def until(condition: Callable[[], object]) -> None:
    """Let things go on until something holds."""
    while not condition():
        await asyncio.sleep(0.002)


def stopped(world: World) -> list[dict[str, str]]:
    return [json.loads(event.content) for event in world.events() if event.type == "STOPPED"]


@pytest.fixture
def slow(model_server):
    """A server that takes its time, so that steps can be met in their middle."""
    return model_server(lambda body: turn(talk("Hello.")), latency=0.02)


# Step by step


async def test_step_returns_what_happened_in_it(server):
    world = world_at(server, "Ann", "Bob").broadcast("Hello")
    first, second = await world.step(), await world.step()
    assert [event.step for event in first + second] == [1] * len(first) + [2] * len(second)
    assert [event.id for event in (*world.events()[:1], *first, *second)] == [event.id for event in world.events()]
    assert {event.source for event in first if event.kind == "action"} == {"Ann", "Bob"}


async def test_what_is_said_after_a_step_is_no_part_of_what_it_returned(server):
    world = world_at(server, "Ann")
    first = await world.step()
    world.broadcast("And now?")
    assert "And now?" not in [event.content for event in first + await world.step()]


async def test_steps_are_the_same_run(server):
    whole, parts = world_at(server, seed=7), world_at(server, seed=7)
    await whole.run(3, live=False)
    for _ in range(3):
        await parts.step()
    assert happened(parts) == happened(whole)


async def test_step_that_fails_says_so_and_has_not_been(model_server):
    world = world_at(model_server(play(Ann=Fault(400))), "Ann")
    with pytest.raises(StepFailed):
        await world.step()
    assert (world.steps, world.running) == (0, False)


# In the background


async def test_play_begins_a_run_in_the_background(slow):
    world = world_at(slow, "Ann")
    run = world.play(3, live=False)
    assert (world.running, world.steps) == (True, 0)
    assert await run is world
    assert (world.running, world.steps) == (False, 3)


async def test_play_without_a_number_goes_on_until_it_is_stopped(slow):
    world = world_at(slow, "Ann")
    run = world.play(live=False)
    await until(lambda: world.steps >= 3)
    world.stop()
    await run
    assert [(one["condition"], one["reason"]) for one in stopped(world)] == [("stop", "the researcher stopped it")]
    assert world.events()[-1].step == world.steps >= 3


async def test_error_of_a_run_in_the_background_is_in_its_task(model_server):
    world = world_at(model_server(play(Ann=Fault(400))), "Ann")
    with pytest.raises(StepFailed):
        await world.play(3, live=False)
    assert not world.running


async def test_run_that_cannot_begin_is_told_at_once(server):
    with pytest.raises(InvalidSettings, match="a whole number"):
        world_at(server).play(-1)
    with pytest.raises(InvalidSettings, match="until='sometime'"):
        world_at(server).play(1, until="sometime")


async def test_run_in_the_background_that_is_cancelled_at_once_has_ended(server):
    world = world_at(server, "Ann")
    run = world.play(3, live=False)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert (world.running, world.steps) == (False, 0)
    await world.run(1, live=False)
    assert world.steps == 1


def test_play_needs_a_loop_to_play_in(server):
    with pytest.raises(InvalidSettings, match=r"wb\.sync\(world\.run\(n\)\)"):
        world_at(server).play(3)


# Paused


async def test_pause_holds_the_run_between_steps(slow):
    world = world_at(slow, "Ann")
    run = world.play(4, live=False)
    await until(lambda: world.steps == 1)
    world.pause()
    await until(lambda: world.waiting)
    steps, asked = world.steps, slow.n_requests
    await asyncio.sleep(0.1)
    assert (world.steps, slow.n_requests, world.running, world.paused) == (steps, asked, True, True)
    world.play()
    await run
    assert (world.steps, world.paused, world.waiting) == (4, False, False)


async def test_run_can_be_paused_before_its_first_step(slow):
    world = world_at(slow, "Ann")
    run = world.play(2, live=False)
    world.pause()
    await until(lambda: world.waiting)
    assert (world.steps, slow.n_requests) == (0, 0)
    assert world.play() is None
    await run
    assert world.steps == 2


async def test_researcher_changes_things_while_it_is_paused(slow):
    world = world_at(slow, "Ann")
    run = world.play(2, live=False)
    await until(lambda: world.steps == 1)
    world.pause()
    await until(lambda: world.waiting)
    world.broadcast("Dinner is ready.").person("Ann").define("age", 61).change_mind(emotions="hungry")
    changes = world.events()[-3:]
    world.play()
    await run
    assert [(event.step, event.kind, event.type) for event in changes] == [
        (1, "stimulus", "CONVERSATION"),
        (1, "intervention", "PERSONA"),
        (1, "mind", "MIND"),
    ]
    assert all(told in str(slow.requests[-1].body["messages"]) for told in ("Dinner is ready.", "61", "hungry"))


async def test_paused_run_is_the_run_that_was_not_paused(model_server):
    server = model_server(latency=0.01)
    whole, held = world_at(server, seed=7), world_at(server, seed=7)
    await whole.run(3, live=False)
    run = held.play(3, live=False)
    while not run.done():
        steps = held.pause().steps
        await until(lambda: held.waiting or run.done())
        held.play() if held.running else None
        await until(lambda steps=steps: held.steps > steps or run.done())
    await run
    assert happened(held) == happened(whole)


async def test_what_is_said_in_the_middle_of_a_step_is_refused(slow):
    world = world_at(slow, "Ann")
    run = world.play(1, live=False)
    await until(lambda: slow.n_requests)
    world.pause()
    with pytest.raises(InvalidSettings, match="in the middle of a step"):
        world.broadcast("Dinner is ready.")
    world.play()
    await run
    assert "Dinner" not in world.person("Ann").memory.text


async def test_pause_and_stop_mean_nothing_where_nothing_runs(server):
    world = world_at(server, "Ann").pause().stop()
    assert (world.paused, world.running) == (False, False)
    await world.run(2, live=False)
    assert (world.steps, stopped(world)) == (2, [])


# Stopped


async def test_stop_ends_the_run_after_the_step_and_records_it(slow):
    world = world_at(slow, "Ann", "Bob")
    run = world.play(9, live=False)
    await until(lambda: slow.n_requests)
    world.stop()
    await run
    assert (world.steps, world.running, world.status) == (1, False, "complete")
    assert stopped(world)[0]["reason"] == "the researcher stopped it"


async def test_stop_ends_a_run_that_is_paused(slow):
    world = world_at(slow, "Ann")
    run = world.play(live=False)
    world.pause()
    await until(lambda: world.waiting)
    world.stop()
    await run
    assert (world.steps, world.running, world.paused, len(stopped(world))) == (0, False, False, 1)


async def test_run_after_stop_waits_for_the_end(slow):
    world = world_at(slow, "Ann")
    first = world.play(live=False)
    await until(lambda: slow.n_requests)
    await world.stop().run(2, live=False)
    assert first.done()
    assert (world.steps, len(stopped(world))) == (3, 1)


async def test_play_after_stop_begins_another_run(slow):
    world = world_at(slow, "Ann")
    first = world.play(live=False)
    await until(lambda: slow.n_requests)
    second = world.stop().play(2, live=False)
    await asyncio.gather(first, second)
    assert (world.steps, len(stopped(world))) == (3, 1)


async def test_run_that_was_stopped_goes_on_where_it_is_resumed(slow, tmp_path):
    world = world_at(slow, "Ann", record=tmp_path / "r.sqlite")
    run = world.play(live=False)
    await until(lambda: slow.n_requests)
    world.stop()
    await run
    world.close()
    again = World.resume(tmp_path / "r.sqlite", llm=world.llm)
    await again.run(1, live=False)
    assert (again.steps, len(stopped(again))) == (2, 1)


async def test_second_run_is_refused_while_one_goes_on_also_paused(slow):
    world = world_at(slow, "Ann")
    run = world.play(2, live=False)
    for _ in range(2):
        for another in (world.run(1), world.step(), world.run_days(1)):
            with pytest.raises(InvalidSettings, match="running already: wait for it, or stop it first"):
                await another
        world.pause()
        await until(lambda: world.waiting)
    world.play()
    await run
    assert world.steps == 2


# Until


async def test_run_may_end_when_something_holds(model_server):
    world = world_at(model_server(play(Ann=turn(talk("Hello.")))), "Ann")
    await world.run(None, until=lambda world: world.steps == 3, live=False)
    assert world.steps == 3
    assert stopped(world)[0]["condition"] == "<lambda>"


async def test_run_ends_after_its_steps_where_nothing_ends_it_before(model_server):
    world = world_at(model_server(play(Ann=turn(talk("Hello.")))), "Ann")
    await world.run(2, until=lambda world: False, live=False)
    assert (world.steps, stopped(world)) == (2, [])


async def test_run_ends_when_nobody_has_more_to_say(model_server):
    server = model_server(play(Ann=[turn(talk("Hello."))]))
    world = world_at(server, "Ann", "Bob")
    await world.run(None, until="done", live=False)
    assert (world.steps, len(turns_asked(server))) == (2, 4)


# From another thread


def wait_for(condition: Callable[[], object]) -> None:
    while not condition():
        time.sleep(0.002)


def test_run_is_paused_changed_played_and_stopped_from_another_thread(slow, tmp_path):
    world = world_at(slow, "Ann", record=tmp_path / "r.sqlite")
    thread = threading.Thread(target=lambda: sync(world.run(None, live=False, progress=False)))
    thread.start()
    wait_for(lambda: world.steps >= 1)
    world.pause()
    wait_for(lambda: world.waiting)
    steps = world.steps
    world.broadcast("Dinner is ready.")
    world.play()
    wait_for(lambda: world.steps > steps)
    world.stop()
    thread.join()
    assert "Dinner is ready." in turns_asked(slow)[steps]
    assert len(stopped(world)) == 1
    world.close()
    again = World.resume(tmp_path / "r.sqlite", llm=world.llm)
    assert (again.steps, again.events()[-1].type) == (world.steps, "STOPPED")


def test_run_in_another_thread_is_waited_for(slow):
    world = world_at(slow, "Ann")
    thread = threading.Thread(target=lambda: sync(world.run(None, live=False, progress=False)))
    thread.start()
    wait_for(lambda: world.steps >= 1)
    asyncio.run(world.stop().run(1, live=False, progress=False))
    thread.join()
    assert stopped(world)[0]["condition"] == "stop"
    assert world.events()[-1].step == world.steps
