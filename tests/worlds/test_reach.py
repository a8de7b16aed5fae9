"""Who can reach whom, and where what people do goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InvalidSettings
from workbench.record.events import Happening
from workbench.worlds.names import Names
from workbench.worlds.reach import Reach
from workbench.worlds.routing import find_name, reach_out, route

NAMES = ("Ann Lee", "Bob Roy", "Cem", "Ann Kay")


def everyone() -> Reach:
    return Reach(NAMES)


def goes(type_: str, target: str, source: str, reach: Reach) -> tuple[Happening, str, bool]:
    """Where something goes that somebody does, what they are told of it, and whether it links two people."""
    way = route(Happening("action", type_, "Hello", source, target, heard_by=(source,)), reach)
    return way.happening, way.told_back, way.link


@pytest.mark.parametrize(
    ("spec", "reached"),
    [
        ("everyone", {"Bob Roy": "", "Cem": "", "Ann Kay": ""}),
        ("nobody", {}),
        ([], {}),
        ([("Ann Lee", "Cem")], {"Cem": ""}),
        ([["Cem", "Ann Lee", "neighbours"], ("Bob Roy", "Ann Lee")], {"Bob Roy": "", "Cem": "neighbours"}),
    ],
)
def test_reach_is_in_the_order_of_the_people(spec, reached):
    found = Reach(NAMES, spec).of("Ann Lee")
    assert (found, list(found)) == (reached, list(reached))


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("anyone", "'anyone'"),
        ([("Ann Lee", "Zoe")], "nobody here is called 'Zoe'"),
        ([("Ann", "Cem")], "nobody here is called 'Ann'"),
        ([("Ann Lee",)], "not a pair"),
        (["Ann Lee"], "not a pair"),
        ([("Ann Lee", "Cem", "x", "y")], "not a pair"),
        ([("Cem", "Cem")], "'Cem' .*themselves"),
    ],
)
def test_reach_that_cannot_be_says_why(spec, complaint):
    with pytest.raises(InvalidSettings, match=complaint):
        Reach(NAMES, spec)


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)).filter(lambda pair: pair[0] != pair[1])))
def test_links_go_both_ways_and_never_to_oneself(pairs):
    reach = Reach(NAMES, pairs)
    for one in NAMES:
        assert one not in reach.of(one)
        assert all(one in reach.of(other) for other in reach.of(one))
        assert set(reach.of(one)) == {b if a == one else a for a, b in pairs if one in (a, b)}


def test_link_keeps_what_two_people_are_to_each_other():
    reach = Reach(NAMES, [("Ann Lee", "Cem", "siblings")])
    reach.link("Cem", "Ann Lee")
    assert (reach.of("Ann Lee"), reach.of("Cem")) == ({"Cem": "siblings"}, {"Ann Lee": "siblings"})


# Names


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Bob Roy", "Bob Roy"),
        ("bob roy", "Bob Roy"),
        (" BOB ROY ", "Bob Roy"),
        ("Bob", "Bob Roy"),
        ("cem", "Cem"),
        ("Ann", None),
        ("Ann Lee", "Ann Lee"),
        ("Roy", "Bob Roy"),
        ("Mr. Roy", "Bob Roy"),
        ("Dr.", None),
        ("Bo", None),
        ("Bob R", None),
        ("", None),
        ("Zoe", None),
    ],
)
def test_name_means_one_person_or_nobody(name, found):
    assert find_name(name, NAMES) == found


def test_name_as_it_is_written_goes_first():
    assert [find_name(name, ("ann", "Ann", "ANN x")) for name in ("ann", "Ann", "ANN")] == ["ann", "Ann", None]


# Where actions go


@pytest.mark.parametrize(
    "target", ["", "all", "Everyone", " everybody ", "the group", "all in reach", "Ann Lee", "ann lee"]
)
def test_talk_to_all_is_heard_by_all_in_reach(target):
    talk, told, _ = goes("TALK", target, "Ann Lee", Reach(NAMES, [("Ann Lee", "Cem"), ("Ann Lee", "Bob Roy")]))
    assert (talk.target, talk.heard_by, told) == ("", ("Ann Lee", "Bob Roy", "Cem"), "")


@pytest.mark.parametrize("target", ["Bob Roy", "bob"])
def test_talk_to_one_is_heard_by_that_one(target):
    talk, _, _ = goes("TALK", target, "Cem", everyone())
    assert (talk.target, talk.heard_by) == ("Bob Roy", ("Cem", "Bob Roy"))


@pytest.mark.parametrize("target", ["Zoe", "Bob and Cem"])
def test_talk_to_somebody_unknown_is_heard_by_nobody_and_told_back(target):
    talk, told, link = goes("TALK", target, "Cem", everyone())
    assert (talk.target, talk.heard_by, link) == (target, ("Cem",), False)
    assert target in told


@pytest.mark.parametrize(("source", "heard"), [("Cem", "Ann Kay"), ("Ann Lee", "Ann Kay")])
def test_first_name_means_the_one_in_reach(source, heard):
    reach = Reach(NAMES, [("Cem", "Ann Kay"), ("Ann Lee", "Ann Kay")])
    assert goes("TALK", "ann", source, reach)[0].heard_by == (source, heard)


def test_first_name_of_several_is_told_back_with_their_names():
    talk, told, _ = goes("TALK", "ann", "Cem", everyone())
    assert talk.heard_by == ("Cem",)
    assert told == "More than one here is called ann: Ann Lee, Ann Kay. Nobody heard you; say whom you mean."
    assert reach_out("Cem", Names(NAMES), "ann") == ("", told)


def test_talk_to_somebody_out_of_reach_is_heard_by_nobody_and_told_back():
    talk, told, _ = goes("TALK", "bob", "Cem", Reach(NAMES, [("Cem", "Ann Lee")]))
    assert (talk.target, talk.heard_by) == ("Bob Roy", ("Cem",))
    assert told == "Bob Roy is not in reach and did not hear you."


@pytest.mark.parametrize("type_", ["THINK", "DONE", "WRITE_DOCUMENT"])
@pytest.mark.parametrize("target", ["", "Bob Roy", "all"])
def test_thoughts_are_private(type_, target):
    thought, told, link = goes(type_, target, "Cem", everyone())
    assert (thought.heard_by, told, link) == (("Cem",), "", False)


def test_reaching_out_links_two_people():
    reached, _, link = goes("REACH_OUT", "bob", "Cem", Reach(NAMES, "nobody"))
    assert (reached.target, reached.heard_by, link) == ("Bob Roy", ("Cem", "Bob Roy"), True)


@pytest.mark.parametrize("target", ["", "Zoe", "Cem", "all"])
def test_reaching_out_to_nobody_is_heard_by_nobody_and_told(target):
    reached, _, link = goes("REACH_OUT", target, "Cem", Reach(NAMES, "nobody"))
    assert (reached.heard_by, link) == (("Cem",), False)
    assert "nobody called" in reach_out("Cem", Names(NAMES), target)[1]


@given(
    st.sampled_from(["TALK", "THINK", "REACH_OUT", "DONE"]), st.text() | st.sampled_from(NAMES), st.sampled_from(NAMES)
)
def test_nobody_out_of_reach_ever_hears(type_, target, source):
    reach = Reach(NAMES, [("Ann Lee", "Cem"), ("Bob Roy", "Cem")])
    happening, _, link = goes(type_, target, source, reach)
    allowed = set(NAMES) if link else {source, *reach.of(source)}
    assert happening.heard_by[0] == source
    assert set(happening.heard_by) <= allowed
    assert len(happening.heard_by) == len(set(happening.heard_by))
