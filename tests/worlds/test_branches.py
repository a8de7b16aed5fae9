"""Branches share a past, for nothing; `diff` finds where runs part; a replay is the run, or says where it is not."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from tests.cast import asked_for, happened, keep_all, llm_at, person, play, talk, texts, turn, turns_asked, world_at
from tests.model_server import Fault, ModelServer, obedient
from workbench.agents.checks import Checks
from workbench.agents.memory.settings import MemorySettings
from workbench.agents.tools.calendar import Calendar
from workbench.errors import InvalidSettings, RunExists, UnknownName
from workbench.worlds.differences import diff
from workbench.worlds.interventions import Intervention, Stimulus
from workbench.worlds.world import World

QUIET = {"live": False, "progress": False}


def cached(server, tmp_path, **options):
    return llm_at(server, cache=tmp_path / "calls", **options)


async def run_of(server, tmp_path, steps=20, **options) -> World:
    options = {"record": tmp_path / "run.sqlite", "llm": cached(server, tmp_path), "seed": 7} | options
    world = world_at(server, **options).broadcast("Would you buy gazpacho?", "Moderator")
    return await world.run(steps, **QUIET)


def told(world: World) -> list[tuple]:
    return happened(world)


# Forks


@pytest.mark.parametrize("schedule", ["simultaneous", "sequential", "shuffled", "floor"])
async def test_branch_in_which_nothing_is_changed_becomes_the_run_and_asks_nothing(server, tmp_path, schedule):
    run = await run_of(server, tmp_path, 6, schedule=schedule)
    asked = server.n_requests
    branch = World.fork(run.record, step=2, record=tmp_path / "b.sqlite", llm=cached(server, tmp_path))
    await branch.run(4, **QUIET)
    assert told(branch) == told(run)
    assert server.n_requests == asked
    assert diff(run, branch).equal


async def test_one_other_sentence_asks_only_for_what_follows_it(server, tmp_path):
    run = await run_of(server, tmp_path, 20)
    server.reset()
    branch = World.fork(run.record, step=12, record=tmp_path / "b.sqlite", llm=cached(server, tmp_path))
    branch.broadcast("It costs ten euros now.", "Moderator")
    await branch.run(8, **QUIET)
    assert server.n_requests == 8 * 3
    assert all("It costs ten euros now." in asked for asked in turns_asked(server))
    found = diff(run.record, branch.record)
    assert found.first[1].content == "It costs ten euros now."
    assert found.first[1].id == found.n_equal + 1 == run.file.ends[12] + 1


async def test_branch_says_where_it_comes_from(server, tmp_path):
    run = await run_of(server, tmp_path, 3)
    branch = World.fork(run.record, step=1, record=tmp_path / "b.sqlite")
    again = World.fork(branch.record, step=1, record=tmp_path / "c.sqlite")
    first, second = again.file.spec["lineage"]
    assert (first["path"], first["step"], first["run"]) == (str(run.record), 1, run.file.spec["run"])
    assert (second["path"], second["run"]) == (str(branch.record), branch.file.spec["run"])
    assert len({one.file.spec["run"] for one in (run, branch, again)}) == 3


async def test_what_was_said_after_the_step_is_not_shared(server, tmp_path):
    run = await run_of(server, tmp_path, 1)
    run.broadcast("One more thing.", "Moderator").person("Ann").define("age", 50)
    await run.run(1, **QUIET)
    branch = World.fork(run, step=1)
    assert branch.person("Ann").persona.age == 28
    assert not [event for event in branch.events() if event.content == "One more thing."]


@pytest.mark.parametrize("step", [0, None])
async def test_fork_of_the_beginning_and_of_the_end(server, tmp_path, step):
    run = await run_of(server, tmp_path, 2)
    branch = World.fork(run.record, step)
    assert branch.steps == (0 if step == 0 else 2)
    assert len(branch.events()) == (0 if step == 0 else len(run.events()))


async def test_branch_has_paid_nothing_yet_and_has_a_status_of_its_own(server, tmp_path):
    run = await run_of(server, tmp_path, 3)
    branch = World.fork(run.record, step=2)
    assert run.llm.meter.total.calls == 9
    assert branch.llm.meter.total.calls == 0
    assert branch.status == "complete"


async def test_other_seed_draws_other_answers_after_the_step(server, tmp_path):
    run = await run_of(server, tmp_path, 3)
    branch = World.fork(run.record, step=2, seed=8, llm=cached(server, tmp_path))
    await branch.run(1, **QUIET)
    found = diff(run, branch)
    assert found.n_equal == run.file.ends[2]
    assert branch.file.spec["seed"] == 8


async def test_sentence_of_the_past_can_be_another(server, tmp_path):
    run = await run_of(server, tmp_path, 3)
    said = next(event for event in run.events() if event.type == "TALK" and event.step == 2)
    branch = World.fork(run.record, step=2, edit={said.id: "I have changed my mind."}, llm=cached(server, tmp_path))
    server.reset()
    await branch.run(1, **QUIET)
    assert all("I have changed my mind." in asked for asked in turns_asked(server))
    assert not any(said.content in asked for asked in turns_asked(server))
    assert (branch.events()[said.id - 1].content, branch.events()[said.id - 1].call) == (
        "I have changed my mind.",
        None,
    )
    assert branch.file.spec["lineage"][-1]["edited"] == {str(said.id): said.content}
    assert diff(run, branch).first[0].id == said.id


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        ({999: "x"}, "there is no event 999"),
        ({1: ""}, "event 1: other words are needed"),
        ({3: "{}"}, "event 3 is a MIND"),
    ],
)
async def test_edit_that_cannot_be_says_why_and_leaves_no_file(model_server, tmp_path, edit, complaint):
    server = model_server(play(Ann=turn(talk("Hi"))))
    run = await run_of(server, tmp_path, 1)
    with pytest.raises(InvalidSettings, match=complaint):
        World.fork(run.record, record=tmp_path / "b.sqlite", edit=edit)
    assert not (tmp_path / "b.sqlite").exists()


async def test_branch_never_takes_the_place_of_a_run(server, tmp_path):
    run = await run_of(server, tmp_path, 1)
    with pytest.raises(RunExists):
        World.fork(run.record, record=run.record)
    with pytest.raises(UnknownName, match="there is no step 7"):
        World.fork(run.record, step=7)


async def test_branch_keeps_the_pictures_and_ledgers_of_its_past_alone(server, tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "one.png")
    Image.new("RGB", (4, 4), "red").save(tmp_path / "two.png")
    run = await run_of(server, tmp_path, 1)
    run.person("Ann").see(tmp_path / "one.png", "an ad")
    await run.run(1, **QUIET)
    run.person("Ann").see(tmp_path / "two.png", "another ad")
    await run.run(1, **QUIET)
    branch = World.fork(run.record, step=2)
    kept = branch.file._rows("SELECT count(*) FROM blobs")[0][0]
    assert kept == 1
    assert branch.person("Ann").pictures() == run.person("Ann").twin().pictures()[:1]


async def test_branch_of_a_branch_with_tools_and_interventions_goes_on(server, tmp_path):
    nudge = Intervention("nudge", Stimulus("THOUGHT", "Hm."), every=2)
    run = await run_of(server, tmp_path, 4, tools=[Calendar()], interventions=[nudge])
    with pytest.raises(InvalidSettings, match="actions that are not given"):
        World.fork(run.record, step=2)
    branch = World.fork(run.record, step=2, tools=[Calendar()], interventions=[nudge], llm=cached(server, tmp_path))
    await branch.run(2, **QUIET)
    assert told(branch) == told(run)


# Differences


async def test_diff_has_figures_of_people_and_of_the_whole(model_server, tmp_path):
    first = await run_of(model_server(play(Ann=turn(talk("One two three")))), tmp_path, 2, record=None)
    other = await run_of(model_server(play(Ann=turn(talk("One two")), Bob=turn(talk("Hi")))), tmp_path, 2, record=None)
    found = diff(first, other)
    people, metrics = found.people.set_index("person"), found.metrics.set_index("metric")
    assert people.loc["Ann", ["talks_a", "talks_b", "words_a", "words_b", "distinct_words_a"]].tolist() == [
        2,
        2,
        6,
        4,
        3,
    ]
    assert people.loc["Bob", ["talks_a", "talks_b"]].tolist() == [0, 2]
    assert metrics.loc["words"].tolist() == [6, 6, 0]
    assert metrics.loc["talks"].tolist() == [2, 4, 2]
    assert found.first[0].content == "One two three"
    assert "One two three" in str(found)
    assert "One two three" in found._repr_html_()


async def test_diff_of_a_run_that_is_shorter_ends_where_it_ends(server, tmp_path):
    run = await run_of(server, tmp_path, 2)
    branch = World.fork(run.record, step=1)
    found = diff(branch, run)
    assert found.first[0] is None
    assert found.first[1].id == run.file.ends[1] + 1
    assert "has ended" in str(found)


def test_diff_of_nothing_is_an_error(tmp_path):
    with pytest.raises(UnknownName, match="no run file"):
        diff(tmp_path / "a.sqlite", tmp_path / "b.sqlite")


# Replays


def furnished() -> dict:
    """What is code, and is given again."""
    dull = Stimulus("THOUGHT", "How dull.")
    bored = Intervention("bored", dull, claim="{{name}} is bored", for_each=["Bob"], every=2)
    return {"tools": [Calendar()], "interventions": [bored]}


async def busy_run(server, tmp_path, **options) -> World:
    """A run with something of everything that a researcher does."""
    run = await run_of(server, tmp_path, 2, **(furnished() | {"checks": Checks(attempts=2)} | options))
    run.broadcast("And for five euros?", "Moderator").occupy("Cem", minutes=2).skip(days=3)
    run.person("Ann").define("age", 30).change_mind(emotions="glad")
    run.seat("Bob", lambda cue: "I am human.")
    await run.run(1, **QUIET)
    run.leave_seat("Bob")
    return await run.run(2, **QUIET)


async def test_replay_is_the_run_and_asks_nobody(server, tmp_path):
    run = await busy_run(server, tmp_path)
    asked = server.n_requests
    replay = await World.replay(run.record, **furnished())
    assert replay.equal, str(replay)
    assert (replay.steps, replay.n_events) == (5, run.file.n_events)
    assert server.n_requests == asked
    assert "equal" in repr(replay)


async def test_replay_from_a_recording_needs_no_server(tmp_path):
    with ModelServer() as server:
        llm = cached(server, tmp_path)
        run = await busy_run(server, tmp_path, llm=llm)
        llm.export(tmp_path / "study.jsonl")
    replay = await World.replay(run.record, cache=tmp_path / "study.jsonl", **furnished())
    assert replay.equal, str(replay)


async def test_replay_stops_at_the_first_difference_and_shows_the_two_prompts(server, tmp_path):
    run = await run_of(server, tmp_path, 3)
    spoken = next(event for event in run.events() if event.type == "TALK" and event.step == 2)
    run.file._connection.execute("UPDATE events SET content = 'Something else.' WHERE id = ?", (spoken.id,))
    replay = await World.replay(run.record)
    assert (replay.steps, replay.difference.step) == (1, 2)
    assert replay.difference.recorded.content == "Something else."
    assert replay.difference.replayed.content == spoken.content
    assert spoken.content in str(replay)


async def test_replay_of_a_changed_persona_shows_how_the_prompt_differs(server, tmp_path):
    run = await run_of(server, tmp_path, 2)
    state = run.file.people["Bob"]
    state["persona"]["age"] = 77
    run.file._connection.execute("UPDATE people SET state = ? WHERE name = 'Bob'", (json.dumps(state),))
    replay = await World.replay(run)
    assert (replay.difference.step, replay.difference.person) == (1, "Bob")
    changed = [line for line in replay.difference.prompts.splitlines() if line[:1] in "+-" and "77" in line]
    assert changed
    assert "77" in replay._repr_html_()


async def test_replay_without_a_recording_says_what_is_missing(server, tmp_path):
    run = await run_of(server, tmp_path, 1, llm=llm_at(server))
    with pytest.raises(UnknownName, match="give cache="):
        await World.replay(run.record)


async def test_replay_of_a_run_with_memories_is_equal(model_server, tmp_path):
    def reply(body):
        return keep_all()(body) if asked_for(body) == "memories" else obedient(body)

    server = model_server(reply)
    people = [person(name) for name in ("Ann", "Bob")]
    for one in people:
        one.memory.settings = MemorySettings(window=10, episode=10)
    world = World("Kitchen", people, seed=3, record=tmp_path / "run.sqlite", llm=cached(server, tmp_path))
    await world.run(8, **QUIET)
    assert [event for event in world.events() if event.type == "MEMORY"]
    replay = await World.replay(world.record)
    assert replay.equal, str(replay)


async def test_absent_people_are_absent_in_the_replay(model_server, tmp_path):
    def reply(body):
        return Fault(400) if "You are Bob." in texts(body)[1] else obedient(body)

    server = model_server(reply)
    run = await run_of(server, tmp_path, 2, on_error="absent")
    assert run.status == "partial"
    replay = await World.replay(run.record)
    assert replay.equal, str(replay)


async def test_replay_of_steps_of_any_length_is_equal(server, tmp_path):
    run = await run_of(server, tmp_path, 0)
    await run.run_days(2, **QUIET)
    await run.run_months(1, **QUIET)
    await run.run(1, **QUIET)
    replay = await World.replay(run.record)
    assert replay.equal, str(replay)


@pytest.mark.parametrize("change", [{"seed": 8}, {"edit": {2: "I have changed my mind."}}, {"model": "scripted-2"}])
async def test_branch_is_replayed_from_where_it_began(server, tmp_path, change):
    run = await run_of(server, tmp_path, 2)
    llm = cached(server, tmp_path, model=change.pop("model", "scripted"))
    branch = World.fork(run.record, step=1, record=tmp_path / "b.sqlite", llm=llm, **change)
    await branch.run(2, **QUIET)
    replay = await World.replay(branch.record)
    assert replay.equal, str(replay)
    assert (replay.steps, replay.n_events) == (2, branch.file.n_events)


async def test_branch_with_another_model_says_so_and_goes_on_with_it(server, tmp_path):
    run = await run_of(server, tmp_path, 1)
    branch = World.fork(run.record, record=tmp_path / "b.sqlite", llm=cached(server, tmp_path, model="scripted-2"))
    await branch.run(1, **QUIET)
    assert not [event for event in branch.events() if event.type == "CHANGED"]
    assert World.resume(branch.record).llm.model == "scripted-2"


@pytest.mark.parametrize("run", [42, None])
def test_diff_of_what_is_no_run_says_so(run):
    with pytest.raises(InvalidSettings, match="is no run"):
        diff(run, run)
