"""Convert one document in a process of its own: `python convert.py pdf < file > text`.

What a hostile document does, it does to this process: it has little memory, no network and no keys, and `reading` ends
it when it takes too long. It runs as a script, without the workbench, so nothing of the workbench is imported here.

Exit codes: 0, the text is on stdout as UTF-8; `REFUSED`, stdout says in one sentence what is wrong with the document.
"""

from __future__ import annotations

import io
import logging
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any

MAX_TEXT = 20_000_000
"""Characters: thirty times a long novel. A longer text is refused, never cut."""

MEMORY = 2 * 1024**3
"""Bytes of address space: the imports take 0.5 GB of them, the largest documents that make sense 1 GB more."""

REFUSED = 3
"""The exit code that says: stdout is not the text but what is wrong."""

TOO_LONG = f"holds more than {MAX_TEXT:,} characters of text: split it into smaller files"

_UNPACKED = 300_000_000
_RATIO = 100
_PIECE = 65_536
_OFFICE = {"word/": "a Word file (.docx)", "ppt/": "a PowerPoint file (.pptx)", "xl/": "an Excel file (.xlsx)"}
_NETWORK = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"}
_DOCTYPES = tuple("<!DOCTYPE".encode(coding) for coding in ("utf-8", "utf-16-le", "utf-16-be"))
_PROTECTED = ("PDFPasswordIncorrect", "PDFEncryptionError", "PDFTextExtractionNotAllowed")


class Refused(Exception):
    """What is wrong with the document, as the end of a sentence that begins with its name."""


def main() -> int:
    """Convert stdin to stdout and return the exit code."""
    answer = sys.stdout.buffer
    sys.stdout = sys.stderr  # whatever a library prints is not the text
    logging.disable()
    _limit_memory()
    sys.addaudithook(_refuse_network)
    try:
        text = _CONVERTERS[sys.argv[1]](sys.stdin.buffer.read())
    except MemoryError:
        return _refuse(answer, f"needs more than {MEMORY // 1024**3} GB of memory to read: split it into smaller files")
    except Exception as error:  # noqa: BLE001  # the end of the process: the sentence is all that is left of it
        return _refuse(answer, _reason(error))
    if len(text) > MAX_TEXT:
        return _refuse(answer, TOO_LONG)
    answer.write(text.replace("\0", "\ufffd").encode("utf-8", "replace"))
    return 0


def _refuse(answer: io.BufferedIOBase | Any, sentence: str) -> int:
    answer.write(sentence.encode("utf-8", "replace"))
    return REFUSED


def _reason(error: Exception) -> str:
    if isinstance(error, Refused):
        return str(error)
    if type(error).__name__ in _PROTECTED:
        return "is protected by a password: save a copy without one"
    if isinstance(error, ImportError) or type(error).__name__ == "MissingDependencyException":
        return 'needs an extra to be read: pip install "persona-workbench[docs]"'
    if isinstance(error, RecursionError):
        return "is nested too deeply to be read: save it as plain text"
    said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return f"is damaged or not what its name says ({said}): open it in its program and save it anew"


def _from_pdf(data: bytes) -> str:
    from markitdown.converters import PdfConverter

    return _markdown(PdfConverter, data).replace("\f", "\n\n")


def _from_docx(data: bytes) -> str:
    _check_archive(data, "word/")
    from markitdown.converters import DocxConverter

    return _markdown(DocxConverter, data)


def _from_pptx(data: bytes) -> str:
    _check_archive(data, "ppt/")
    from markitdown.converters import PptxConverter

    return _markdown(PptxConverter, data)


def _from_html(data: bytes) -> str:
    from markitdown.converters import HtmlConverter

    return _markdown(HtmlConverter, data)


def _markdown(converter: Callable[[], Any], data: bytes) -> str:
    """Convert with one converter: the class `MarkItDown` would load a model to guess what we know."""
    from markitdown import StreamInfo

    return str(converter().convert(io.BytesIO(data), StreamInfo(charset="utf-8")).markdown)


_CONVERTERS: dict[str, Callable[[bytes], str]] = {
    "pdf": _from_pdf,
    "docx": _from_docx,
    "pptx": _from_pptx,
    "html": _from_html,
}


def _check_archive(data: bytes, folder: str) -> None:
    """Refuse an Office file that is another one, is encrypted, unpacks to too much, or lies about it.

    The converters unpack every member whole, so what the directory says is compared with what is really there.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
    total = sum(member.file_size for member in members)
    if total > _UNPACKED or (total > _UNPACKED // 10 and total > _RATIO * len(data)):
        raise Refused(f"is {len(data):,} bytes that unpack to {total:,}: this is no ordinary document")
    if not any(member.filename.startswith(folder) for member in members):
        raise Refused(f"is not {_OFFICE[folder]}: it looks like {_looks(members)}; give it the ending that it has")
    for member in members:
        _check_member(data, member)


def _looks(members: list[zipfile.ZipInfo]) -> str:
    for folder, office in _OFFICE.items():
        if any(member.filename.startswith(folder) for member in members):
            return office
    return "a zip archive"


def _check_member(data: bytes, member: zipfile.ZipInfo) -> None:
    if member.flag_bits & 1:
        raise Refused("is protected by a password: save a copy without one")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused(f"is packed in an unusual way ({member.filename[:100]!r}): save it anew")
    size, before = 0, b""
    for piece in _pieces(data, member):
        size += len(piece)
        if size > member.file_size:
            raise Refused(f"says that {member.filename[:100]!r} is smaller than it is: this is no ordinary document")
        if member.filename.endswith((".xml", ".rels")) and any(word in before + piece for word in _DOCTYPES):
            raise Refused(f"declares XML entities in {member.filename[:100]!r}: no ordinary document does that")
        before = (before + piece)[-20:]


def _pieces(data: bytes, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield what a member really holds, a little at a time."""
    lengths = struct.unpack_from("<HH", data, member.header_offset + 26)
    start = member.header_offset + 30 + sum(lengths)
    packed = memoryview(data)[start : start + member.compress_size]
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    for i in range(0, len(packed), _PIECE):
        rest = bytes(packed[i : i + _PIECE])
        if member.compress_type == zipfile.ZIP_STORED:
            yield rest
            continue
        while rest and not inflate.eof:
            yield inflate.decompress(rest, 16 * _PIECE)
            rest = inflate.unconsumed_tail
    yield inflate.flush()


def _limit_memory() -> None:
    """Limit the memory where the system can; elsewhere (Windows, macOS) only the time is limited."""
    try:
        import resource
    except ImportError:
        return
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, 8 * MAX_TEXT), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(what)[1]
        try:
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
        except (ValueError, OSError):
            continue  # macOS knows RLIMIT_AS and refuses to set it


def _refuse_network(event: str, _: tuple[Any, ...]) -> None:
    if event in _NETWORK:
        raise PermissionError(f"{event}: a document that is read does not reach the network")


if __name__ == "__main__":
    sys.exit(main())
