"""Whom a name means, and who is called by a word of their name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cast import world_at
from workbench.errors import UnknownName
from workbench.worlds.names import Names

WORDS = ["Ann", "ANN", "Lee", "Roy", "Dr.", "Mr.", "Jean-Luc", "O'Neil", "de", "李", "Şule", "x,"]
people = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join), min_size=1, unique=True)


@given(people)
def test_full_name_always_means_who_has_it(names):
    known = Names(names)
    assert [known.find(name) for name in names] == names


@given(people)
def test_full_name_in_another_case_means_who_alone_has_it(names):
    known = Names(names)
    for name in names:
        others = [one for one in names if one.casefold() == name.casefold()]
        assert len(others) > 1 or known.find(name.upper()) in (name, *[n for n in names if n == name.upper()])


@given(people, st.sampled_from(WORDS) | st.text(max_size=5))
def test_name_that_may_mean_several_means_none_of_them(names, wanted):
    known = Names(names)
    meant = known.meant(wanted)
    assert known.find(wanted) == (meant[0] if len(meant) == 1 else None)
    assert meant == known.in_order(meant)


@pytest.mark.parametrize(
    ("names", "wanted", "found"),
    [
        (["Cem, the cook", "Bob"], "Cem", "Cem, the cook"),
        (['Robert "Bob" Roy', "Ann"], "Bob", 'Robert "Bob" Roy'),
        (["Ann (Berlin)", "Ann (Rome)"], "Ann Rome", "Ann (Rome)"),
        (["Dr. Roy", "Mr. Roy"], "dr. roy", "Dr. Roy"),
        (["Dr. Roy", "Mr. Roy"], "Prof. Roy", None),
        (["Dr. Roy", "Ann"], "Mr. Roy", "Dr. Roy"),
        (["Ann Lee", "Ann"], "Ann", "Ann"),
        (["Ann Lee", "Ann"], "ann", "Ann"),
        (["Ann Lee", "Ann Kay"], "Kay Ann", "Ann Kay"),
        (["Ann Lee", "Bob"], "Bob, Ann", None),
        (["Ann", "Bob"], "@Bob", "Bob"),
        (["Ann", "Bob"], "Bob.", "Bob"),
    ],
)
def test_part_of_a_name_means_who_alone_has_it(names, wanted, found):
    assert Names(names).find(wanted) == found


@pytest.mark.parametrize("name", ["", " ", ".", "...", '"', "-"])
def test_name_without_a_word_means_nobody(name):
    assert Names(["Ann", "Dr. Roy", "Mr. X"]).meant(name) == []


def test_nobody_of_a_name_is_told_with_those_who_are_there(server):
    world = world_at(server, "Ann Lee", "Ann Kay")
    with pytest.raises(UnknownName, match="nobody called 'Zoe'; there are Ann Lee, Ann Kay"):
        world.person("Zoe")


def test_name_of_several_is_told_with_all_of_them(server):
    world = world_at(server, "Ann Lee", "Bob", "Ann Kay")
    with pytest.raises(UnknownName, match="'Ann' may be Ann Lee, Ann Kay: say whom you mean"):
        world.person("Ann")


# Called in a text


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("What do you think, Bob?", ["Bob Roy"]),
        ("Bob's is better than Ann’s.", ["Bob Roy", "Ann Lee"]),
        ("«Bob», (Cem) and [Ann]!", ["Bob Roy", "Cem, the cook", "Ann Lee"]),
        ("Well, Bob—and you, Cem—what now?", ["Bob Roy", "Cem, the cook"]),
        ("Bob/Cem?", ["Bob Roy", "Cem, the cook"]),
        ("**Bob**, @Cem, _Ann_", ["Bob Roy", "Cem, the cook", "Ann Lee"]),
        ("Mr. Roy, Bob, Roy", ["Bob Roy"]),
        ("The bob of a boat, and a roy.", []),
        ("Bobby and Annie", []),
        ("Nobody.", []),
        ("", []),
    ],
)
def test_somebody_is_called_by_a_word_of_their_name(text, called):
    assert Names(["Ann Lee", "Bob Roy", "Cem, the cook"]).mentioned(text) == called


def test_word_of_two_names_calls_neither():
    assert Names(["Ann Lee", "Ann Kay"]).mentioned("Ann, what do you say? And Kay?") == ["Ann Kay"]


@pytest.mark.parametrize(
    ("names", "text", "called"),
    [
        (["Ann Lee", "Ann Kay"], "Ann, what do you say? And Kay?", ["Ann Kay"]),
        (["Ann Lee", "Ann Kay", "Bob Lee"], "Ann Lee, what do you say?", ["Ann Lee"]),
        (["Ann Lee", "Ann"], "Ann, what do you say?", ["Ann"]),
        (["Person 1", "Person 2"], "I have 2 dogs; and you, Person 1?", ["Person 1"]),
        (["Cem the Cook", "Anna de Vries"], "The man de the Hague", []),
        (["ann", "Bob"], "What do you say, ann?", ["ann"]),
    ],
)
def test_word_of_two_names_and_words_that_are_no_names_call_nobody(names, text, called):
    assert Names(names).mentioned(text) == called


@given(people, st.text())
def test_only_those_are_called_who_are_there(names, text):
    called = Names(names).mentioned(f"{text} {names[0]}!")
    assert set(called) <= set(names)
    assert len(called) == len(set(called))


@pytest.mark.parametrize("said", ["Zofia", "zofia", "Żofia", "Z\u0307ofia", "ZOFIA NUNEZ"])
def test_marks_on_letters_may_be_left_out(said):
    assert Names(["Żofia Núñez", "Ann"]).find(said) == "Żofia Núñez"


def test_name_as_it_is_written_goes_before_one_without_marks():
    assert [Names(["José", "Jose"]).find(name) for name in ("José", "Jose")] == ["José", "Jose"]
    assert Names(["José", "Jose"]).meant("jose") == ["Jose"]
