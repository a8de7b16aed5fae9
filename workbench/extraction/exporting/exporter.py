"""`export`: texts, documents, tables, runs, people and what they wrote, as files for other programs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import InvalidSettings, storage_errors
from workbench.extraction.exporting.blocks import HALF_PAIR
from workbench.extraction.exporting.contents import Options, documents_in, named_documents, opened, writable
from workbench.extraction.exporting.placing import place, safe_name

_LANG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")


def export(
    name: str,
    content: Any,
    *,
    to: str | Iterable[str] = ("md",),
    folder: str | Path = "out",
    overwrite: bool = False,
    lang: str | None = None,
    system: bool = True,
    thoughts: bool = False,
) -> list[Path]:
    """Write something to files, in one format or several: all of them or none.

    - A text (Markdown) or a `Document`: md, txt, html, docx, pdf. HTML and TeX in it are shown as text; pictures are
      those that a `Document` carries; the files load nothing and run nothing. The Markdown file is the text as it was.
    - A table (DataFrame): csv, json, jsonl, parquet and xlsx, which `read_table` reads back equal; and as a document.
      CSV and JSON have no types, so theirs lie beside them in the W3C's form (`NAME.csv-metadata.json`,
      https://www.w3.org/TR/tabular-metadata/). A missing text is an empty cell of a CSV file, or `NA` where some text
      is empty. Lists and mappings are JSON in the cells. Row labels are written as columns when they have a name.
      In a workbook no text is a formula, and what Excel cannot hold is escaped as Excel does it (`_x0001_`); a CSV
      file has texts as they are, and Excel computes those that begin with `=`: send workbooks to those who use Excel.
    - A run (a world, a run file, or the path of one): a document with the conversation and how it was made; its
      transcript as a table; and chat data.
    - People, or a run: `chat` (JSON Lines in OpenAI's form for fine-tuning), `sharegpt` (JSON) and `preferences`
      (pairs of turns that passed and failed their checks, for DPO). Each person's view is a conversation of its own.
    - A word processor, or a document of one: md, txt, html, docx, pdf; a word processor's lie in `folder/NAME/`.

    Args:
        name: of the files, without an ending; it is made safe for every system, and leads to no other folder.
        content: what is to be written.
        to: one ending or several, with or without a dot.
        folder: where to; it is made when it is not there, and `~` is your own.
        overwrite: whether files that are there give way.
        lang: of the text, as a BCP 47 tag: `ja`, `zh-Hant`, `ar`. Chinese characters are drawn in its way; each
            paragraph's letters tell it where it is not given, and its direction always.
        system: whether chat data begin with the persona.
        thoughts: whether chat data have what people thought, too.

    Returns:
        the paths of the files to be opened, in the order of `to`; pictures and metadata lie beside them.

    Raises:
        InvalidSettings: a content that cannot be written so; what it can be written as is named.
        ExportExists: files are there, all are named, and nothing was written.
        StorageError: they cannot be written.
        WorkbenchError: .docx, .pdf and .xlsx need the extra `docs`, as do .txt and .html.
    """
    endings = _endings(to)
    _check(name, lang, {"overwrite": overwrite, "system": system, "thoughts": thoughts})
    where, stem = _folder(folder), safe_name(_without_ending(name, endings))
    documents = documents_in(content)
    where = where / stem if documents is not None else where
    named = [(stem, content)] if documents is None else named_documents(documents)
    main: list[Path] = []
    files: dict[Path, bytes] = {}
    for file_name, one in named:
        made = _made(one, Options(lang, system, thoughts, name), endings, where, file_name)
        main += [next(iter(part)) for part in made]
        files |= {path: data for part in made for path, data in part.items()}
    place(files, overwrite=overwrite)
    return main


def _endings(to: str | Iterable[str]) -> list[str]:
    given = [to] if isinstance(to, str) else list(to) if isinstance(to, Iterable) else []
    if not given or not all(isinstance(one, str) for one in given):
        raise InvalidSettings(f"to={to!r}: give one ending or several, such as 'docx' or ['csv', 'xlsx']")
    return list(dict.fromkeys(one.strip().lower().removeprefix(".") for one in given))


def _check(name: Any, lang: Any, switches: Mapping[str, Any]) -> None:
    if not isinstance(name, str):
        raise InvalidSettings(f"name={name!r}: give a text, such as 'ideas'; folder= says where the files go")
    if lang is not None and not (isinstance(lang, str) and _LANG.fullmatch(lang)):
        raise InvalidSettings(f"lang={lang!r}: give a language as BCP 47 has it, such as 'ja', 'zh-Hant' or 'pt-BR'")
    for switch, value in switches.items():
        if not isinstance(value, bool):
            raise InvalidSettings(f"{switch}={value!r}: True or False is needed")


def _folder(folder: Any) -> Path:
    if not isinstance(folder, str | Path) or not str(folder) or "\0" in str(folder) or HALF_PAIR.search(str(folder)):
        raise InvalidSettings(f"folder={folder!r}: give the path of a folder, such as 'out'; '.' is the one you are in")
    with storage_errors(Path(folder), "the folder"):
        try:
            return Path(folder).expanduser()
        except RuntimeError as error:
            raise InvalidSettings(f"folder={folder!r}: {error}") from error


def _without_ending(name: str, endings: Iterable[str]) -> str:
    found = next((f".{one}" for one in endings if name.lower().endswith(f".{one}")), "")
    return name[: len(name) - len(found)] if found else name


def _made(content: Any, options: Options, endings: list[str], folder: Path, stem: str) -> list[dict[Path, bytes]]:
    with opened(content) as there:
        one = writable(there, options)
        if wrong := [ending for ending in endings if ending not in one.makers]:
            raise InvalidSettings(
                f"{one.what} cannot be written as {', '.join(wrong)}; it can be as {', '.join(sorted(one.makers))}"
            )
        try:
            return [one.makers[ending](folder, stem) for ending in endings]
        except RecursionError as error:
            raise InvalidSettings(f"{one.what} with lists that nest too deeply for a file: flatten them") from error
