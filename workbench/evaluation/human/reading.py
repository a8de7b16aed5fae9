"""Tables of answers, tidy or wide, from a file or a DataFrame, read as one thing: `Answers`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings, UnreadableDocument, storage_errors
from workbench.evaluation.human.codes import Answer, listed, plain

if TYPE_CHECKING:
    import pandas as pd

_READERS = {
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".xlsx": "read_excel",
    ".xls": "read_excel",
    ".parquet": "read_parquet",
}


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers of one side, and what is known of the people who gave them."""

    side: str
    """`simulated` or `human`."""
    table: pd.DataFrame
    """A row an answer: person, replicate, question, answer."""
    people: pd.DataFrame
    """A row a person: what is known of them, their name as index."""
    named: bool
    """Whether the table says who each person is."""

    @property
    def questions(self) -> list[str]:
        """The questions that somebody was asked, in the order of the table."""
        return list(dict.fromkeys(self.table["question"]))

    def to(self, question: str) -> pd.DataFrame:
        """Return the answers to one question that are not missing: person, replicate, answer."""
        rows = self.table[self.table["question"] == question]
        return rows.loc[[answer is not None for answer in rows["answer"]]].drop(columns="question")

    def asked(self, question: str) -> int:
        """Return how many answers there could be to a question: those that are missing count."""
        return int((self.table["question"] == question).sum())


def frame_of(source: Any, columns: Mapping[str, str] | None, side: str) -> pd.DataFrame:
    """Return a table with its columns renamed.

    Args:
        source: a DataFrame, or the path of a CSV, TSV, Excel or Parquet file.
        columns: column (or, in a tidy table, question) of the source by the name that it is to have.
        side: whose it is, for messages.

    Raises:
        InvalidSettings: no table of these can be read, or it has no such column.
        StorageError: the file is not there or cannot be read.
        UnreadableDocument: the file is no table.
    """
    import pandas as pd

    frame = source if isinstance(source, pd.DataFrame) else _read(source, side)
    if not len(frame):
        raise InvalidSettings(f"the {side} table is empty: there is nobody to compare")
    frame = frame.rename(columns={name: str(name) for name in frame.columns})
    if twice := frame.columns[frame.columns.duplicated()].tolist():
        raise InvalidSettings(f"the {side} table has these columns twice: {listed(twice)}; rename one of each")
    return _renamed(frame, columns or {}, side)


def _read(source: Any, side: str) -> pd.DataFrame:
    import pandas as pd

    if not isinstance(source, str | Path):
        kind = type(source).__name__
        raise InvalidSettings(f"{side} answers of type {kind}: give a DataFrame or the path of a CSV, Excel or Parquet")
    path = Path(source)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InvalidSettings(f"{path}: files that can be read end in {', '.join(_READERS)}; save the table as one")
    options = {"sep": "\t"} if path.suffix.lower() == ".tsv" else {}
    try:
        with storage_errors(path, f"the {side} answers"):
            frame: pd.DataFrame = getattr(pd, reader)(path, **options)
    except ImportError as error:
        package = "openpyxl" if reader == "read_excel" else "pyarrow"
        raise InvalidSettings(f"{path}: reading it needs a package: pip install {package}") from error
    except (ValueError, LookupError) as error:
        raise UnreadableDocument(f"{path}: this is no table that can be read ({error})") from error
    return frame


def _renamed(frame: pd.DataFrame, columns: Mapping[str, str], side: str) -> pd.DataFrame:
    names = {name: str(column) for name, column in columns.items()}
    asked = set(frame["question"]) if _tidy(frame) else set()
    missing = [column for column in names.values() if column not in frame.columns and column not in asked]
    if missing:
        there = listed([*frame.columns, *sorted(map(str, asked))])
        raise InvalidSettings(f"the {side} table has no column {listed(missing)}; it has {there}. Correct `columns`")
    sources = list(names.values())
    taken = [name for name in names if name in frame.columns and name not in sources]
    if taken:
        raise InvalidSettings(f"the {side} table has columns that are named {listed(taken)} already; use other names")
    found = frame.drop(columns=[column for column in names.values() if column in frame.columns])
    for name, column in names.items():
        if column in frame.columns:
            found[name] = frame[column]
    if asked:
        name_of = {column: name for name, column in names.items() if column in asked}
        found["question"] = [name_of.get(question, question) for question in found["question"]]
    return found


def _tidy(frame: pd.DataFrame) -> bool:
    return {"question", "answer"} <= set(frame.columns)


def names_in(frame: pd.DataFrame) -> list[str]:
    """Return what may be a question of a table: its questions, or all its columns."""
    if _tidy(frame):
        return [str(name) for name in dict.fromkeys(frame["question"])]
    return [name for name in frame.columns if name not in ("person", "replicate")]


def answers_of(frame: pd.DataFrame, side: str, questions: Sequence[str], known: Iterable[str]) -> Answers:
    """Return the answers to some questions.

    Args:
        frame: as `frame_of` returns it: tidy (person, question, answer, perhaps replicate) or wide (a row a person).
        side: whose they are.
        questions: which.
        known: columns that say something of the people, as far as they are there.

    Raises:
        InvalidSettings: nobody is named in a tidy table, or somebody has two answers where one was asked for.
    """
    named = "person" in frame.columns
    if _tidy(frame) and not named:
        raise InvalidSettings(f"the {side} table is tidy (a row an answer) and says nowhere whose: add a column person")
    owners = [plain(one) for one in frame["person"]] if named else [f"row {n}" for n in range(1, len(frame) + 1)]
    if None in owners:
        row = 1 + [owner is None for owner in owners].index(True)
        raise InvalidSettings(f"row {row} of the {side} table has no person: name everybody")
    people = [str(owner) for owner in owners]
    frame = frame.assign(person=people, replicate=frame["replicate"] if "replicate" in frame.columns else 1)
    table = _of_tidy(frame, questions) if _tidy(frame) else _of_wide(frame, questions)
    twice = table.duplicated(["person", "replicate", "question"])
    if twice.any():
        first = table[twice].iloc[0]
        raise InvalidSettings(
            f"the {side} table has two answers of {first['person']!r} to {first['question']!r}: add a column replicate "
            "that tells them apart, or keep one"
        )
    return Answers(side, table, _people(frame, side, known), named)


def _of_tidy(frame: pd.DataFrame, questions: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    rows = frame[frame["question"].astype(str).isin(questions)].reset_index(drop=True)
    columns = {"person": rows["person"], "replicate": rows["replicate"], "question": rows["question"].astype(str)}
    return pd.DataFrame(columns).assign(answer=objects([plain(value) for value in rows["answer"]], rows.index))


def _of_wide(frame: pd.DataFrame, questions: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    parts = [frame[["person", "replicate"]].assign(question=name) for name in questions]
    values = [plain(value) for name in questions for value in _ordered(frame[name])]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(answer=objects(values, table.index))


def _ordered(column: pd.Series[Any]) -> list[Any]:
    return list(column.astype(object))


def objects(values: Sequence[Answer], index: Any) -> pd.Series[Any]:
    """Return answers as a column that keeps each as it is: pandas would make None NaN, and 3 3.0."""
    import numpy as np
    import pandas as pd

    cells = np.empty(len(values), dtype=object)
    cells[:] = [None] * len(values)
    for place, value in enumerate(values):
        cells[place] = value
    return pd.Series(cells, index=index, dtype=object)


def _people(frame: pd.DataFrame, side: str, known: Iterable[str]) -> pd.DataFrame:
    names = [name for name in dict.fromkeys(known) if name in frame.columns]
    people = frame[["person", *names]].drop_duplicates()
    twice = people["person"].duplicated()
    if twice.any():
        person = people.loc[twice, "person"].iloc[0]
        raise InvalidSettings(f"{person!r} has more than one value of {listed(names)} in the {side} table: keep one")
    return people.set_index("person")
