from __future__ import annotations

import builtins
import copy
import inspect
import pickle
import re
import sqlite3
from pathlib import Path

import pytest

from workbench import errors
from workbench.errors import DamagedFile, StorageError, WorkbenchError, storage_errors

FAMILY = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, WorkbenchError)]


@pytest.mark.parametrize("family", FAMILY, ids=lambda family: family.__name__)
def test_error_keeps_its_facts_on_the_way_to_another_process(family):
    error = family("what, where, what to do", path=Path("a/b"), purpose="turn", status=404)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(again), str(again), vars(again)) == (family, "what, where, what to do", vars(error))
        assert again.path == Path("a/b")


def test_tree_in_the_docstring_is_the_family():
    drawn = dict(re.findall(r"^[│ ├└─]+ ?(\w+)(?: \((\w+)\))?", errors.__doc__, re.MULTILINE))
    assert {*drawn} == {one.__name__ for one in FAMILY} - {"WorkbenchError"}
    for name, builtin in drawn.items():
        assert not builtin or issubclass(getattr(errors, name), getattr(builtins, builtin))


@pytest.mark.parametrize("family", FAMILY, ids=lambda family: family.__name__)
def test_error_can_be_caught_as_one_family(family):
    with pytest.raises(WorkbenchError, match=r"^why$"):
        raise family("why")


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (OSError(28, "No space left on device"), StorageError, "No space left on device. Free some space"),
        (PermissionError(13, "Permission denied"), StorageError, "cannot be used: Permission denied$"),
        (sqlite3.OperationalError("database or disk is full"), StorageError, "is full. Free some space"),
        (sqlite3.OperationalError("disk I/O error"), StorageError, "Free some space"),
        (sqlite3.DatabaseError("file is not a database"), DamagedFile, "damaged.*left as it is"),
    ],
)
def test_what_the_system_says_of_a_file_names_it(error, kind, words):
    with pytest.raises(kind, match=words) as caught, storage_errors(Path("runs/a"), "the run file"):
        raise error
    assert type(caught.value) is kind
    assert str(caught.value).startswith("runs/a: the run file")
    assert (caught.value.path, caught.value.__cause__) == (Path("runs/a"), error)


def test_error_of_ours_goes_through_unchanged():
    with pytest.raises(errors.CacheMiss, match=r"^mine$"), storage_errors(Path("a"), "it"):
        raise errors.CacheMiss("mine")
