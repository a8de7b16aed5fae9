"""Runs and tables as manuscripts: what was said with the facts of how it was made; cells as they are."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.extraction.exporting.blocks import (
    HALF_PAIR,
    emphasised,
    heading,
    image,
    paragraph,
    printable,
    strong,
    table,
)
from workbench.extraction.exporting.column_types import column_type_of, plain
from workbench.extraction.exporting.manuscripts import Manuscript
from workbench.extraction.exporting.pandoc import Node
from workbench.extraction.exporting.table_metadata import Column, columns_of
from workbench.record.conversation import Conversation
from workbench.record.events import Event
from workbench.record.run_file import RunFile
from workbench.worlds.run_report import caveat, facts_of, people_at_end, report_on

if TYPE_CHECKING:
    import pandas as pd

_THUMBNAIL = "data:image/jpeg;base64,", "data:image/png;base64,"


def run_manuscript(file: RunFile, events: Sequence[Event], lang: str | None) -> Manuscript:
    """Return the report of a run: how it was made, who was there, and what was said. Its HTML is `run_page`.

    Args:
        file: of the run.
        events: all of it, in order.
        lang: of the text, where it is given.
    """
    spec, people = file.spec, people_at_end(file, events)
    conversation = Conversation.of(events)
    pictures = _thumbnails(conversation)
    said = caveat(spec)
    blocks = [
        heading(spec["name"], 1),
        *([paragraph(spec["description"])] if spec["description"] else []),
        *([paragraph(strong(said))] if said else []),
        heading("How the run was made", 2),
        table(["What", "How"], list(facts_of(file, events).items())),
        heading("Who was there", 2),
        *(paragraph(person.minibio()) for person in people),
        heading("What happened", 2),
        paragraph(emphasised("The number of a line is that of its event in the run file.")),
        *_told(conversation, pictures),
    ]
    return Manuscript(blocks, spec["name"], pictures, lang)


def run_page(file: RunFile, events: Sequence[Event]) -> bytes:
    """Return the page of a run that the run itself has."""
    return report_on(file, events, people_at_end(file, events)).encode()


def _told(conversation: Conversation, pictures: dict[str, bytes]) -> Iterator[Node]:
    for time, rows in groupby(conversation.rows, key=lambda row: row[1]):
        yield heading(time, 3)
        for number, _, who, words, quiet in rows:
            yield paragraph(emphasised(str(number)), " ", strong(f"{who}:"), " ", emphasised(words) if quiet else words)
            if (name := f"event-{number}") in pictures:
                yield image("the picture, small", name)


def _thumbnails(conversation: Conversation) -> dict[str, bytes]:
    found = {}
    for event in conversation.events:
        if event.type == "IMAGE":
            url = str(json.loads(event.content)["thumbnail"])
            if url.startswith(_THUMBNAIL):
                found[f"event-{event.id}"] = base64.b64decode(url.partition(",")[2])
    return found


def table_manuscript(frame: pd.DataFrame, title: str, lang: str | None) -> Manuscript:
    """Return a table as a document: numbers to the right, lists with commas, nothing where a value is missing."""
    columns = columns_of(_readable(frame))
    rows = zip(*([_shown(cell, column) for cell in column.cells] for column in columns), strict=True)
    numbers = [column.type.kind in ("integer", "number") for column in columns]
    head = [column.name or " " for column in columns]
    return Manuscript([heading(title, 1), table(head, list(rows), right=numbers)], printable(title), lang=lang)


def _readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose names and values are texts where no file of data could hold them: a reader can."""
    import pandas as pd

    names = [" · ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame.columns]
    named = pd.DataFrame(frame).set_axis([printable(name) for name in names], axis="columns")
    return named.apply(_as_text) if len(named) else named


def _as_text(column: pd.Series[Any]) -> pd.Series[Any]:
    import pandas as pd

    try:
        cells = plain(column, column_type_of(column))
    except InvalidSettings as error:
        try:
            return column.map(lambda cell: printable(str(cell)), na_action="ignore").astype(object)
        except ValueError:  # a number of which Python itself makes no text
            raise error from None
    written = json.dumps(cells, ensure_ascii=False)
    if not HALF_PAIR.search(written):
        return column
    return pd.Series(json.loads(HALF_PAIR.sub("�", written)), column.index, dtype=object, name=column.name)


def _shown(cell: Any, column: Column) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.6g}"
    if column.type.kind == "dateTime":
        return str(cell).replace("T00:00:00", "").replace("T", " ")
    if isinstance(cell, list) and all(isinstance(one, str | int | float) for one in cell):
        return ", ".join(map(str, cell))
    return cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)
