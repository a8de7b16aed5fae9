"""What can be exported, and as what: for each content, the endings that it has and what makes the files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.agents.person import Person
from workbench.agents.tools.word_processor import WordProcessor, WrittenDocument
from workbench.errors import InvalidSettings
from workbench.extraction.documents import Document
from workbench.extraction.exporting import chat_data, manuscripts, table_writing
from workbench.extraction.exporting.blocks import HALF_PAIR
from workbench.extraction.exporting.manuscripts import Manuscript, document_files, manuscript_of
from workbench.extraction.exporting.markdown_files import markdown_files
from workbench.extraction.exporting.run_documents import run_manuscript, run_page, table_manuscript
from workbench.extraction.rewritten_text import RewrittenText
from workbench.record.events import Event
from workbench.record.file_names import file_names
from workbench.record.named_files import names_run
from workbench.record.rows import frame_of
from workbench.record.run_file import RunFile
from workbench.worlds.world import World

if TYPE_CHECKING:
    import pandas as pd

Files = dict[Path, bytes]
Maker = Callable[[Path, str], Files]
"""Takes the folder and the file's name without its ending; returns the files, the one to be opened first."""


@dataclass(frozen=True)
class Options:
    """How things are written."""

    lang: str | None
    system: bool
    thoughts: bool
    title: str


@dataclass(frozen=True)
class Writable:
    """A content: what it is, and what it can be written as."""

    what: str
    makers: Mapping[str, Maker]


@contextmanager
def opened(content: Any) -> Iterator[Any]:
    """Give a content to be written; a run file whose path it is is open meanwhile.

    Raises:
        UnknownName: there is no such run file.
    """
    if names_run(content):
        with closing(RunFile.open(content)) as file:
            yield file
    else:
        yield content


def writable(content: Any, options: Options) -> Writable:
    """Return what can be written of a content; only what is then asked for is made.

    Args:
        content: as `opened` gives it.
        options: how it is written.

    Raises:
        InvalidSettings: nothing can.
    """
    import pandas as pd

    if isinstance(content, pd.DataFrame):
        return Writable("a table", _table_makers(content, options))
    if isinstance(content, str | Document | WrittenDocument | RewrittenText):
        document = _document(content)
        makers = _document_makers(lambda: manuscript_of(document, options.lang, options.title))
        return Writable(
            "a text", {**makers, "md": lambda folder, stem: markdown_files(folder / f"{stem}.md", document)}
        )
    if isinstance(content, RunFile):
        return _run(_Recorded(content), options)
    if isinstance(content, World):
        return _run(_Recorded(content.file, content), options)
    return _several(content, options)


def _several(content: Any, options: Options) -> Writable:
    if isinstance(content, Person):
        return _people([content], options)
    given: list[Any] = (
        list(content) if isinstance(content, Iterable) and not isinstance(content, bytes | Mapping) else []
    )
    if given and all(isinstance(one, Person) for one in given):
        return _people(given, options)
    raise InvalidSettings(
        f"{type(content).__name__} cannot be exported: give a text, a Document, a table, a run, people, "
        "or a word processor with documents" + (" (its to_frame() is a table)" if hasattr(content, "to_frame") else "")
    )


def documents_in(content: Any) -> list[WrittenDocument] | None:
    """Return the documents of a word processor, or several of them in a list; None where the content is another.

    Raises:
        InvalidSettings: a word processor in which nothing was written.
    """
    if isinstance(content, WordProcessor):
        if not content.documents:
            raise InvalidSettings(f"{content.name}: nothing was written with it yet")
        return content.documents
    several = isinstance(content, Sequence) and not isinstance(content, str | bytes) and len(content) > 0
    return list(content) if several and all(isinstance(one, WrittenDocument) for one in content) else None


def named_documents(documents: Sequence[WrittenDocument]) -> list[tuple[str, WrittenDocument]]:
    """Return documents with names for their files, all different."""
    return list(zip(file_names([one.title for one in documents]), documents, strict=True))


def _document(content: str | Document | WrittenDocument | RewrittenText) -> Document:
    if isinstance(content, RewrittenText):
        return Document(content.text)
    if isinstance(content, WrittenDocument):
        return Document(content.text, content.title)
    return Document(content) if isinstance(content, str) else content


def _document_makers(make: Callable[[], Manuscript]) -> dict[str, Maker]:
    made: list[Manuscript] = []

    def files(ending: str, folder: Path, stem: str) -> Files:
        made.extend([make()] if not made else [])  # once for all formats
        return document_files(folder / f"{stem}.{ending}", made[0])

    return {ending: partial(files, ending) for ending in manuscripts.ENDINGS}


def _table_makers(frame: pd.DataFrame, options: Options) -> dict[str, Maker]:
    def files(ending: str, folder: Path, stem: str) -> Files:
        _check_names(frame)
        return table_writing.table_files(folder / f"{stem}.{ending}", frame)

    return {**_data_makers(files), **_document_makers(lambda: table_manuscript(frame, options.title, options.lang))}


def _check_names(frame: pd.DataFrame) -> None:
    names = [name for name in (*frame.columns, *frame.index.names) if isinstance(name, str)]
    if half := next((name for name in names if HALF_PAIR.search(name)), None):
        raise InvalidSettings(f"the column {half!a} has half of a surrogate pair in its name: no file holds that")


def _data_makers(files: Callable[[str, Path, str], Files]) -> dict[str, Maker]:
    return {ending: partial(files, ending) for ending in table_writing.ENDINGS}


@dataclass(frozen=True)
class _Recorded:
    """A run; each part of it is read when it is needed, and once."""

    file: RunFile
    world: World | None = None
    """Whose file it is, where there is one: then its people have their memories."""

    @cached_property
    def recorded(self) -> Sequence[Event]:
        return list((self.world or self.file).events())

    @cached_property
    def views(self) -> list[chat_data.View]:
        if self.world and self.world.people:
            return [chat_data.view_of(one) for one in self.world.people]
        return chat_data.views_of_run(self.file, self.recorded)

    def events(self) -> Sequence[Event]:
        """Return what happened, as preferences are made of it."""
        return self.recorded


def _run(run: _Recorded, options: Options) -> Writable:
    def transcript(ending: str, folder: Path, stem: str) -> Files:
        return table_writing.table_files(folder / f"{stem}.{ending}", frame_of(run.recorded))

    return Writable(
        "a run",
        {
            **_data_makers(transcript),
            **_document_makers(lambda: run_manuscript(run.file, run.recorded, options.lang)),
            "html": lambda folder, stem: {folder / f"{stem}.html": run_page(run.file, run.recorded)},
            **_chat_makers(lambda: run.views, [run], options),
        },
    )


def _people(people: Sequence[Person], options: Options) -> Writable:
    return Writable("people", _chat_makers(lambda: [chat_data.view_of(one) for one in people], people, options))


def _chat_makers(
    views: Callable[[], Sequence[chat_data.View]], runs: Sequence[Any], options: Options
) -> dict[str, Maker]:
    how = {"system": options.system, "thoughts": options.thoughts}
    return {
        "chat": lambda folder, stem: {folder / f"{stem}.chat.jsonl": chat_data.chat(views(), **how)},
        "sharegpt": lambda folder, stem: {folder / f"{stem}.sharegpt.json": chat_data.sharegpt(views(), **how)},
        "preferences": lambda folder, stem: {folder / f"{stem}.preferences.jsonl": chat_data.preferences(runs)},
    }
