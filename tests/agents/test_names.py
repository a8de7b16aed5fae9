"""Names fit people, and nobody is called like another."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import unicodedata
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.agents.locales import locale_of
from workbench.agents.names import Lists, NameFor, draw_names, new_name, same_name
from workbench.errors import InvalidSettings

SCRIPTS = {
    "ES": {"LATIN"},
    "BR": {"LATIN"},
    "JP": {"CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC"},
    "RU": {"CYRILLIC"},
    "US": {"LATIN"},
    "IN": {"DEVANAGARI"},
    "EG": {"ARABIC"},
    "GR": {"GREEK"},
    "KR": {"HANGUL"},
    "GE": {"GEORGIAN"},
}
PEOPLE = [
    NameFor(country, ("female", "male", None)[number % 3], 1950 + number % 50)
    for number, country in enumerate(["ES", "BR", "JP", "RU", "US", "IN", "EG"] * 143)
][:1000]


def scripts(name: str) -> set[str]:
    return {unicodedata.name(letter).split()[0] for letter in name if letter.isalpha()}


def several(
    country: str, gender: str | None = None, *, n: int = 60, seed: int = 1, born: int | None = None
) -> list[str]:
    return draw_names([NameFor(country, gender, born)] * n, seed=seed)


def test_a_thousand_people_have_names_of_their_own_in_their_script() -> None:
    names = draw_names(PEOPLE, seed=3)
    assert len({same_name(name) for name in names}) == len(names) == 1000
    assert {
        person.country for person, name in zip(PEOPLE, names, strict=True) if scripts(name) - SCRIPTS[person.country]
    } == set()
    assert all(name == unicodedata.normalize("NFC", name.strip()) and "  " not in name for name in names)


@pytest.mark.parametrize("country", ["GR", "KR", "GE", "BG", "SI", "AZ", "NL", "TR", "DE"])
def test_what_is_damaged_in_the_lists_reaches_nobody(country: str) -> None:
    names = several(country, n=500)
    assert not [name for name in names if not re.fullmatch(r"[^\W\d_]([^\W\d_]|[ '’‘-])*", name)]
    assert not [name for name in names if len(scripts(name) - {"MODIFIER"}) > 1]
    assert not [name for name in names if name[0] != name[0].title()]


def test_the_same_seed_draws_the_same_names_and_another_others() -> None:
    assert draw_names(PEOPLE, seed=3) == draw_names(PEOPLE, seed=3)
    same = sum(a == b for a, b in zip(draw_names(PEOPLE, seed=3), draw_names(PEOPLE, seed=4), strict=True))
    assert same < 20


def test_another_process_draws_the_same_names() -> None:
    code = (
        "from workbench.agents.names import NameFor, draw_names\n"
        "print(ascii(draw_names([NameFor('JP'), NameFor('IN', 'f'), NameFor('US', None, 1960)], seed=5)))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "77", "LC_ALL": "C", "TZ": "Asia/Tokyo"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    here = draw_names([NameFor("JP"), NameFor("IN", "f"), NameFor("US", None, 1960)], seed=5)
    assert run.stdout.strip() == ascii(here)


def test_the_libraries_are_loaded_when_names_are_drawn() -> None:
    code = "import sys, workbench.agents.names as _; print({'faker', 'babel'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_threads_do_not_change_each_others_names() -> None:
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda seed: draw_names(PEOPLE[:200], seed=seed), [1, 2] * 4))
    assert drawn == [draw_names(PEOPLE[:200], seed=seed) for seed in [1, 2] * 4]


def test_who_stands_behind_changes_nobody_before() -> None:
    assert draw_names(PEOPLE, seed=3)[:40] == draw_names(PEOPLE[:40], seed=3)


def test_nobody_gets_a_name_that_is_taken_however_it_is_written() -> None:
    before = several("ES", n=200)
    taken = [unicodedata.normalize("NFD", name).upper() for name in before]
    after = draw_names([NameFor("ES")] * 200, seed=1, taken=taken)
    assert not {same_name(name) for name in before} & {same_name(name) for name in after}


def test_russian_women_have_the_form_of_women() -> None:
    women, men = several("RU", "woman"), several("RU", "man")
    assert all(name.endswith(("а", "я")) for name in women)
    assert not any(name.endswith(("ова", "ева", "ина", "ая")) for name in men)


@pytest.mark.parametrize(("country", "ending"), [("CZ", "ová"), ("IS", "dóttir"), ("LT", "ienė"), ("BG", "а")])
def test_so_do_others(country: str, ending: str) -> None:
    women, men = several(country, "f"), several(country, "m")
    assert sum(name.endswith(ending) for name in women) > 40
    assert not any(name.endswith(ending) for name in men if country != "BG")


@pytest.mark.parametrize("gender", ["female", "Woman", " F ", "trans woman"])
def test_gender_is_understood(gender: str) -> None:
    assert several("ES", gender) == several("ES", "female")


def test_women_and_men_have_names_of_their_own() -> None:
    women, men = ({name.split()[0] for name in several("ES", gender, n=400)} for gender in ("female", "male"))
    assert len(women & men) < 0.1 * len(women)


@pytest.mark.parametrize("gender", [None, "", "non-binary", "female or male"])
def test_others_are_drawn_from_all(gender: str | None) -> None:
    assert several("ES", gender) == several("ES")


def test_the_family_stands_first_where_that_is_the_custom() -> None:
    from faker.providers.person.hu_HU import Provider as Hungarian
    from faker.providers.person.ja_JP import Provider as Japanese

    assert {name.split()[0] for name in several("HU")} <= set(Hungarian.last_names)
    assert {name.split()[0] for name in several("JP")} <= {family[0] for family in Japanese.last_name_pairs}
    assert not any(" " in name for name in several("KR") + several("CN"))


def test_years_show_in_american_names() -> None:
    def common(born: int) -> set[str]:
        names = Counter(name.split()[0] for name in several("US", "female", n=600, born=born))
        return {name for name, _ in names.most_common(12)}

    assert {"Mary", "Linda", "Patricia"} <= common(1950)
    assert {"Emily", "Madison", "Hannah"} <= common(2000)
    assert not common(1950) & common(2000)


@pytest.mark.parametrize("born", [1850, 1910, 2017, 2030])
def test_years_without_figures_take_the_nearest(born: int) -> None:
    assert len(several("US", born=born, n=20)) == 20


def test_a_short_list_goes_on_with_a_second_given_name() -> None:
    names = several("NG", "f", n=900)
    assert len(set(names)) == 900
    assert {name.count(" ") for name in names[:100]} == {1}
    assert 350 <= sum(name.count(" ") == 1 for name in names) <= 400
    assert {name.count(" ") for name in names[-100:]} == {2}


def test_then_with_a_second_family_name_and_then_it_says_how_many_there_are() -> None:
    random = Random(1)
    lists, used = Lists(lambda: random.choice("AB"), lambda: random.choice("XY"), "en"), set[str]()
    for n_words in [{2}] * 4 + [{3}] * 4 + [{3, 4}] * 8:
        name = new_name(lists, used, "Nowhere")
        assert len(name.split()) in n_words
        used.add(same_name(name))
    with pytest.raises(
        InvalidSettings, match=r"names of Nowhere are used up: 180 draws found 1[56] names, all of them taken"
    ):
        new_name(lists, used, "Nowhere")


def test_countries_without_names_are_told_all_at_once_before_any_is_drawn() -> None:
    wanted = [NameFor("ES"), NameFor("ET"), NameFor("SN"), NameFor("ET")]
    with pytest.raises(InvalidSettings, match=r"no lists of names for Ethiopia \(ET\), Senegal \(SN\): give names="):
        draw_names(wanted, seed=1)
    with pytest.raises(InvalidSettings, match=r"for women of Pakistan \(PK\)"):
        draw_names([NameFor("PK", "m"), NameFor("PK", "f")], seed=1)
    assert several("PK", "male")


@pytest.mark.parametrize("country", ["", "XX", "Spain", "es"])
def test_what_is_no_country_is_told(country: str) -> None:
    with pytest.raises(InvalidSettings, match=f"'{country}' is no country"):
        draw_names([NameFor(country)], seed=1)


@pytest.mark.parametrize(
    ("country", "locale"),
    [
        *(("ES", "es_ES"), ("IN", "hi_IN"), ("CH", "de_CH"), ("BE", "nl_BE"), ("NG", "en_NG"), ("TH", "th_TH")),
        *(("PE", "es_CO"), ("MA", "ar_AA"), ("AT", "de_AT"), ("CA", "en_US"), ("HK", "zh_TW"), ("DZ", "ar_DZ")),
    ],
)
def test_locale_of_a_country(country: str, locale: str) -> None:
    assert locale_of(country) == locale


def test_nobody_gets_none() -> None:
    assert draw_names([], seed=1) == []


def test_a_thousand_names_take_no_time() -> None:
    draw_names(PEOPLE, seed=1)
    start = time.perf_counter()
    draw_names(PEOPLE, seed=2)
    assert time.perf_counter() - start < 1


people = st.builds(
    NameFor,
    st.sampled_from([*SCRIPTS, "VN", "HU", "CN", "LT", "PE", "NG"]),
    st.sampled_from(["female", "male", "other", None]),
    st.none() | st.integers(1900, 2020),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(people, max_size=80), st.integers(0, 2**40))
def test_names_are_unique_for_any_mix(wanted: list[NameFor], seed: int) -> None:
    names = draw_names(wanted, seed=seed)
    assert len({same_name(name) for name in names}) == len(wanted)
    assert draw_names(wanted, seed=seed) == names
