"""The one family of errors: each says what was wrong, where, and what to do.

WorkbenchError
├── InvalidSettings (ValueError)      a setting or an argument that cannot be
├── InvalidPersona (ValueError)       a persona, a fragment or a file of one
├── UnreadableDocument (ValueError)   a document, web page or picture that cannot be read, or is refused
├── UnknownName (LookupError)         a person, file or variable that is not there
├── PromptError                       a prompt file that lacks variables
├── ModelError                        whatever goes wrong between us and a model
│   ├── ModelUnreachable              no server, dropped connections, timeouts: all tries spent
│   ├── WrongKey                      401 and 403
│   ├── UnknownModel                  404
│   ├── RequestRefused                any other answer that trying again does not change
│   ├── PromptTooLong                 the prompt does not fit the model's context
│   ├── ContentFiltered               the provider's filter refused the request or cut the answer
│   ├── NoPictures                    the model takes no pictures, and the prompt has one
│   ├── UnreadableAnswer              not of the schema after every repair round
│   │   └── AnswerTooLong             cut at the token limit, where less can be asked for
│   ├── FactsNotKept                  a persona or a text that breaks facts that were fixed, in every attempt
│   ├── RewritingFailed               a text that is empty, unchanged or too short, in every attempt
│   └── EmbeddedModelMissing          the extra `local` is not installed, or its weights are not
├── BudgetSpent                       the next call could break the budget
├── ChecksFailed                      a turn that did not pass its checks, where `on_failure` is `raise`
├── CacheMiss (LookupError)           mode `replay`, and the answer is not in the recording
├── NotebookFailed                    a notebook that stopped at a cell: names both
├── StepFailed                        a step of a run that could not be finished: names step, person, purpose
└── StorageError (OSError)            a file that cannot be read or written
    ├── DamagedFile                   not what it should be: never overwritten
    ├── NewerFile                     written by a later version: never overwritten
    ├── ExportExists (FileExistsError) files are already where an export is to go
    └── RunExists (FileExistsError)   a run file is already there
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class WorkbenchError(Exception):
    """The root of the family. Facts are attributes; the message says what to do."""

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        for name, fact in facts.items():
            setattr(self, name, fact)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), str(self), self.__dict__)


def _rebuild(family: type[WorkbenchError], message: str, facts: dict[str, Any]) -> WorkbenchError:
    return family(message, **facts)


class InvalidSettings(WorkbenchError, ValueError):
    """A setting or an argument that cannot be."""


class InvalidPersona(WorkbenchError, ValueError):
    """A persona, a fragment or a file of one that cannot be read."""


class UnreadableDocument(WorkbenchError, ValueError):
    """A document, a web page or a picture that cannot be read, or is refused; the message names it and says why."""


class UnknownName(WorkbenchError, LookupError):
    """A person, a file or a variable that is not there."""


class PromptError(WorkbenchError):
    """A prompt that cannot be rendered: names every variable that is missing."""


class ModelError(WorkbenchError):
    """Whatever goes wrong between the workbench and a model."""


class ModelUnreachable(ModelError):
    """No server, dropped connections, timeouts or overload, after all tries."""


class WrongKey(ModelError):
    """The endpoint did not accept the API key."""


class UnknownModel(ModelError):
    """The endpoint does not have the model."""


class RequestRefused(ModelError):
    """The endpoint refused the request in a way that trying again does not change."""


class PromptTooLong(ModelError):
    """The prompt does not fit the model's context. Nothing is cut in silence."""


class ContentFiltered(ModelError):
    """The provider's content filter refused the request, or cut the answer: then `usage` says what that cost."""

    usage: Any = None


class NoPictures(ModelError):
    """The model takes no pictures, and the prompt has one."""


class UnreadableAnswer(ModelError):
    """The answer was not of the schema after every repair round; `text` is the raw answer."""

    text: str


class AnswerTooLong(UnreadableAnswer):
    """The answer was cut at the token limit; whoever asked can ask for less at a time."""

    call: str
    """Its key in the call cache."""


class FactsNotKept(ModelError):
    """The model wrote a persona or a text that breaks fixed facts, in every attempt."""

    person: str = ""
    """Who was to be written; empty for a text."""
    attributes: tuple[str, ...]
    """The facts that the last attempt broke."""
    attempts: int
    text: str = ""
    """What was written last, of a text."""


class RewritingFailed(ModelError):
    """The model gave back a text that is empty, unchanged or shorter than asked for, in every attempt."""

    attempts: int
    text: str
    """What was written last."""


class EmbeddedModelMissing(ModelError):
    """The embedded model is asked for and not installed."""


class BudgetSpent(WorkbenchError):
    """The next call could break the budget; nothing was sent."""


class ChecksFailed(WorkbenchError):
    """A turn did not pass its checks in any attempt, and `on_failure` is `raise`; `attempts` has all of them."""

    attempts: list[dict[str, Any]]


class CacheMiss(WorkbenchError, LookupError):
    """In mode `replay`, a request whose answer is not in the recording."""

    request: str
    """What was asked, as canonical JSON."""


class StepFailed(WorkbenchError):
    """A step that could not be finished; what was committed before it stays."""

    step: int
    person: str
    """Whose turn, memory or intervention it was; empty where it was nobody's."""
    purpose: str


class NotebookFailed(WorkbenchError):
    """A notebook stopped at a cell; what it did is kept at `path`."""

    path: Path


class StorageError(WorkbenchError, OSError):
    """A file that cannot be read or written; `path` says which."""

    path: Path


class DamagedFile(StorageError):
    """A file that is not what it should be. It is never overwritten."""


class NewerFile(StorageError):
    """A file written by a later version. It is never overwritten."""


class RunExists(StorageError, FileExistsError):
    """A run file is already at the path."""


class ExportExists(StorageError, FileExistsError):
    """Files are already where an export is to go; nothing was written."""

    paths: tuple[Path, ...]


@contextmanager
def storage_errors(path: Path, what: str) -> Iterator[None]:
    """Turn what the system or SQLite says of a file into a `StorageError` that names it.

    Args:
        path: the file or folder.
        what: what it is to the reader of the message, such as "the run file".
    """
    import sqlite3

    try:
        yield
    except WorkbenchError:
        raise
    except (sqlite3.OperationalError, sqlite3.ProgrammingError) as error:
        if str(error).startswith(("no such", "Could not decode")):  # a table, a column; text
            raise _damaged(path, what, error) from error
        raise StorageError(f"{path}: {what} cannot be used: {error}{_advice(str(error))}", path=path) from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, what, error) from error
    except UnicodeDecodeError as error:  # SQLite's own words about damage quote the damage
        raise _damaged(path, what, error) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(f"{path}: {what} cannot be used: {reason}{_advice(reason)}", path=path) from error


@contextmanager
def replaced_when_whole(path: Path, what: str) -> Iterator[Path]:
    """Give a file beside another to write to; it takes the other's place when all is written, or is removed.

    Args:
        path: the file to be written.
        what: what it is to the reader of a message, as for `storage_errors`.

    Raises:
        StorageError: it cannot be written; what was there stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with storage_errors(path, what):
        try:
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _damaged(path: Path, what: str, error: Exception) -> DamagedFile:
    return DamagedFile(
        f"{path}: {what} is damaged ({error}). It was left as it is: move it away or restore a copy.", path=path
    )


def _advice(reason: str) -> str:
    full = "full" in reason or "No space" in reason or "too large" in reason or "disk I/O" in reason
    return ". Free some space on the disk; what was committed is kept" if full else ""
