"""A file that is damaged, of another kind or of a later version gets a clear error and is left as it is."""

from __future__ import annotations

import random
import sqlite3

import pytest

from tests.cast import llm_at, world_at
from tests.record.test_run_file import run_at
from workbench.errors import DamagedFile, NewerFile, StorageError
from workbench.record.layout import VERSION
from workbench.record.run_file import RunFile
from workbench.worlds.world import World


def read_all(path) -> None:
    file = RunFile.open(path)
    try:
        assert file.spec is not None
        assert file.people is not None
        assert file.steps == len({event.step for event, _ in file.perceived()} - {0})
        assert file.last_step
        file.to_frame()
    finally:
        file.close()


def change(path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def other_database(path) -> None:
    change(path, "CREATE TABLE events (id INTEGER)")


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda path: path.write_bytes(b""), "not a run file"),
        (lambda path: path.write_text("Dear diary, " * 1000), "damaged|not a run file"),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000), "damaged|not a run file"),
        (other_database, "not a run file"),
    ],
    ids=["empty", "text", "header", "other"],
)
@pytest.mark.parametrize("if_exists", ["fail", "replace"])
def test_file_that_is_no_run_is_never_touched(tmp_path, make, complaint, if_exists):
    path = tmp_path / "run.sqlite"
    make(path)
    before = path.read_bytes()
    for attempt in (read_all, World.resume, lambda path: run_at(path, if_exists=if_exists)):
        with pytest.raises(DamagedFile, match=rf"run\.sqlite.*({complaint}).*left as it (is|was)"):
            attempt(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["run.sqlite"]


def test_folder_is_no_run(tmp_path):
    with pytest.raises(StorageError, match="run file cannot be used"):
        RunFile.open(tmp_path)


@pytest.mark.parametrize("if_exists", ["fail", "replace"])
def test_run_of_a_later_version_is_never_touched(tmp_path, if_exists):
    path = run_at(tmp_path / "run.sqlite", steps=2).path
    change(path, f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()
    for attempt in (read_all, World.resume, lambda path: run_at(path, if_exists=if_exists)):
        with pytest.raises(
            NewerFile, match=rf"run\.sqlite was written by a later version.*version {VERSION + 1}.*install"
        ):
            attempt(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.9, 0.99])
def test_run_that_was_cut_off_is_damaged(tmp_path, share):
    path = run_at(tmp_path / "run.sqlite", steps=200).path
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    before = path.read_bytes()
    with pytest.raises(DamagedFile, match=r"run\.sqlite"):
        read_all(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE meta SET value = '{' WHERE key = 'seed'",
        "UPDATE people SET state = 'x' WHERE number = 1",
        "UPDATE steps SET time = 'yesterday'",
        "UPDATE steps SET meter = ''",
        "UPDATE events SET time = 'yesterday'",
        "UPDATE events SET heard_by = 'x'",
        "UPDATE events SET heard_by = '99'",
        "UPDATE events SET heard_by = '0'",
        "UPDATE events SET kind = 'rumour'",
        "DROP TABLE steps",
        "DROP TABLE people",
        "DROP TABLE meta",
        "ALTER TABLE events DROP COLUMN call",
    ],
)
def test_content_that_cannot_be_read_is_damage(tmp_path, statement):
    path = run_at(tmp_path / "run.sqlite", steps=2).path
    change(path, statement)
    before = path.read_bytes()
    with pytest.raises(DamagedFile, match=r"run\.sqlite"):
        read_all(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        *(
            f"DELETE FROM meta WHERE key = '{key}'"
            for key in ("name", "seed", "reach", "step_length", "model", "provider")
        ),
        "UPDATE meta SET value = '7' WHERE key IN ('start', 'step_length', 'reach')",
        "UPDATE people SET state = '{}' WHERE number = 1",
        'UPDATE people SET state = \'{"persona": {"name": "Zoe"}}\' WHERE number = 1',
        "UPDATE events SET content = 'x' WHERE kind = 'mind'",
        "UPDATE events SET content = '[1]' WHERE kind = 'mind'",
    ],
)
async def test_world_that_cannot_be_made_again_is_damage(tmp_path, server, statement):
    world = world_at(server, record=tmp_path / "run.sqlite")
    await world.run(1, live=False)
    world.file.close()
    change(world.record, statement)
    before = world.record.read_bytes()
    with pytest.raises(DamagedFile, match=r"run\.sqlite"):
        World.resume(world.record)
    assert world.record.read_bytes() == before


@pytest.mark.parametrize("n_bytes", [1, 5, 50])
async def test_bytes_that_are_wrong_never_end_in_another_error(tmp_path, server, n_bytes):
    world = world_at(server, "Ann", "Bob", record=tmp_path / "run.sqlite").broadcast("Hello")
    await world.run(2, live=False)
    world.file.close()
    whole, rng, llm = world.record.read_bytes(), random.Random(n_bytes), llm_at(server)
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(n_bytes):
            data[rng.randrange(100, len(data))] = rng.randrange(256)
        world.record.write_bytes(data)
        try:
            resumed = World.resume(world.record, llm=llm)
            resumed.transcript()
        except StorageError:
            assert world.record.read_bytes() == data
        else:
            resumed.file.close()
