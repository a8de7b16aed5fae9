"""Pandoc, from the package pypandoc-binary: it reads no file but what it is given, and reaches no network."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from typing import Any

from workbench.errors import WorkbenchError
from workbench.extraction.exporting.extras import needed

_MARKDOWN = "commonmark+pipe_tables+strikeout+footnotes+task_lists+autolink_bare_uris+gfm_auto_identifiers"
"""What models write. No TeX, no attributes, no emoji names: `$5`, `{x}` and `:x:` stay what they are."""
PANDOC_TYPES = [1, 23, 1]
"""The version of its document format that the blocks here are made in."""

Node = dict[str, Any]
"""A block or an inline: `t` is its type, `c` its content."""


def pandoc(text: str, *arguments: str) -> bytes:
    """Return what pandoc makes of a text.

    Raises:
        WorkbenchError: it is not installed, or failed.
    """
    program = needed("pypandoc").get_pandoc_path()
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "946684800"}  # 2000-01-01: the same text is the same file
    command = [program, "--sandbox", *arguments]
    done = subprocess.run(command, input=text.encode(), capture_output=True, env=environment, check=False)  # noqa: S603
    if done.returncode:
        raise WorkbenchError(f"pandoc could not write the document: {done.stderr.decode(errors='replace')[:500]}")
    return done.stdout


def blocks_of(markdown: str) -> list[Node]:
    """Return the blocks of a Markdown text, as pandoc reads them."""
    return list(json.loads(pandoc(markdown, "--from", _MARKDOWN, "--to", "json"))["blocks"])


def written(blocks: Sequence[Node], to: str, *arguments: str, title: str = "") -> bytes:
    """Return a document in a format of pandoc's."""
    meta = {"title": {"t": "MetaString", "c": title}} if title else {}
    whole = {"pandoc-api-version": PANDOC_TYPES, "meta": meta, "blocks": list(blocks)}
    return pandoc(json.dumps(whole), "--from", "json", "--to", to, *arguments)
