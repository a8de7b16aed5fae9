"""The fonts of PDF files: all from packages, so that a PDF is the same on every machine."""

from __future__ import annotations

import importlib.util
import unicodedata
import warnings
from functools import cache
from pathlib import Path
from shutil import copyfile

from workbench.extraction.exporting.extras import needed

_SCRIPTS = (
    *("Arabic", "Hebrew", "Devanagari", "Thai", "Armenian", "Bengali", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi"),
    *("Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu"),
)
_CJK = {"ja": "JP", "ko": "KR", "zh-hans": "SC", "zh-cn": "SC", "zh": "SC", "zh-hant": "TC", "zh-tw": "TC"}
_CJK |= {"zh-hk": "HK", "yue": "HK"}
_DEJAVU = ("DejaVuSans.ttf", "DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf")
"""For code and for signs that Noto has in no font here; they come with matplotlib."""
_NAMED_AT_MOST = 10


def families(lang: str) -> list[str]:
    """Return the fonts of texts, the first first.

    Args:
        lang: which draws Chinese characters in its own way: ja, ko, zh-Hans, zh-Hant ...
    """
    cjk = f"Noto Sans CJK {_CJK.get(lang.lower(), _CJK.get(lang.lower().partition('-')[0], 'SC'))}"
    scripts = [f"Noto Sans {script}" for script in _SCRIPTS]
    return ["Noto Sans", *scripts, cjk, "Noto Emoji", "Noto Sans Symbols", "DejaVu Sans"]


def code_families(lang: str) -> list[str]:
    """Return the fonts of code."""
    return ["DejaVu Sans Mono", *families(lang)]


def put_fonts(folder: Path) -> list[str]:
    """Return the folders that have the fonts; what lies among others is copied to one of its own."""
    folder.mkdir()
    for file in _dejavu():
        copyfile(file, folder / file.name)
    return [str(_folder("manimgx_fonts")), str(_folder("manimgx_fonts_cjk")), str(folder)]


def _folder(package: str) -> Path:
    return Path(str(needed(package).__file__)).parent


def _dejavu() -> list[Path]:
    found = importlib.util.find_spec("matplotlib")  # its files: nothing is drawn
    assert found is not None
    assert found.origin is not None
    fonts = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"
    return [fonts / name for name in _DEJAVU]


def warn_of_missing(text: str) -> None:
    """Warn of letters that no font has: a PDF shows boxes in their place."""
    missing = sorted({letter for letter in text if ord(letter) not in _covered() and not _invisible(letter)})
    if missing:
        named = ", ".join(f"{letter} (U+{ord(letter):04X})" for letter in missing[:_NAMED_AT_MOST])
        more = f" and {len(missing) - _NAMED_AT_MOST} more" if len(missing) > _NAMED_AT_MOST else ""
        warnings.warn(f"no font has {named}{more}: the PDF shows boxes in their place", stacklevel=2)


def _invisible(letter: str) -> bool:
    variation = "\ufe00" <= letter <= "\ufe0f" or "\U000e0000" <= letter <= "\U000e01ef"
    return variation or unicodedata.category(letter) in ("Cc", "Cf", "Zs", "Zl", "Zp")


@cache
def _covered() -> frozenset[int]:
    """Return the letters that some font has."""
    fonts = needed("fontTools.ttLib")
    files = [
        *_folder("manimgx_fonts").glob("*.ttf"),
        *_folder("manimgx_fonts_cjk").glob("*.ttc"),
        *_dejavu(),
    ]
    letters: set[int] = set()
    for file in files:
        with fonts.TTFont(file, fontNumber=0, lazy=True) as font:
            letters.update(font.getBestCmap())
    return frozenset(letters)
