"""Which country a text means."""

from __future__ import annotations

import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.agents.countries import LANGUAGES, country_in, country_name, country_of
from workbench.errors import InvalidSettings

WORDS = json.loads((resources.files("workbench") / "data" / "nationalities.json").read_text(encoding="utf-8"))
UNINHABITED = {"AQ", "BV", "GS", "HM", "IO", "TF", "UM"}
ONLY_A_NAME = {"SJ"}


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("ES", ["ES", "es", "Spain", " españa ", "ESPANA", "Spanish", "Spaniards", "Испания", "スペイン"]),
        ("DE", ["Deutschland", "German", "Germans", "Allemagne", "Đức", "NIEMCY"]),
        ("JP", ["日本", "Japanese", "Japón"]),
        ("RU", ["Россия", "Russian", "Russian Federation"]),
        ("IN", ["भारत", "Indian", "Indians"]),
        ("EG", ["مصر", "Egyptian"]),
        ("US", ["United States of America", "USA", "U.S.A.", "U.S.", "us", "American", "Americans", "Estados Unidos"]),
        ("GB", ["UK", "uk", "U.K.", "British", "English", "Scot", "Welshwomen", "Great Britain", "Northern Ireland"]),
        ("AS", ["American Samoa", "American Samoan"]),
        ("WS", ["Samoa", "Samoan"]),
        ("NL", ["Dutch", "the Netherlands", "Dutchmen", "Holland"]),
        ("NE", ["Niger", "Nigerien"]),
        ("NG", ["Nigeria", "Nigerian"]),
        ("KR", ["Korea", "Korean", "South Korean", "Republic of Korea", "대한민국"]),
        ("KP", ["North Korea", "North Koreans", "DPRK"]),
        ("GN", ["Guinea", "Guinean"]),
        ("GW", ["Guinea-Bissau", "Guinea Bissau", "Bissau-Guinean"]),
        ("GQ", ["Equatorial Guinea", "Equatorial Guinean"]),
        ("PG", ["Papua New Guinea", "Papua New Guineans"]),
        ("DO", ["Dominican", "Dominican Republic"]),
        ("DM", ["Dominica"]),
        ("CD", ["DR Congo", "Congo - Kinshasa", "Democratic Republic of the Congo"]),
        ("CG", ["Congo-Brazzaville", "Republic of the Congo"]),
        ("CI", ["Côte d’Ivoire", "cote d'ivoire", "Ivory Coast", "Ivorian"]),
        ("LC", ["St. Lucia", "St Lucia", "Saint Lucia"]),
        ("GE", ["Georgia", "Georgian"]),
        ("TD", ["Chad", "Tschad"]),
        ("TR", ["Turkey", "Türkiye", "Turkiye", "turkish", "Turks"]),
        ("PL", ["Polish", "polish", "Poles", "Polska"]),
    ],
)
def test_a_country_by_code_name_or_nationality(code: str, texts: list[str]) -> None:
    assert {text: country_of(text) for text in texts} == dict.fromkeys(texts, code)


@pytest.mark.parametrize(
    "text", ["Atlantis", "", " ", "Congo", "Congolese", "EU", "ZZ", "man", "women", "Latin America"]
)
def test_what_cannot_be_told(text: str) -> None:
    assert country_of(text) is None


def test_every_nationality_leads_to_its_country() -> None:
    wrong = [
        (word, code) for code, words in WORDS["nationalities"].items() for word in words if country_of(word) != code
    ]
    wrong += [(word, code) for code, words in WORDS["names"].items() for word in words if country_of(word) != code]
    assert wrong == []


def test_every_country_has_a_name_and_a_nationality() -> None:
    from babel import Locale

    codes = {code for code in Locale("en").territories if len(code) == 2 and code.isalpha() and country_of(code)}
    assert len(codes) >= 245
    assert {code for code in codes if country_of(country_name(code)) != code} == set()
    assert codes - set(WORDS["nationalities"]) <= UNINHABITED | ONLY_A_NAME


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_in_other_languages(language: str) -> None:
    from babel import Locale

    names = {code: str(name) for code, name in Locale.parse(language).territories.items() if country_of(code) == code}
    wrong = {code: name for code, name in names.items() if country_of(name) != code}
    assert len(wrong) <= 2, wrong


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("customers of a Spanish supermarket", "ES"),
        ("a Brazilian doctor who loves heavy metal", "BR"),
        ("brazilian women", "BR"),
        ("people from the United States.", "US"),
        ("nurses in the U.S.", "US"),
        ("He lives in the U.S. and works in the US.", "US"),
        ("clientes de un supermercado en España", "ES"),
        ("Kunden eines Supermarkts in Deutschland", "DE"),
        ("東京に住む日本の医者", "JP"),
        ("दिल्ली भारत का डॉक्टर", "IN"),
        ("жители, Россия", "RU"),
        ("Turkish bakers in Turkey", "TR"),
        ("customers of Turkey-based shops", "TR"),
        ("roast turkey for Danes", "DK"),
        ("Polish plumbers", "PL"),
        ("farmers in Chad", "TD"),
        ("Jordan likes Italian food", "IT"),
        ("Georgia Smith from Georgia", "GE"),
        ("a Finn and his sauna", "FI"),
        ("Papua New Guinean teachers", "PG"),
        ("American Samoan fishers", "AS"),
        ("voters in the Democratic Republic of the Congo", "CD"),
        ("Spain's voters, ‘Spain’", "ES"),
        ("Spanish speakers in Mexico", "MX"),
        ("people who speak English in Kenya", "KE"),
        ("French-speaking Canadians", "CA"),
        ("Afro-Brazilian women", "BR"),
        ("indie music fans in Brazil", "BR"),
        ("' Spain", "ES"),
    ],
)
def test_the_country_that_a_description_speaks_of(text: str, code: str) -> None:
    assert country_in(text) == code


@pytest.mark.parametrize(
    "text",
    [
        "French and German nurses",
        "US and UK customers",
        "Turkish-German families",
        "中国和日本的学生",
        "people who eat turkey and polish shoes, on good china",
        "Chad, who works in a bank",
        "Jordan, who works",
        "people like us",
        "IT workers",
        "Latin American students",
        "farmers of New Mexico",
        "guinea pig owners",
        "people on a small island",
        "Y los niños",
        "a man of 30",
        "miners in Congo",
        "owners of small shops",
        "... -- !",
        "",
    ],
)
def test_none_where_none_or_several_are_spoken_of(text: str) -> None:
    assert country_in(text) is None


pieces = st.sampled_from(
    ["Spain", "Spanish", "' ", "'s", "’", "the", "Turkey", "日本", "U.S.", ".", "-", "Guinea", "in", " "]
)


@given(st.text() | st.lists(pieces).map("".join))
def test_any_text_has_one_country_or_none(text: str) -> None:
    for code in (country_in(text), country_of(text)):
        assert code is None or country_of(code) == code


def test_countries_have_english_names() -> None:
    assert (country_name("ES"), country_name("CI")) == ("Spain", "Côte d’Ivoire")
    with pytest.raises(InvalidSettings, match="'EU' is no country: give its two letters"):
        country_name("EU")
