"""`read_table`: tables read back as they were exported."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import DamagedFile, InvalidSettings, UnknownName, WorkbenchError, storage_errors
from workbench.extraction.exporting.column_types import restored
from workbench.extraction.exporting.parquet_files import read_parquet
from workbench.extraction.exporting.table_facts import with_facts
from workbench.extraction.exporting.table_metadata import Described, beside, read_metadata
from workbench.extraction.exporting.table_writing import ENDINGS
from workbench.extraction.exporting.workbooks import read_text, read_workbook

if TYPE_CHECKING:
    import pandas as pd


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a table back as `export` wrote it: dtypes, missing values, lists and texts such as "007" or "NA".

    One with evidence shows it as before. Of `attrs`, that is kept which JSON holds.

    A .parquet and an .xlsx file have the types in them. Those of a .csv, .json or .jsonl file lie beside it, in
    `NAME.csv-metadata.json` and so on. Where there are none, it is read as pandas reads it.

    Args:
        path: of a .csv, .json, .jsonl, .parquet or .xlsx file.

    Raises:
        InvalidSettings: another ending.
        UnknownName: there is no such file.
        DamagedFile: it cannot be read, or is not what its metadata say.
    """
    if not isinstance(path, str | Path):
        raise InvalidSettings(f"path={type(path).__name__}: give the path of a table's file")
    path = Path(path)
    ending = path.suffix.lower().removeprefix(".")
    if ending not in ENDINGS:
        raise InvalidSettings(f"{path}: tables are read from {', '.join(f'.{one}' for one in ENDINGS)}")
    if not path.is_file():
        raise UnknownName(f"there is no table at {path.absolute()}")
    with storage_errors(path, "the table"), _damage_named(path):
        return {"csv": _csv, "json": _json, "jsonl": _json, "parquet": read_parquet, "xlsx": _xlsx}[ending](path)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    from zipfile import BadZipFile

    try:
        yield
    except WorkbenchError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, BadZipFile) as error:
        hint = f" Move {beside(path).name} away to read it without its types." if beside(path).is_file() else ""
        raise DamagedFile(f"{path}: the table cannot be read ({error}).{hint}", path=path) from error


def _csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    metadata = read_metadata(path)
    if metadata is None:
        return pd.read_csv(path)
    described, facts = metadata
    texts = pd.read_csv(
        path, dtype=object, keep_default_na=False, na_filter=False, skip_blank_lines=False, header=None, index_col=False
    )
    columns = [list(texts[place]) for place in texts.columns]
    _check_names([column[0] for column in columns], described)
    cells = [[_read_cell(text, d) for text in column[1:]] for column, d in zip(columns, described, strict=True)]
    return with_facts(_framed(described, cells), facts)


def _read_cell(text: str, described: Described) -> Any:
    return None if text == described.null else read_text(text, described.type)


def _json(path: Path) -> pd.DataFrame:
    import pandas as pd

    text = path.read_text(encoding="utf-8")
    records = [json.loads(line) for line in text.split("\n") if line] if path.suffix == ".jsonl" else json.loads(text)
    metadata = read_metadata(path)
    if metadata is None:
        return pd.DataFrame(records)
    described, facts = metadata
    if records:
        _check_names(list(records[0]), described)
    return with_facts(_framed(described, [[record[d.name] for record in records] for d in described]), facts)


def _xlsx(path: Path) -> pd.DataFrame:
    import pandas as pd

    frame = read_workbook(path)
    return pd.read_excel(path) if frame is None else frame


def _check_names(names: Sequence[str], described: Sequence[Described]) -> None:
    known = [one.name for one in described]
    if list(names) != known:
        raise ValueError(f"its columns are {list(names)!r}, and its metadata say {known!r}")


def _framed(described: Sequence[Described], cells: Sequence[Sequence[Any]]) -> pd.DataFrame:
    import pandas as pd

    columns = {}
    for one, values in zip(described, cells, strict=True):
        try:
            columns[one.name] = restored(values, one.type)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise ValueError(f"column {one.name!r}: {error}") from error
    return pd.DataFrame(columns)
