"""Which locale of Faker has the names of a country's people."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from workbench.agents.countries import country_name
from workbench.errors import InvalidSettings

STAND_INS = {
    "ar_AA": "AE BH EG EH IQ JO KW LB LY MA MR OM QA SD SY TN YE",
    "el_GR": "CY",
    "en_GB": "AG AI AU BB BM BS BZ DM FK GD GG GI GY IM JE JM KN KY LC MS NF PN SH TC TT VC VG",
    "en_US": "CA VI",
    "es_AR": "PY UY",
    "es_CA": "AD",
    "es_CO": "BO CR CU DO EC GT HN NI PA PE PR SV VE",
    "es_ES": "GQ",
    "fa_IR": "AF",
    "fr_FR": "BL GF GP HT MC MF MQ NC PM RE",
    "it_IT": "SM VA",
    "ko_KR": "KP",
    "nl_NL": "AW SR",
    "no_NO": "SJ",
    "pt_PT": "AO CV GW MZ ST TL",
    "ro_RO": "MD",
    "ru_RU": "BY",
    "sv_SE": "AX",
    "zh_CN": "SG",
    "zh_TW": "HK MO",
}
"""Countries that Faker has no names for, behind the locale whose names most of their people could have.

A common official language is not enough: a clerk in Dakar is not called Dupont, nor one in Addis Ababa Smith. For them
there are no names rather than wrong ones. Canada is here since fr_CA is a fifth of it, and Faker's es_CA is Catalan."""

ONLY_MEN = {"en_PK"}
"""Locales whose given names are those of men, though Faker gives them to all."""


def locale_of(country: str) -> str:
    """Return the locale of Faker whose names a country's people have.

    Its own; of several, the one of the language that most of its people speak; else one that stands in.

    Args:
        country: two letters, as "ES".

    Raises:
        InvalidSettings: no country has that code, or there are no names for it.

    >>> locale_of("ES"), locale_of("IN"), locale_of("PE")
    ('es_ES', 'hi_IN', 'es_CO')
    """
    locale = _found(country)
    if locale is None:
        raise _no_names([f"{country_name(country)} ({country})"])
    return locale


def require_names(people: Iterable[tuple[str, str | None]]) -> None:
    """Check that there are names for all people.

    Args:
        people: the country of each, and "female", "male" or None.

    Raises:
        InvalidSettings: there are none for some; all their countries are named.
    """
    missing = []
    for country, gender in dict.fromkeys(people):
        locale = _found(country)
        if locale is None or (gender == "female" and locale in ONLY_MEN):
            missing.append(f"{'women of ' if locale else ''}{country_name(country)} ({country})")
    if missing:
        raise _no_names(missing)


def _no_names(whom: Iterable[str]) -> InvalidSettings:
    named = ", ".join(dict.fromkeys(whom))
    return InvalidSettings(
        f"there are no lists of names for {named}: give names=[...], or a country whose people have names like theirs"
    )


@cache
def _found(country: str) -> str | None:
    country_name(country)
    for locale, countries in STAND_INS.items():
        if country in countries.split():
            return locale
    own = [locale for locale in _locales() if locale.endswith(f"_{country}")]
    return max(own, key=lambda locale: _speakers(country, locale), default=None)


@cache
def _locales() -> tuple[str, ...]:
    """The locales that have lists of names."""
    provider = import_module("faker.providers.person")
    return tuple(sorted(module.name for module in iter_modules(provider.__path__) if "_" in module.name))


def _speakers(country: str, locale: str) -> float:
    """Return how many of a country speak the language of a locale, in per cent."""
    from babel.languages import get_territory_language_info

    info = get_territory_language_info(country).get(locale.partition("_")[0])
    return float(info["population_percent"] or 0) if info else 0.0
