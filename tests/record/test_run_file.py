"""A run file holds a run whole: what goes in comes out, and a step is there or is not."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.record.test_events import EVENTS
from workbench.errors import InvalidSettings, RunExists, StorageError, UnknownName
from workbench.record.events import START, Event
from workbench.record.run_file import RunFile

SPEC = {"name": "Kitchen", "seed": 7, "reach": [["Ann", "Bob", "siblings"]], "description": "Żółć 厨房 \0 “x”"}
PEOPLE = {"Ann": {"persona": {"name": "Ann"}}, "Bob, the cook": {"persona": {"name": "Bob, the cook"}}, "李": {}}
COLUMNS = ["id", "step", "time", "kind", "type", "source", "target", "content", "call"]


def event(number: int, step: int = 1, content: str = "Hello") -> Event:
    return Event(number, step, START, "action", "TALK", "Ann", "", content, "call")


def run_at(path, *, steps: int = 0, **options) -> RunFile:
    file = RunFile.create(path, SPEC, PEOPLE, **options)
    for step in range(1, steps + 1):
        file.append([(event(step, step), ["Ann"])], step=(step, START + timedelta(minutes=step), [["turn", step]]))
    return file


@pytest.mark.parametrize("name", ["run.sqlite", "deep/er/run with spaces.sqlite", "ñ 走.sqlite", None])
def test_what_a_run_is_made_of_comes_back(tmp_path, name):
    path = tmp_path / name if name else None
    file = run_at(path)
    if path:
        file.close()
        file = RunFile.open(path)
    assert (file.spec, file.people) == (SPEC, PEOPLE)
    assert list(file.people) == list(PEOPLE)
    assert (file.steps, file.last_step, file.last_id, file.n_events) == (0, None, 0, 0)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(EVENTS, max_size=5, unique_by=lambda event: event.id).map(lambda found: sorted(found, key=lambda e: e.id))
)
def test_events_come_back_as_they_were(events):
    file = run_at(None)
    file.append([(one, ()) for one in events])
    assert list(file.events()) == events


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=6, unique=True),
    st.data(),
)
def test_who_perceived_an_event_comes_back(names, data):
    file = RunFile.create(None, {}, {name: {} for name in names})
    heard = [data.draw(st.lists(st.sampled_from(names), unique=True)) for _ in range(4)]
    file.append([(event(number), by) for number, by in enumerate(heard, start=1)])
    assert [set(by) for _, by in file.perceived()] == [set(by) for by in heard]
    assert all(len(by) == len(set(by)) for _, by in file.perceived())


def test_steps_are_counted_and_the_last_is_known(tmp_path):
    file = run_at(tmp_path / "run.sqlite", steps=3)
    assert (file.steps, file.last_id, file.n_events) == (3, 3, 3)
    assert file.last_step == (3, START + timedelta(minutes=3), [["turn", 3]])
    assert repr(file) == f"RunFile('{tmp_path / 'run.sqlite'}', steps=3)"


def test_events_of_some_steps_can_be_read(tmp_path):
    file = run_at(tmp_path / "run.sqlite", steps=5)
    assert [one.step for one in file.events(range(2, 4))] == [2, 3]


@pytest.mark.parametrize("steps", [0, 2])
def test_frame_has_the_columns_of_events(tmp_path, steps):
    frame = run_at(tmp_path / "run.sqlite", steps=steps).to_frame()
    assert (list(frame.columns), len(frame)) == (COLUMNS, steps)
    assert frame["time"].dtype.kind == "M"
    assert frame["id"].tolist() == list(range(1, steps + 1))


# Whole or not at all


def test_step_that_cannot_be_written_leaves_nothing(tmp_path):
    file = run_at(tmp_path / "run.sqlite", steps=1)
    before = file.path.read_bytes()
    with pytest.raises(StorageError):
        file.append([(event(2, 2), ["Ann"]), (event(1, 2), ["Ann"])], step=(2, START, []))
    assert (file.steps, file.n_events) == (1, 1)
    assert file.path.read_bytes() == before


def test_step_that_another_process_has_written_is_an_error(tmp_path):
    one = run_at(tmp_path / "run.sqlite", steps=1)
    other = RunFile.open(one.path)
    other.append([(event(2, 2, "theirs"), ["Ann"])], step=(2, START, []))
    with pytest.raises(StorageError, match=r"run\.sqlite: another process has gone on with this run.*Resume it again"):
        one.append([(event(2, 2, "mine"), ["Ann"])], step=(2, START, []))
    assert [found.content for found in one.events()] == ["Hello", "theirs"]


def test_step_without_events_is_not_written_twice_either(tmp_path):
    one = run_at(tmp_path / "run.sqlite", steps=1)
    RunFile.open(one.path).append([], step=(2, START, []))
    with pytest.raises(StorageError, match="another process"):
        one.append([], step=(2, START, []))


def test_file_that_was_closed_is_an_error_not_damage(tmp_path):
    file = run_at(tmp_path / "run.sqlite", steps=1)
    file.close()
    with pytest.raises(StorageError, match="closed"):
        file.append([(event(2), ())])


# Creating


def test_run_that_is_there_is_kept(tmp_path):
    path = run_at(tmp_path / "run.sqlite", steps=2).path
    before = path.read_bytes()
    with pytest.raises(RunExists, match=r"World\.resume.*if_exists='replace'") as caught:
        run_at(path)
    assert caught.value.path == path
    assert path.read_bytes() == before


def test_run_that_is_there_is_replaced_when_asked(tmp_path):
    run_at(tmp_path / "run.sqlite", steps=2)
    assert run_at(tmp_path / "run.sqlite", if_exists="replace").steps == 0
    assert [file.name for file in tmp_path.iterdir()] == ["run.sqlite"]


@pytest.mark.parametrize("there", [True, False])
def test_unknown_wish_is_an_error_and_replaces_nothing(tmp_path, there):
    path = tmp_path / "run.sqlite"
    if there:
        run_at(path, steps=2).close()
    with pytest.raises(InvalidSettings, match="if_exists='overwrite': it is 'fail' or 'replace'"):
        run_at(path, if_exists="overwrite")
    assert path.exists() == there
    assert not there or RunFile.open(path).steps == 2


def test_first_events_are_there_from_the_start(tmp_path):
    file = run_at(tmp_path / "run.sqlite", events=[(event(1, 0), ["Ann"])])
    assert [(found.id, by) for found, by in file.perceived()] == [(1, ["Ann"])]


def test_one_of_many_who_create_a_run_at_once_has_it(tmp_path):
    path, ended = tmp_path / "run.sqlite", []
    ready = threading.Barrier(8)

    def create(number: int) -> None:
        ready.wait()
        try:
            RunFile.create(path, {"number": number}, PEOPLE)
            ended.append(number)
        except RunExists:
            ended.append(None)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [number for number in ended if number is not None]
    assert len(ended) == 8
    assert RunFile.open(path).spec == {"number": winner}
    assert [file.name for file in tmp_path.iterdir()] == ["run.sqlite"]


def test_journal_of_a_run_that_was_deleted_does_no_harm(tmp_path):
    path = tmp_path / "run.sqlite"
    run_at(path, steps=2).close()
    old = RunFile.open(path)
    old._connection.execute("PRAGMA cache_size = 5")  # so that the rollback journal reaches the disk
    old._connection.execute("BEGIN IMMEDIATE")
    for number in range(3, 200):
        old._connection.execute("INSERT INTO steps (step, time, meter) VALUES (?, ?, ?)", (number, "x" * 3000, "[]"))
    left = path.with_name("run.sqlite-journal").read_bytes()
    old._connection.execute("ROLLBACK")
    old.close()
    path.unlink()
    path.with_name("run.sqlite-journal").write_bytes(left)
    new = run_at(path, steps=3)
    new.close()
    assert RunFile.open(path).steps == 3


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(StorageError, match=r"folder/run\.sqlite"):
        run_at(tmp_path / "folder" / "run.sqlite")


def test_run_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UnknownName, match=rf"no run file at {tmp_path}/run\.sqlite"):
        RunFile.open(tmp_path / "run.sqlite")


def test_run_in_memory_is_in_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = run_at(None, steps=2)
    assert (str(file.path), file.steps) == (":memory:", 2)
    assert not list(tmp_path.iterdir())
