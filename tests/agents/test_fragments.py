"""Merging: mappings merge, lists append without repeats, scalars that conflict are errors."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.cast import LISA, person, write_json
from workbench.agents.person import load_fragment
from workbench.agents.persona import Fragment, Persona
from workbench.errors import InvalidPersona, UnknownName

TRUTHS = {"color": "red", "pet": "cat", "city": "Lyon", "when": 7}
"""What everybody agrees on, so that no scalar conflicts."""


def trees() -> st.SearchStrategy[dict]:
    """Fragments in which a key always has the same scalar, or a list, or a mapping of the same kind."""
    scalars = st.fixed_dictionaries({}, optional={key: st.just(value) for key, value in TRUTHS.items()})
    lists = st.fixed_dictionaries(
        {}, optional={key: st.lists(st.integers(0, 5), max_size=4, unique=True) for key in ("likes", "fears")}
    )

    def wider(inner: st.SearchStrategy[dict]) -> st.SearchStrategy[dict]:
        nested = st.fixed_dictionaries({}, optional={"home": inner, "work": inner})
        return st.builds(lambda a, b, c: {**a, **b, **c}, scalars, lists, nested)

    return wider(wider(st.builds(lambda a, b: {**a, **b}, scalars, lists))).map(lambda tree: {"facts": tree})


@given(trees(), trees(), trees())
def test_merging_is_associative_where_nothing_conflicts(a, b, c):
    one, two, three = Persona.parse({"name": "Lisa", **a}), Fragment.parse(b), Fragment.parse(c)
    assert one.merge(two).merge(three) == one.merge(two.merge(three))


@given(trees(), trees())
def test_merging_again_changes_nothing(a, b):
    once = Persona.parse({"name": "Lisa", **a}).merge(Fragment.parse(b))
    assert once.merge(Fragment.parse(b)) == once


@given(trees())
def test_merging_nothing_changes_nothing(a):
    lisa = Persona.parse({"name": "Lisa", **a})
    assert lisa.merge(Fragment.parse({})) == lisa
    assert Fragment.parse({}).merge(Fragment.parse(a)) == Fragment.parse(a)


@given(trees(), trees())
def test_everything_of_both_is_there(a, b):
    merged = Persona.parse({"name": "Lisa", **a}).merge(Fragment.parse(b)).to_dict()
    for tree in (a, b):
        assert holds(merged["facts"], tree["facts"])


def holds(whole, part) -> bool:
    if isinstance(part, dict):
        return all(key in whole and holds(whole[key], value) for key, value in part.items())
    return all(item in whole for item in part) if isinstance(part, list) else whole == part


def test_lists_append_in_order_without_repeats():
    lisa = Persona.parse({"name": "Lisa", "likes": ["a", "b", "b"]})
    assert lisa.merge(Fragment.parse({"likes": ["c", "b", "c", "d"]})).to_dict()["likes"] == ["a", "b", "b", "c", "d"]


def test_keys_keep_their_order_and_new_ones_come_last():
    lisa = Persona.parse({"name": "Lisa", "b": {"x": 1}, "a": 2}).merge(Fragment.parse({"c": 3, "b": {"y": 4}}))
    assert list(lisa.to_dict()) == ["name", "b", "a", "c"]
    assert lisa.to_dict()["b"] == {"x": 1, "y": 4}


def test_conflicts_are_all_named_with_both_values():
    fragment = Fragment.parse(
        {"age": 30, "occupation": {"title": "Cook"}, "skills": ["chess"], "nationality": "Canadian"}
    )
    with pytest.raises(InvalidPersona) as caught:
        Persona.parse(LISA).merge(fragment)
    assert "age is 28, the fragment says 30" in str(caught.value)
    assert "occupation.title is 'Data Scientist', the fragment says 'Cook'" in str(caught.value)
    assert "overwrite=True" in str(caught.value)
    assert "nationality" not in str(caught.value)


@pytest.mark.parametrize(
    ("mine", "new", "result"),
    [
        (28, 30, 30),
        (None, 30, 30),
        (28, None, 28),
        ("Cook", {"title": "Cook"}, {"title": "Cook"}),
        (["a"], "b", "b"),
    ],
)
def test_overwrite_takes_the_values_of_the_fragment(mine, new, result):
    merged = Persona.parse({"name": "Lisa", "fact": mine}).merge(Fragment.parse({"fact": new}), overwrite=True)
    assert merged.to_dict() == {"name": "Lisa", "fact": result}


@pytest.mark.parametrize(("mine", "new"), [(1, True), (0, False), (1, 1.0), ("1", 1), (["a"], "a"), ({"a": 1}, "a")])
def test_values_of_other_types_conflict(mine, new):
    with pytest.raises(InvalidPersona, match="fact is"):
        Persona.parse({"name": "Lisa", "fact": mine}).merge(Fragment.parse({"fact": new}))


@given(st.text(min_size=1), st.text(min_size=1))
def test_conflict_changes_nothing(a, b):
    assume(a != b)
    lisa = person(motto=a)
    with pytest.raises(InvalidPersona):
        lisa.merge({"motto": b})
    assert lisa.persona.to_dict()["motto"] == a


# Where fragments come from


def test_fragment_is_a_file_a_mapping_or_an_example(tmp_path):
    inner = {"skills": ["chess"]}
    file = write_json(tmp_path / "chess.fragment.json", {"type": "Fragment", "persona": inner})
    assert load_fragment(file) == load_fragment(str(file)) == load_fragment(inner) == Fragment.parse(inner)
    assert load_fragment("thrifty").to_dict()


def test_person_takes_a_fragment_of_every_kind(tmp_path):
    file = write_json(tmp_path / "chess.fragment.json", {"type": "Fragment", "persona": {"skills": ["chess"]}})
    lisa = person().merge(file).merge({"skills": ["go"]}).merge(Fragment.parse({"skills": ["piano"]})).merge("thrifty")
    assert lisa.persona.skills[:3] == ["chess", "go", "piano"]


def test_person_is_no_fragment(tmp_path):
    file = write_json(tmp_path / "lisa.agent.json", {"type": "TinyPerson", "persona": LISA})
    with pytest.raises(InvalidPersona, match=r"lisa\.agent\.json: type: 'TinyPerson' is not one of Fragment"):
        person().merge(file)


def test_unknown_example_lists_those_there_are():
    with pytest.raises(UnknownName, match=r"'thirfty'.*thrifty"):
        load_fragment("thirfty")


def test_merge_cannot_rename_a_person():
    lisa = person()
    with pytest.raises(InvalidPersona, match="a name cannot be changed"):
        lisa.merge({"name": "Oscar"}, overwrite=True)
    assert lisa.name == "Lisa"
