"""Names that fit country, script, gender and, in the United States, the year of birth. No model is asked.

The lists are Faker's (https://faker.readthedocs.io). They have no years: outside the United States a name fits a person
of any age. Given names of people born in the United States are drawn as often as they were given in the decade of birth
(Social Security Administration, public domain, `data/us_given_names.json`).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import resources
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, cast

from workbench.agents.countries import country_name
from workbench.agents.locales import locale_of, require_names
from workbench.errors import InvalidSettings
from workbench.llm.seeds import derive_seed

if TYPE_CHECKING:
    from faker import Faker

FAMILY_FIRST = {"hu": " ", "ja": " ", "ko": "", "vi": " ", "zh": ""}
"""Languages that put the family's name first, and what stands between."""
TRIES = 60
"""Draws of a name that somebody has already before it is made longer."""
_WOMEN = (
    "female females woman women girl girls feminine mujer mujeres femenino femenina femme femmes féminin frau frauen "
    "weiblich donna donne femminile mulher mulheres feminino vrouw vrouwen vrouwelijk kvinna kvinnor kvinne kvinde "
    "kobieta kobiety женщина женский 女 女性 여성 여자 kadın"
)
_MEN = (
    "male males man men boy boys masculine hombre hombres masculino varón homme hommes masculin mann männer männlich "
    "uomo uomini maschile homem homens mannen mannelijk män menn mænd mężczyzna mężczyźni мужчина мужской 男 男性 남성 "
    "남자 erkek"
)
WOMEN, MEN = frozenset(_WOMEN.split()), frozenset(_MEN.split())
LETTERS = {"f": "female", "w": "female", "m": "male"}
"""That stand alone for a gender; inside a text ("I'm") they are something else."""
_ONE_AT_A_TIME = Lock()
"""Faker is made once a process for each locale and seeded for each name, which two threads must not do at once."""


@dataclass(frozen=True)
class NameFor:
    """Whom a name has to fit."""

    country: str
    """Two letters, as "ES"; `country_of` finds them."""
    gender: str | None = None
    """Female or male (woman, man, f, m ...); with any other, and with none, names of all are drawn from."""
    birth_year: int | None = None
    """Counts for the United States only."""


@dataclass(frozen=True)
class Lists:
    """Where the parts of a name come from: each call draws one."""

    given: Callable[[], str]
    family: Callable[[], str]
    language: str
    """Two letters: it decides what stands first."""

    def draw(self, n_given: int, n_family: int) -> str:
        """Return a name; what is drawn twice stands there once.

        Args:
            n_given: how many given names to draw.
            n_family: how many names of the family.
        """
        given = [self.given() for _ in range(n_given)]
        family = [self.family() for _ in range(n_family)]
        parts = [*family, *given] if self.language in FAMILY_FIRST else [*given, *family]
        return FAMILY_FIRST.get(self.language, " ").join(dict.fromkeys(parts))


def draw_names(wanted: Sequence[NameFor], *, seed: int, taken: Collection[str] = ()) -> list[str]:
    """Draw a name for each, no two of them alike however they are written (NFKC, case).

    Who stands behind does not change the names of those before.

    Args:
        wanted: whom the names are for.
        seed: the same one draws the same names, with the same release of Faker.
        taken: names that others have already.

    Returns:
        The names, in the order of `wanted`.

    Raises:
        InvalidSettings: there are no names for a country, which is told before any is drawn, or not enough.
    """
    require_names((one.country, gender_of(one.gender)) for one in wanted)
    names: list[str] = []
    used = {same_name(name) for name in taken}
    with _ONE_AT_A_TIME:
        for number, one in enumerate(wanted):
            names.append(new_name(_lists(one, derive_seed(seed, "name", number)), used, country_name(one.country)))
            used.add(same_name(names[-1]))
    return names


def new_name(lists: Lists, used: Collection[str], country: str) -> str:
    """Return a name that nobody has: of one given name, else of two, else of two given and two of the family.

    Args:
        lists: where its parts come from.
        used: what `same_name` makes of the names of others.
        country: its name in English.

    Raises:
        InvalidSettings: no other name was found.
    """
    drawn = set()
    for n_given, n_family in ((1, 1), (2, 1), (2, 2)):
        for _ in range(TRIES):
            name = lists.draw(n_given, n_family)
            if same_name(name) not in used:
                return name
            drawn.add(name)
    raise InvalidSettings(
        f"the names of {country} are used up: {TRIES * 3} draws found {len(drawn)} names, all of them taken; "
        "ask for fewer people of that country and gender, or give names=[...]"
    )


def same_name(name: str) -> str:
    """Return what is equal for names that read alike (NFKC, case).

    Args:
        name: as it is written.

    >>> same_name("JOSÉ Pérez") == same_name("Jose\u0301 Pe\u0301rez")
    True
    """
    return unicodedata.normalize("NFKC", name.casefold()).casefold()


def _lists(one: NameFor, seed: int) -> Lists:
    locale = locale_of(one.country)
    fake = _faker(locale)
    fake.seed_instance(seed)
    random = cast("Random", fake.random)
    gender = gender_of(one.gender) or random.choice(("female", "male"))
    given, family = (partial(_well_formed, getattr(fake, f"{part}_name_{gender}")) for part in ("first", "last"))
    if one.country == "US" and one.birth_year is not None:
        given = partial(_american, gender, one.birth_year, random)
    if locale == "lt_LT":
        given, family = partial(_lithuanian, given, gender), partial(_lithuanian_family, family, gender)
    return Lists(given, family, locale[:2])


def gender_of(gender: str | None) -> str | None:
    """Return female or male where one of them is said, and nothing else."""
    said = (gender or "").strip().casefold()
    if said in LETTERS:
        return LETTERS[said]
    words = set(re.findall(r"\w+", said))
    if bool(words & WOMEN) == bool(words & MEN):
        return None
    return "female" if words & WOMEN else "male"


def _american(gender: str, birth_year: int, random: Random) -> str:
    """Draw a name as often as it was given in the decade; before the first and after the last, in that one."""
    decades = _american_names()[gender]
    decade = min(max(birth_year // 10 * 10, min(decades)), max(decades))
    return random.choices(list(decades[decade]), list(decades[decade].values()))[0]


def _lithuanian(given: Callable[[], str], gender: str) -> str:
    """Draw until a name is one of the gender: Faker has one list for both, but men's names end in s."""
    while (name := given()).endswith("s") != (gender == "male"):
        pass
    return name


def _lithuanian_family(family: Callable[[], str], gender: str) -> str:
    """Draw a name in a woman's form (a wife's, the most common) or a man's: Faker has only the men's."""
    return family() if gender == "male" else re.sub(r"(i?us|as|is|ys|a|ė)$", "ienė", family())


@cache
def _american_names() -> dict[str, dict[int, dict[str, int]]]:
    file = resources.files("workbench") / "data" / "us_given_names.json"
    tables = json.loads(file.read_text(encoding="utf-8"))
    return {gender: {int(decade): names for decade, names in tables[gender].items()} for gender in ("female", "male")}


@cache
def _faker(locale: str) -> Faker:
    from faker import Faker

    return Faker(locale)


def _well_formed(draw: Callable[[], str]) -> str:
    """Draw until a name is one: Faker's lists have a few with typing errors."""
    while (name := _clean(draw())) is None:
        pass
    return name


@cache
def _clean(name: str) -> str | None:
    """Return a name in NFC with one space between words and a capital; None for what is damaged or abbreviated."""
    name = unicodedata.normalize("NFC", " ".join(name.split()))
    if not name or not name[0].isalpha() or not all(map(_belongs, name)) or len(_scripts(name)) > 1:
        return None
    if name.count(" ") > 2:
        return None
    return name if " " in name else name[0].title() + name[1:]


def _belongs(letter: str) -> bool:
    """Return whether a letter is one of names; the joiners shape letters of Hindi, Sinhala and Persian."""
    return unicodedata.category(letter)[0] in "LM" or letter in " -'’‘\u200c\u200d"


def _scripts(name: str) -> set[str]:
    """Return the alphabets of a name, of those whose letters look alike and are mixed up in typing."""
    scripts = {unicodedata.name(letter).partition(" ")[0] for letter in name if letter.isalpha()}
    return scripts & {"LATIN", "GREEK", "CYRILLIC"}
