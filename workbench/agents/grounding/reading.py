"""The text of a document: plain text here, all else in a process of its own (`convert`).

Documents come from anywhere, so none may take more memory or time than a large one needs, and nothing is cut: a
document is read whole or refused with the reason.
"""

from __future__ import annotations

import codecs
import importlib.util
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile

from workbench.agents.grounding import convert
from workbench.errors import UnreadableDocument

SUFFIXES = (".txt", ".md", ".pdf", ".docx", ".pptx", ".html", ".htm", ".csv")
"""What can be read, by the ending of the name."""

MAX_TEXT = convert.MAX_TEXT
"""Characters; a longer text is refused, never cut."""

TIMEOUT = 180.0
"""Seconds for one conversion: some 500 dense pages of PDF, at a third of a second each."""

_CONVERTED = (".pdf", ".docx", ".pptx")
_SIGNS = {
    b"%PDF-": "a PDF file",
    b"PK\x03\x04": "a zip archive or an Office file",
    b"\xd0\xcf\x11\xe0": "an Office file of before 2007, or one with a password: save it as .docx or .pptx without one",
    b"\x89PNG": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"GIF8": "a picture (GIF)",
    b"\x1f\x8b": "a gzip archive",
}
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # begins as the one of UTF-16 does
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_META = re.compile(
    rb"<(?:meta[^>]{0,200}?charset|\?xml[^>]{0,100}?encoding)\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE
)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_UNFIT = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"}
_WEB_NAMES = {"iso8859-1": "cp1252", "ascii": "cp1252"}
_KEPT = ("PATH", "HOME", "TMPDIR", "TEMP", "TMP", "APPDATA", "SYSTEMROOT", "LD_LIBRARY_PATH")
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}


def read_document(path: str | Path, *, max_bytes: int = 50_000_000, timeout: float = TIMEOUT) -> str:
    """Return the text of a file, as Markdown where it has structure.

    It takes a second and more: call it in a thread (`asyncio.to_thread`) where others wait.

    Args:
        path: a file that ends in one of `SUFFIXES`.
        max_bytes: a larger file is refused before it is read.
        timeout: seconds for the conversion of what is not plain text.

    Raises:
        UnreadableDocument: it cannot be read; the message names the file and says what to do.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UnreadableDocument(f"{path}: cannot be read by its ending {suffix!r}: there are {', '.join(SUFFIXES)}")
    return convert_document(_read_bytes(path, max_bytes), suffix, str(path), timeout=timeout)


def convert_document(data: bytes, suffix: str, name: str, *, timeout: float = TIMEOUT, charset: str = "") -> str:
    """Return the text of a document that is already in memory.

    Args:
        data: its bytes.
        suffix: one of `SUFFIXES`.
        name: what error messages call it.
        timeout: seconds for the conversion.
        charset: the encoding of its text, where somebody said so.

    Raises:
        UnreadableDocument: it cannot be read.
    """
    if not data.strip():
        raise UnreadableDocument(f"{name}: holds no text: the file is empty")
    _check_kind(data, suffix, name)
    if suffix in (".html", ".htm"):
        text = _convert("html", _decode_html(data, name, charset).encode("utf-8", "replace"), name, timeout)
    elif suffix in _CONVERTED:
        text = _convert(suffix[1:], data, name, timeout)
    else:
        text = decode_text(data, name, charset=charset)
    return _checked(text, suffix, name)


def decode_text(data: bytes, name: str, *, charset: str = "") -> str:
    """Return bytes as text: by their byte-order mark, the charset told, as UTF-8, or by a good guess.

    Raises:
        UnreadableDocument: it is no text, or of an encoding that cannot be told.
    """
    for mark, coding in _BOMS.items():
        if data.startswith(mark):
            return _no_nul(_decode(data, coding, name), name)
    if codec := _known_codec(charset):
        return _no_nul(data.decode(codec, "replace"), name)
    if b"\0" in data:
        raise _binary(name)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _guess(data, name)


def _read_bytes(path: Path, max_bytes: int) -> bytes:
    try:
        # not to wait for the writer of a pipe; what was opened is looked at, not what the path leads to later
        opened = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(opened, "rb") as file:
            _check_file(os.fstat(opened), path, max_bytes)
            data = file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise UnreadableDocument(f"{str(path)[:300]}: there is no such file: check the path") from error
    except IsADirectoryError as error:
        raise _not_a_file(path) from error
    except (OSError, ValueError) as error:  # a NUL in the path is a ValueError
        if isinstance(error, UnreadableDocument):
            raise
        raise UnreadableDocument(f"{str(path)[:300]!r}: cannot be opened: {error}") from error
    if len(data) > max_bytes:
        raise UnreadableDocument(f"{path}: grew while it was read, to more than {max_bytes:,} bytes")
    return data


def _check_file(status: os.stat_result, path: Path, max_bytes: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _not_a_file(path)
    if status.st_size > max_bytes:
        raise UnreadableDocument(
            f"{path}: {status.st_size:,} bytes are too many (at most {max_bytes:,}): split it, or remove its pictures"
        )


def _not_a_file(path: Path) -> UnreadableDocument:
    return UnreadableDocument(f"{path}: is a folder, a pipe or a device: name a file")


def _check_kind(data: bytes, suffix: str, name: str) -> None:
    """Refuse a document that is evidently another kind than its name says."""
    if suffix == ".pdf":
        right = b"%PDF-" in data[:1024]  # Acrobat allows something before it
    elif suffix in (".docx", ".pptx"):
        right = data.startswith(b"PK")
    else:
        right = not any(data.startswith(sign) for sign in _SIGNS)
    if not right:
        raise UnreadableDocument(f"{name}: is not what {suffix} says: it looks like {_looks_like(data)}")


def _looks_like(data: bytes) -> str:
    for sign, kind in _SIGNS.items():
        if data.startswith(sign):
            return kind
    if b"\0" in data[:10_000]:
        return "binary data"
    return "a web page (.html)" if re.match(rb"\s*<(!doctype )?html", data, re.IGNORECASE) else "plain text (.txt)"


def _checked(text: str, suffix: str, name: str) -> str:
    if len(text) > MAX_TEXT:
        raise UnreadableDocument(f"{name}: {convert.TOO_LONG}")
    if text.strip():
        return text
    why = ": its pages are pictures, as of a scanner; run text recognition (OCR) on it" if suffix == ".pdf" else ""
    raise UnreadableDocument(f"{name}: holds no text{why}")


def _decode_html(data: bytes, name: str, charset: str) -> str:
    found = _META.search(data[:4096])
    said = found[1].decode("ascii", "replace") if found else ""
    in_ascii = "" if said.lower().startswith(("utf-16", "utf-32")) else said  # it could be read, so it is neither
    return decode_text(data, name, charset=charset or in_ascii)


def _decode(data: bytes, coding: str, name: str) -> str:
    try:
        return data.decode(coding)
    except UnicodeDecodeError as error:
        raise UnreadableDocument(f"{name}: is not the {coding} that it begins as: save it as UTF-8") from error


def _known_codec(charset: str) -> str:
    """Return the codec of a charset as the web means it, or nothing where it is none for text."""
    try:
        codec = codecs.lookup(charset).name
        b"a".decode(codec, "replace")  # zlib and the like are no text; without a byte nobody asks
    except (LookupError, ValueError):
        return ""
    return "" if codec.replace("-", "_") in _UNFIT else _WEB_NAMES.get(codec, codec)


def _no_nul(text: str, name: str) -> str:
    if "\0" in text:
        raise _binary(name)
    return text


def _binary(name: str) -> UnreadableDocument:
    return UnreadableDocument(f"{name}: is not text but binary data: save it as text (UTF-8)")


def _guess(data: bytes, name: str) -> str:
    """Decode what is not UTF-8 by the encoding that its first million bytes speak for."""
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        raise UnreadableDocument(f"{name}: is not UTF-8: save it as UTF-8") from None
    sample = data[: (data.rfind(b"\n", 0, 1_000_000) + 1) or 1_000_000]
    matches = from_bytes(sample)
    best = matches.best()
    if best is None:
        raise _binary(name)
    # what speaks nearly as much for Western letters as for others is Western: "préfère" is not to become "préfčre"
    near = [m for m in matches if m.chaos <= best.chaos and m.coherence >= best.coherence - 0.1]
    western = any("cp1252" in match.could_be_from_charset for match in near)
    text = _decode(data, "cp1252" if western else best.encoding, name)
    if _CONTROLS.search(text):
        raise _binary(name)
    return text


def _convert(kind: str, data: bytes, name: str, timeout: float) -> str:
    """Convert in a child process that is ended, with all that it started, when its time is over."""
    if importlib.util.find_spec("markitdown") is None:
        raise UnreadableDocument(f'{name}: needs an extra to be read: pip install "persona-workbench[docs]"')
    with TemporaryFile() as source, TemporaryFile() as answer, TemporaryFile() as complaints:
        source.write(data)
        source.seek(0)
        child = subprocess.Popen(  # noqa: S603  # our own script
            [sys.executable, "-E", "-P", convert.__file__, kind],  # without PYTHONPATH and the current folder
            stdin=source,
            stdout=answer,
            stderr=complaints,
            env=_environment(),
            start_new_session=True,
        )
        code = _wait(child, name, timeout)
        answer.seek(0)
        said = answer.read(4 * MAX_TEXT + 1).decode("utf-8", "replace")
        if code == 0:
            return said
        if code == convert.REFUSED:
            raise UnreadableDocument(f"{name}: {said}")
        complaints.seek(0)
        last = complaints.read(100_000).decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
    raise UnreadableDocument(f"{name}: the converter stopped with {code} ({last}): save it anew, or as plain text")


def _wait(child: subprocess.Popen[bytes], name: str, timeout: float) -> int:
    try:
        return child.wait(timeout)
    except subprocess.TimeoutExpired:
        raise UnreadableDocument(
            f"{name}: takes more than {timeout:g} seconds to read: split it, or save it as plain text"
        ) from None
    finally:
        if child.poll() is None:
            _kill(child)


def _kill(child: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        child.kill()
    else:
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _environment() -> dict[str, str]:
    """Return what the child may know: no keys. Each thread of a numeric library would reserve memory."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | _ONE_THREAD
