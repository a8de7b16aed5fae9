from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.llm.doubles import answer, request, run_python
from workbench.errors import DamagedFile, NewerFile, StorageError
from workbench.llm import cache as cache_module
from workbench.llm.cache import CallCache


def filled(folder: Path, n: int = 200) -> CallCache:
    cache = CallCache.open(folder)
    for number in range(n):
        cache.keep(request(f"Question {number}"), answer(f"Answer {number} " + os.urandom(100).hex()))
    return cache


def close(cache: CallCache) -> None:
    """Write all into the one file, as the last process that leaves does."""
    cache._store.close()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder; less the index of the write-ahead log, which SQLite makes and drops as it reads."""
    files = (file for file in folder.rglob("*") if file.is_file() and not file.name.endswith("-shm"))
    return {str(file.relative_to(folder)): file.read_bytes() for file in files if file.stat().st_size}


def fill_up(cache: CallCache, kept: list[str]) -> None:
    """Keep more than a small disk holds; the keys of what was kept."""
    for number in range(100):
        cache.keep(request(str(number)), answer(os.urandom(20_000).hex()))
        kept.append(request(str(number)).key)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("no small disk: mounting a tmpfs needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


# Damage


@pytest.mark.parametrize(
    "garbage",
    [b"garbage" * 1000, b"SQLite format 3\x00" + b"\xff" * 5000, b"<html>", b"\x00" * 8192],
    ids=["text", "header only", "short", "zeros"],
)
def test_file_that_is_no_cache_is_left_as_it_is(tmp_path, garbage):
    (tmp_path / "cache.db").write_bytes(garbage)
    with pytest.raises(DamagedFile, match=r"the call cache is damaged.*left as it is") as caught:
        CallCache.open(tmp_path)
    assert caught.value.path == tmp_path
    assert contents(tmp_path) == {"cache.db": garbage}


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_cache_that_was_cut_off_is_left_as_it_is(tmp_path, share):
    close(filled(tmp_path))
    database = tmp_path / "cache.db"
    os.truncate(database, int(database.stat().st_size * share))
    before = contents(tmp_path)
    with pytest.raises(DamagedFile, match="damaged"):
        CallCache.open(tmp_path).get(request("Question 7").key)
    assert contents(tmp_path) == before


def test_damage_in_the_middle_is_never_a_wrong_answer(tmp_path):
    cache = filled(tmp_path)
    right = {number: cache.get(request(f"Question {number}").key) for number in range(0, 200, 4)}
    close(cache)
    database = tmp_path / "cache.db"
    raw = bytearray(database.read_bytes())
    middle = len(raw) // 2
    raw[middle : middle + 4096] = os.urandom(4096)
    database.write_bytes(raw)
    n_damaged = 0
    for number in right:
        try:
            found = CallCache.open(tmp_path).get(request(f"Question {number}").key)
        except DamagedFile:
            n_damaged += 1
        else:
            assert found in (None, right[number])
    assert n_damaged


@pytest.mark.parametrize(
    "value",
    [b"", b"no zlib", zlib.compress(b"no JSON"), zlib.compress(b"[]"), zlib.compress(b'{"answer": {}}'), None, 7],
    ids=["empty", "no zlib", "no JSON", "list", "no answer", "null", "number"],
)
def test_entry_that_cannot_be_read_is_named(tmp_path, value):
    close(filled(tmp_path, 1))
    with sqlite3.connect(tmp_path / "cache.db") as database:
        database.execute("UPDATE Cache SET value = ? WHERE rowid = (SELECT max(rowid) FROM Cache)", [value])
    with pytest.raises(DamagedFile, match=f"{tmp_path}.*{request('Question 0').key[:12]}"):
        CallCache.open(tmp_path).get(request("Question 0").key)


@pytest.mark.parametrize("value", [b"", b"no zlib", zlib.compress(b'"one"'), zlib.compress(b"{}"), None])
def test_version_that_cannot_be_read_is_named(tmp_path, value):
    close(filled(tmp_path, 1))
    with sqlite3.connect(tmp_path / "cache.db") as database:
        database.execute("UPDATE Cache SET value = ? WHERE rowid = (SELECT min(rowid) FROM Cache)", [value])
    with pytest.raises(DamagedFile, match="the version of the call cache cannot be read"):
        CallCache.open(tmp_path)


def test_long_answer_whose_file_is_gone_is_asked_again(tmp_path):
    cache = CallCache.open(tmp_path)
    cache.keep(request(), answer(os.urandom(200_000).hex()))
    (file,) = tmp_path.rglob("*.val")
    file.unlink()
    assert cache.get(request().key) is None


# Versions


def test_cache_of_a_later_version_is_left_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_module, "VERSION", 2)
    close(filled(tmp_path, 3))
    monkeypatch.setattr(cache_module, "VERSION", 1)
    before = contents(tmp_path)
    with pytest.raises(NewerFile, match=r"later version.*WORKBENCH_CACHE_DIR") as caught:
        CallCache.open(tmp_path)
    assert caught.value.path == tmp_path
    assert contents(tmp_path) == before


def test_cache_of_this_version_opens_again(tmp_path):
    close(filled(tmp_path, 3))
    assert len(CallCache.open(tmp_path).keys()) == 3


# No place


def test_full_disk_is_told_and_what_was_there_is_kept(small_disk):
    cache, kept = CallCache.open(small_disk / "calls"), []
    with pytest.raises(StorageError, match=r"the call cache cannot be used.*Free some space") as caught:
        fill_up(cache, kept)
    assert caught.value.path == small_disk / "calls"
    assert len(kept) > 3
    cache.export(small_disk.parent / "study.jsonl")
    for reader in (cache, CallCache.from_recording(small_disk.parent / "study.jsonl")):
        assert all(reader.get(key) for key in kept)


def test_full_disk_that_has_space_again_goes_on(small_disk):
    cache = CallCache.open(small_disk / "calls")
    (small_disk / "ballast").write_bytes(bytes(2_000_000))
    with pytest.raises(StorageError):
        fill_up(cache, [])
    (small_disk / "ballast").unlink()
    cache.keep(request("later"), answer("at last"))
    assert CallCache.open(small_disk / "calls").get(request("later").key) == answer("at last")


def test_full_disk_leaves_no_half_of_a_recording(small_disk, tmp_path):
    cache = filled(tmp_path / "calls", 1)
    cache.keep(request(), answer(os.urandom(3_000_000).hex()))
    (small_disk / "study.jsonl").write_bytes(b"the old one")
    with pytest.raises(StorageError, match=r"study\.jsonl.*No space left"):
        cache.export(small_disk / "study.jsonl")
    assert contents(small_disk) == {"study.jsonl": b"the old one"}


def test_file_that_may_not_grow_is_told(tmp_path):
    """The same without a disk of one's own: a limit on the size of files."""
    pytest.importorskip("resource", reason="limits on the size of files are of POSIX")
    code = """
import os, resource, signal, sys
from pathlib import Path
from tests.llm.doubles import answer, request
from workbench.errors import StorageError
from workbench.llm.cache import CallCache

cache = CallCache.open(sys.argv[1])
cache.keep(request("before"), answer("kept"))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    for number in range(100):
        cache.keep(request(str(number)), answer(os.urandom(10_000).hex()))
except StorageError as error:
    print(type(error).__name__, number > 0, cache.get(request("before").key).text, sys.argv[1] in str(error))
"""
    assert run_python(code, tmp_path) == "StorageError True kept True\n"
    assert CallCache.open(tmp_path).get(request("before").key) == answer("kept")


AS_NOBODY = """
import os, sys
from pathlib import Path
from tests.llm.doubles import answer, request
from workbench.errors import StorageError
from workbench.llm.cache import CallCache

folder = Path(sys.argv[1])
CallCache.open(folder).keep(request("before"), answer("kept"))
os.chmod(folder / "cache.db", int(sys.argv[2], 8))
os.chmod(folder, int(sys.argv[3], 8))
os.setgroups([]), os.setgid(65534), os.setuid(65534)
try:
    CallCache.open(folder / sys.argv[4]).keep(request(), answer())
    print("written")
except StorageError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    ("file", "folder", "new"), [("644", "755", "."), ("644", "777", "."), ("444", "755", "inside")]
)
def test_folder_that_may_not_be_written_to_is_told(tmp_path, file, folder, new):
    for part in (tmp_path, *tmp_path.parents[:2]):
        part.chmod(0o755)
    said = run_python(AS_NOBODY, tmp_path / "calls", file, folder, new)
    assert str(tmp_path / "calls") in said
    assert "the call cache cannot be used" in said


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root can become another user")
def test_folder_that_becomes_read_only_hangs_nobody(tmp_path):
    """`cache[key] = value` of diskcache tries for ever where a transaction cannot begin."""
    code = """
import os, sys
from pathlib import Path
from tests.llm.doubles import answer, request
from workbench.errors import StorageError
from workbench.llm.cache import CallCache

folder = Path(sys.argv[1])
cache = CallCache.open(folder)
cache.keep(request("before"), answer("kept"))
os.chmod(folder / "cache.db", 0o444)
cache._store.close()
os.chmod(folder, 0o555)
os.setgroups([]), os.setgid(65534), os.setuid(65534)
for change in (lambda: cache.keep(request(), answer()), lambda: cache.forget([request("before").key])):
    try:
        change()
    except StorageError as error:
        print(error)
"""
    for part in (tmp_path, *tmp_path.parents[:2]):
        part.chmod(0o755)
    said = run_python(code, tmp_path / "calls").splitlines()
    assert len(said) == 2
    assert all("read-only" in line and str(tmp_path / "calls") in line for line in said)


def test_file_where_the_folder_should_be_is_named(tmp_path):
    (tmp_path / "calls").write_text("mine")
    with pytest.raises(StorageError, match="calls: the call cache cannot be used"):
        CallCache.open(tmp_path / "calls")
    assert (tmp_path / "calls").read_text() == "mine"
