"""`place`: all files or none, whatever stands in the way, before or meanwhile."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from workbench.errors import ExportExists, StorageError
from workbench.extraction.exporting.placing import place


def all_in(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(params=[True, False], ids=["links", "no links"])
def _links(request, monkeypatch):
    """A file system with hard links, and one without."""

    def refuse(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    if not request.param:
        monkeypatch.setattr(os, "link", refuse)


@pytest.fixture
def fails_at(monkeypatch):
    """Let the system fail to put one file in its place."""
    replace = Path.replace

    def fail(name):
        def replacing(self, target):
            if Path(target).name == name and self.read_text() == "new":
                raise OSError(errno.EIO, "Input/output error")
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", replacing)

    return fail


@pytest.mark.usefixtures("_links")
@pytest.mark.parametrize("overwrite", [True, False])
def test_files_are_written_and_nothing_else_is_left(tmp_path, overwrite):
    place({tmp_path / "a" / "t.md": b"1", tmp_path / "a" / "b" / "t.png": b"2"}, overwrite=overwrite)
    assert all_in(tmp_path) == {"a/t.md": "1", "a/b/t.png": "2"}


@pytest.mark.usefixtures("_links")
def test_files_that_are_there_give_way_when_told_and_leave_nothing_behind(tmp_path):
    (tmp_path / "t.md").write_text("old")
    place({tmp_path / "t.md": b"new", tmp_path / "t.png": b"new"}, overwrite=True)
    assert all_in(tmp_path) == {"t.md": "new", "t.png": "new"}


@pytest.mark.parametrize("overwrite", [True, False])
def test_folder_in_the_way_of_one_file_leaves_the_others_as_they_were(tmp_path, overwrite):
    (tmp_path / "t.csv").mkdir()
    (tmp_path / "t.md").write_text("old")
    with pytest.raises(StorageError, match=r"t\.csv: a folder is in the way.*take another name"):
        place({tmp_path / "t.md": b"new", tmp_path / "t.csv": b"new"}, overwrite=overwrite)
    assert all_in(tmp_path) == {"t.md": "old"}


def test_what_was_replaced_is_put_back_when_another_file_fails(tmp_path, fails_at):
    (tmp_path / "a.md").write_text("old")
    (tmp_path / "b.md").write_text("old")
    fails_at("b.md")
    files = [tmp_path / name for name in ("a.md", "new.md", "made/c.md", "b.md")]
    with pytest.raises(StorageError, match=r"b\.md"):
        place(dict.fromkeys(files, b"new"), overwrite=True)
    assert all_in(tmp_path) == {"a.md": "old", "b.md": "old"}
    assert not (tmp_path / "made").exists()


@pytest.mark.usefixtures("_links")
def test_file_that_came_meanwhile_is_not_overwritten_and_none_is_written(tmp_path):
    files = {tmp_path / "a.md": b"1", tmp_path / "b.md": b"2", tmp_path / "none" / ".." / "b.md": b"3"}
    with pytest.raises(ExportExists, match=r"b\.md.*Nothing was written"):
        place(files, overwrite=False)
    assert all_in(tmp_path) == {}


def test_file_where_a_folder_is_needed_is_named(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(StorageError, match=r"out.*cannot be used"):
        place({tmp_path / "out" / "t.md": b""}, overwrite=True)
    assert all_in(tmp_path) == {"out": "mine"}


def test_written_files_have_the_permissions_of_new_ones(tmp_path):
    (tmp_path / "usual").touch()
    place({tmp_path / "t.md": b""}, overwrite=False)
    assert (tmp_path / "t.md").stat().st_mode == (tmp_path / "usual").stat().st_mode
