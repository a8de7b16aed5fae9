"""Which country a text means: by its code, its name in many languages, or the nationality in English.

Names come from CLDR (Babel); nationalities and other English names from `data/nationalities.json`. Which names people
of a country have is told by `locales.py` and `names.py`.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from importlib import resources

from workbench.errors import InvalidSettings

LANGUAGES = (
    *("es", "pt", "fr", "de", "it", "nl", "sv", "da", "nb", "fi", "pl", "cs", "hu", "ro", "el", "tr", "ru", "uk", "bg"),
    *("ar", "fa", "he", "hi", "bn", "id", "vi", "th", "zh", "zh_Hant", "ja", "ko", "ca", "hr", "sk", "sl", "lt", "et"),
)
"""Languages besides English whose names of countries are known; where two differ, the one that stands first counts."""
NO_COUNTRIES = {"AC", "AQ", "BV", "CP", "CQ", "DG", "EA", "EU", "EZ", "HM", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
"""Codes of CLDR where nobody lives, or that are no country of ISO 3166 (Kosovo's XK is kept)."""
NOT_ONE = {"congo", "kongo", "congolese", "man"}
"""Words of two countries in equal right, and the Isle of Man in Norwegian."""
CAPITAL = {
    "turkey",
    "polish",
    "pole",
    "poles",
    "china",
    "jersey",
    "guinea",
    "swede",
    "swedes",
    "dane",
    "danes",
    "chile",
}
"""Words that are something else as well: in a longer text they count with a capital letter only."""
FIRST_NAMES = {"chad", "jordan", "georgia", "finn"}
"""Words that people are called: in a longer text they count only behind a word that leads to a country."""
NO_COUNTRY_IN = (
    *("latin america", "latin american", "north america", "north american", "south america", "south american"),
    *("central america", "central american", "latin americans", "south americans", "north americans", "west indian"),
    *("new mexico", "new mexican", "new jersey", "new england", "guinea pig", "guinea pigs", "guinea fowl"),
    *("indian ocean", "french fries", "english channel", "central african", "island"),
    *("malte", "indie", "chili", "oma", "ira"),
)
"""Words that hold the name of a country, or are one in some language, and mean none in a description."""
LEADS_TO = {"in", "from", "of", "to", "at", "near", "across", "throughout", "around", "a"}
SPEAKS = {"speak", "speaks", "spoke", "learn", "learns", "learning", "fluent"}
SPOKEN = {"speaker", "speakers", "speaking", "language", "lessons"}
"""Words that show that "Spanish" is a language here, before it and behind it."""
_WORD = re.compile(r"[^\s,;:!?()\[\]{}\"“”„«»/|–—-]+")
_NO_SPACES = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]{2,}")
"""Scripts that put no spaces between words: Thai, Lao, kana, Chinese characters."""


UNSAID = "US"
"""Where people are from if nothing says it."""


def country_of(text: str) -> str | None:
    """Return the code (ISO 3166, two letters) of a country.

    Args:
        text: a code, the name of a country, or a nationality in English.

    Returns:
        The code; None where it cannot be told, as for "Congo", which is two.

    >>> country_of("Spain"), country_of("España"), country_of("brazilian"), country_of("JP"), country_of("Atlantis")
    ('ES', 'ES', 'BR', 'JP', None)
    """
    text = text.strip()
    if len(text) == 2 and text.upper() in _territories():
        return text.upper()
    return _named(text)


def require_country(text: str, where: str = "country") -> str:
    """Return the code of a country.

    Raises:
        InvalidSettings: it is none; `where` it stands is named.
    """
    if code := country_of(text):
        return code
    raise InvalidSettings(f"{where}: {text!r} is no country: give its name, such as 'Spain', or its code, such as 'ES'")


def home_of(country: str | None, about: str) -> tuple[str, str]:
    """Return the country that people are from, as two letters, and how it is known, in words.

    Args:
        country: as given.
        about: who they are, in words.

    Raises:
        InvalidSettings: a country that there is not.
    """
    if country is not None:
        return require_country(country), "as given"
    if found := country_in(about):
        return found, "as the description says"
    return UNSAID, "as the description names no one country: give country="


def country_in(text: str) -> str | None:
    """Return the one country that a description speaks of.

    Args:
        text: some words or sentences, as "customers of a Spanish supermarket".

    Returns:
        The code; None for no country, and for several. Words that only might mean one are passed over: "turkey",
        "Jordan" where it may be a first name, "Spanish speakers".

    >>> country_in("customers of a Spanish supermarket"), country_in("French and German nurses")
    ('ES', None)
    """
    words = [bare for word in _WORD.findall(text) if (bare := _bare(word))]
    found = {code for run in _NO_SPACES.findall(text) for code in _inside(run)}
    start = 0
    while start < len(words):
        length, code = _longest(words, start)
        found |= {code} if code else set()
        start += length
    return found.pop() if len(found) == 1 else None


def country_name(code: str) -> str:
    """Return the name of a country in English.

    Args:
        code: two letters, as "ES".

    Raises:
        InvalidSettings: no country has the code.
    """
    name = _territories().get(code)
    if name is None:
        raise InvalidSettings(f"{code!r} is no country: give its two letters of ISO 3166, such as 'ES' or 'JP'")
    return name


def _named(text: str) -> str | None:
    return _english().get(_plain(text)) or _foreign().get(_folded(text)) or _foreign().get(_plain(text))


def _longest(words: list[str], start: int) -> tuple[int, str | None]:
    """Return how many words from here on belong together, and the country that they name, if any."""
    for length in range(min(7, len(words) - start), 0, -1):
        here = words[start : start + length]
        if _plain(" ".join(here)) in NO_COUNTRY_IN:
            return length, None
        code = _named(" ".join(here))
        before, after = " ".join(words[max(start - 1, 0) : start]), " ".join(words[start + length : start + length + 1])
        if code and _is_meant(here, before.casefold(), after.casefold()):
            return length, code
    return 1, None


def _is_meant(here: list[str], before: str, after: str) -> bool:
    """Return whether words name a country where they stand: "in Turkey" is one, "roast turkey" is none."""
    if before in SPEAKS or after in SPOKEN:
        return False
    plain, small = _plain(here[0]), here[0][0].islower()
    if len(here) > 1:
        return not small or _plain(" ".join(here)) in _english()
    if plain in FIRST_NAMES:
        return not small and before in LEADS_TO
    return not small or (plain in _english() and plain not in CAPITAL and len(plain) > 3)


def _inside(run: str) -> set[str]:
    """Return the countries named in a text without spaces; the longer name hides those within it."""
    found = set()
    for name in _unspaced():
        if name in run:
            found.add(_foreign()[name])
            run = run.replace(name, " ")
    return found


@cache
def _unspaced() -> list[str]:
    return sorted((name for name in _foreign() if _NO_SPACES.fullmatch(name)), key=len, reverse=True)


@cache
def _territories() -> dict[str, str]:
    names = _cldr("en")
    return {code: names[code] for code in sorted(names) if len(code) == 2 and code not in NO_COUNTRIES}


def _cldr(language: str) -> dict[str, str]:
    from babel import Locale

    return {code: str(name) for code, name in Locale.parse(language).territories.items() if code.isalpha()}


@cache
def _english() -> dict[str, str]:
    file = resources.files("workbench") / "data" / "nationalities.json"
    words = json.loads(file.read_text(encoding="utf-8"))
    names = {_plain(name): code for code, name in _territories().items()}
    for code, others in words["names"].items():
        names |= {_plain(name): code for name in others}
    for code, nationalities in words["nationalities"].items():
        names |= {_plain(word): code for one in nationalities for word in (one, _plural(one))}
    return {name: code for name, code in names.items() if name not in NOT_ONE}


@cache
def _foreign() -> dict[str, str]:
    """Names as they are written, and without accents where that leaves a word long enough to be no other."""
    names: dict[str, str] = {}
    for language in LANGUAGES:
        for code, name in _cldr(language).items():
            if code in _territories():
                names.setdefault(_folded(name), code)
                if len(_plain(name)) >= 5:
                    names.setdefault(_plain(name), code)
    return {name: code for name, code in names.items() if name not in NOT_ONE}


def _plural(nationality: str) -> str:
    if nationality.endswith("man") and nationality != "German":
        return f"{nationality[:-3]}men"
    return nationality if nationality.endswith(("s", "sh", "ch", "ese")) else f"{nationality}s"


def _bare(word: str) -> str:
    """Return a word without quotes, the end of its sentence and the genitive: "Spain's." is Spain."""
    word = re.sub(r"['’]s$", "", word.strip("'’‘*_").rstrip("。、؟…"))
    return word.rstrip(".") if word.count(".") < 2 else word


def _folded(name: str) -> str:
    """Return a name for comparison: no difference of case, of hyphens, of apostrophes, of dots in abbreviations."""
    text = unicodedata.normalize("NFKC", name).casefold().replace("’", "'").replace(".", " ").replace("&", " and ")
    return " ".join(re.sub(r"[-–—(),]", " ", text).split())


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", _folded(name))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
