"""What can be measured: worlds, run files, transcripts and events give the same figures; all else is an error."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.cast import play, talk, think, turn, world_at
from tests.evaluation.metrics.runs import events_of, measured, said
from workbench.errors import InvalidSettings, UnknownName
from workbench.evaluation.metrics.measuring import measure
from workbench.evaluation.metrics.sources import read_run
from workbench.record.run_file import RunFile


async def lived(model_server, tmp_path, **options):
    server = model_server(
        play(Ann=turn(talk("I would buy it."), think("Too dear.")), Bob=turn(talk("Why, Ann?", "Ann")))
    )
    world = world_at(server, "Ann", "Bob", "Cem", record=tmp_path / "run.sqlite", **options)
    world.broadcast("Would you buy it?")
    await world.run(3)
    return world


async def test_every_source_gives_the_same_figures(model_server, tmp_path):
    world = await lived(model_server, tmp_path)
    world.transcript().to_csv(tmp_path / "run.csv", index=False)
    people = ["Ann", "Bob", "Cem"]
    sources = [world.file, world.record, str(world.record), world.transcript(), world.events(), iter(world.events())]
    first = await measure(world, meaning=False)
    for source in [*sources, pd.read_csv(tmp_path / "run.csv"), world.transcript().sample(frac=1, random_state=1)]:
        run = await measure(source, meaning=False, people=people)
        for one, other in ((run.table, first.table), (run.by_step, first.by_step), (run.turns, first.turns)):
            pd.testing.assert_frame_equal(one, other)
    assert first.value("turns", "Cem") == 0
    assert first.value("answer_steps_mean", "Ann") == pytest.approx(1, abs=1e-9)


async def test_run_file_is_closed_only_where_it_was_opened(model_server, tmp_path):
    world = await lived(model_server, tmp_path)
    await measure(world.record, meaning=False)
    await measure(world.file, meaning=False)
    assert world.file.n_events


@pytest.mark.parametrize(("schedule", "at_once"), [("simultaneous", True), ("sequential", False), ("floor", False)])
async def test_run_says_who_could_hear_whom(model_server, tmp_path, schedule, at_once):
    world = await lived(model_server, tmp_path, schedule=schedule)
    assert read_run(world).simultaneous is at_once
    assert read_run(world, simultaneous=not at_once).simultaneous is not at_once


async def test_order_of_people_and_events_changes_no_figure():
    steps = [said(1, Ann="I would buy it.", Bob="Not me, never."), said(2, Bob="It is too dear.", Ann="Why not?")]
    one = await measured(*steps, people=["Ann", "Bob"])
    other = await measured(*steps, people=["Bob", "Ann"])
    both = [run.table.sort_values(["metric", "person"]).reset_index(drop=True) for run in (one, other)]
    pd.testing.assert_frame_equal(*both)
    pd.testing.assert_frame_equal((await measure(events_of(*steps)[::-1], meaning=False)).table, one.table)


async def test_chosen_people_alone_are_measured():
    run = await measured(said(1, Ann="a b", Moderator="c d"), people=["Ann"])
    assert run.value("turns") == 1
    assert set(run.table["person"]) == {"", "Ann"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns=["step", "target"]), "lacks step, target"),
        (lambda table: pd.concat([table, table]), "two events have the same id"),
        (lambda table: table.assign(time="noon"), "has an id, step or time that is none"),
        (lambda table: table.assign(time=None), "events without a time"),
        (lambda table: table.assign(step=None), "has an id, step or time that is none"),
    ],
)
async def test_transcript_that_is_none(change, message):
    table = pd.DataFrame([event.to_dict() for event in events_of(said(1, Ann="a", Bob="b"))])
    with pytest.raises(InvalidSettings, match=message):
        await measure(change(table), meaning=False)


@pytest.mark.parametrize("source", [None, 7, [1, 2], [{"id": 1}]])
async def test_source_that_is_none(source):
    with pytest.raises(InvalidSettings, match="give a world, a run file or its path, a transcript or events"):
        await measure(source, meaning=False)


async def test_file_that_is_not_there(tmp_path):
    with pytest.raises(UnknownName, match="there is no run file"):
        await measure(tmp_path / "none.sqlite", meaning=False)


@pytest.mark.parametrize("people", ["Ann", [], [""], [3]])
async def test_people_are_names(people):
    with pytest.raises(InvalidSettings, match="it is a list of names, one or more"):
        await measured(said(1, Ann="a"), people=people)


async def test_stranger_in_a_run_file(model_server, tmp_path):
    world = await lived(model_server, tmp_path)
    with RunFileOf(world) as file, pytest.raises(InvalidSettings, match="nobody in this run is called that"):
        await measure(file, meaning=False, people=["Ann", "Zoe"])


class RunFileOf:
    """The run file of a world, opened a second time."""

    def __init__(self, world) -> None:
        self.file = RunFile.open(world.record)

    def __enter__(self) -> RunFile:
        return self.file

    def __exit__(self, *error: object) -> None:
        self.file.close()
