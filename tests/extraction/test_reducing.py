"""`reduce`: rules for types of events, to a table."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cast import person, play, talk, think, turn, world_at
from workbench.errors import InvalidSettings
from workbench.extraction import rules
from workbench.extraction.reducing import reduce
from workbench.record.events import START, Event

TALK = {"TALK": lambda event: {"who": event.source, "words": event.content}}


def event(number, type_="TALK", content="Soup!", source="Ann", step=1):
    return Event(number, step, START, "action", type_, source, "", content)


async def ran(model_server, **options):
    script = play(Ann=[turn(talk("Soup!"), think("Is it?"))], Bob=[turn(talk("Bread!"))])
    world = world_at(model_server(script), "Ann", "Bob", **options)
    world.broadcast("What shall we sell?", source="Moderator")
    await world.run(1, live=False)
    return world


async def test_each_event_of_a_type_is_a_row_that_points_back_to_it(model_server):
    world = await ran(model_server)
    table = reduce(world, TALK)
    assert table[["who", "words"]].values.tolist() == [["Ann", "Soup!"], ["Bob", "Bread!"]]
    said = {one.id: one.content for one in world.events()}
    assert [[said[number] for number in ids] for ids in table["evidence"]] == [["Soup!"], ["Bread!"]]


async def test_runs_people_and_steps_are_labels(model_server):
    world = await ran(model_server)
    assert list(reduce([world, world], TALK).columns) == ["run", "who", "words", "evidence"]
    assert list(reduce(world, TALK, per="step").columns) == ["step", "who", "words", "evidence"]
    views = reduce(world, TALK, per="person")
    assert views.groupby("person")["words"].apply(list).to_dict() == {n: ["Soup!", "Bread!"] for n in ("Ann", "Bob")}


async def test_labels_and_the_ids_of_runs_are_told_and_events_of_one_run_are_links(model_server, tmp_path):
    world = await ran(model_server, record=tmp_path / "run.sqlite")
    run_id = world.file.spec["run"]
    views, both = reduce(world, TALK, per="person"), reduce({"A": world, "text": "Soup!"}, TALK)
    assert (views.attrs["reduction"]["labels"], views.attrs["runs"]) == (["person"], {"": run_id})
    assert (both.attrs["reduction"]["labels"], both.attrs["runs"]) == (["run"], {"A": run_id})
    assert "href" in views._repr_html_()
    assert "href" not in both._repr_html_()
    assert reduce("Soup!", {"PASSAGE": rules.words}).attrs["runs"] == {}


def test_columns_stand_in_the_order_of_first_appearance_and_gaps_are_missing():
    table = reduce(
        [event(1), event(2, "THINK", "Why?")],
        {"THINK": lambda e: {"doubt": e.content, "who": e.source}, "TALK": lambda e: {"who": e.source, "n": 5}},
    )
    assert list(table.columns) == ["who", "n", "doubt", "evidence"]
    assert table.isna().sum().to_dict() == {"who": 0, "n": 1, "doubt": 1, "evidence": 0}


def test_rule_may_return_several_rows_or_none():
    def each_word(e):
        return [{"word": word} for word in e.content.split()]

    def also_each_word(e):
        yield from each_word(e)

    events = [event(1, content="cold soup"), event(2, content="")]
    for rule in (each_word, also_each_word):
        assert reduce(events, {"TALK": rule}).to_dict("list") == {"word": ["cold", "soup"], "evidence": [[1], [1]]}
    assert reduce(events, {"TALK": lambda e: None}).shape == (0, 1)


def test_star_is_the_rule_of_all_other_types():
    events = [event(1), event(2, "DONE", ""), event(3, "BOOK_TABLE")]
    table = reduce(events, {**TALK, "*": lambda e: {"other": e.type}})
    assert table["other"].tolist()[1:] == ["DONE", "BOOK_TABLE"]
    assert table.attrs["reduction"]["n_events"] == {"TALK": 1, "*": 2}


def test_rule_that_needs_two_arguments_gets_the_events_before():
    events = [event(1), event(2), event(3, step=2)]
    count = {"TALK": lambda e, before: {"n": len(before)}}
    assert reduce(events, count)["n"].tolist() == [0, 1, 2]
    assert reduce(events, count, per="step")["n"].tolist() == [0, 1, 0]


def test_events_before_are_a_sequence_like_any_other():
    def seen(event, before):
        return {
            "all": [one.id for one in before],
            "back": [one.id for one in reversed(before)],
            "last two": [one.id for one in before[-2:]],
            "n": len(before),
            "last": before[-1].id if before else None,
        }

    table = reduce([event(1), event(2, "THINK"), event(3), event(4)], {"TALK": seen})
    first, last = table.iloc[0], table.iloc[-1]
    assert (first["all"], first["last two"], first["n"]) == ([], [], 0)
    assert (last["all"], last["back"], last["last two"], last["last"]) == ([1, 2, 3], [3, 2, 1], [2, 3], 3)
    with pytest.raises(InvalidSettings, match="IndexError"):
        reduce([event(1)], {"TALK": lambda _, before: {"last": before[-1].id}})


def test_default_of_a_rule_is_its_own():
    assert reduce([event(1)], {"TALK": lambda e, factor=3: {"n": factor}})["n"].tolist() == [3]


def test_nothing_found_is_an_empty_table_with_columns():
    assert list(reduce(person(), TALK).columns) == ["evidence"]
    assert list(reduce({"a": person(), "b": person()}, TALK, per="step").columns) == ["evidence"]
    assert list(reduce({"a": person()}, TALK).columns) == ["person", "evidence"]


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        (lambda e: 1 / 0, "'TALK', at event 7: ZeroDivisionError: division by zero"),
        (lambda e: {}["x"], "'TALK', at event 7: KeyError: 'x'"),
        (lambda e: (1 / 0 for _ in "x"), "'TALK', at event 7: ZeroDivisionError"),
        (lambda e: 5, "'TALK', at event 7: 5 is no row"),
        (lambda e: "words", "'TALK', at event 7: 'words' is no row"),
        (lambda e: [{"a": 1}, None], "'TALK', at event 7: None is no row"),
        (lambda e: {"evidence": 1}, "'TALK', at event 7: 'evidence' cannot be a column"),
        (lambda e: {"step": 1}, "'TALK', at event 7: 'step' cannot be a column"),
        (lambda e: {3: 1}, "'TALK', at event 7: 3 cannot be a column"),
    ],
)
def test_rule_that_fails_or_returns_no_row_is_named_with_its_event(rule, complaint):
    with pytest.raises(InvalidSettings, match=complaint):
        reduce([event(7)], {"TALK": rule}, per="step")


@pytest.mark.parametrize(
    ("type_", "complaint"),
    [
        ("talk", "did you mean 'TALK'"),
        ("TALKS", "did you mean 'TALK'"),
        ("TAKL", "did you mean 'TALK'"),
        ("reach out", "did you mean 'REACH_OUT'"),
        ("CONVERSATON", "did you mean 'CONVERSATION'"),
        ("BOOKTABLE", "did you mean 'BOOK_TABLE'"),
        ("something said", "no type of events"),
        ("", "no type of events"),
        (None, "no type of events"),
    ],
)
def test_type_that_no_event_can_have_is_noticed(type_, complaint):
    with pytest.raises(InvalidSettings, match=complaint):
        reduce([event(1), event(2, "BOOK_TABLE")], {type_: lambda e: None})


@pytest.mark.parametrize("type_", ["THINK", "STORY", "PAY_BILL"])
def test_type_that_no_event_has_is_fine_and_counted(type_):
    table = reduce([event(1)], {**TALK, type_: lambda e: {"n": 1}})
    assert table.attrs["reduction"]["n_events"] == {"TALK": 1, type_: 0}


@pytest.mark.parametrize("wrong", [{}, None, [len], {"TALK": "words"}])
def test_rules_that_are_none_are_refused(wrong):
    with pytest.raises(InvalidSettings, match="rules"):
        reduce([event(1)], wrong)


async def test_ready_made_rules(model_server):
    world = await ran(model_server)
    table = reduce(world, {"TALK": rules.exchange, "MIND": rules.mind, "THINK": rules.words})
    talked = table.dropna(subset=["after"])
    assert talked[["who", "words", "after", "after_whom"]].values.tolist() == [
        ["Ann", "Soup!", "What shall we sell?", "Moderator"],
        ["Bob", "Bread!", "Soup!", "Ann"],
    ]
    assert table["emotions"].dropna().tolist() == ["calm", "calm"]
    assert reduce([event(1, content="")], {"TALK": rules.words}).empty


@given(st.lists(st.sampled_from(["TALK", "THINK", "DONE"]), max_size=20))
def test_as_many_rows_as_events_of_the_types(types):
    events = [event(number, type_) for number, type_ in enumerate(types, start=1)]
    table = reduce({"run": events}, {**TALK, "THINK": lambda e: [{"n": 1}, {"n": 2}]})
    assert len(table) == types.count("TALK") + 2 * types.count("THINK")
    assert all(isinstance(row, list) for row in table["evidence"])


def test_same_events_give_the_same_table():
    events = [event(1), event(2, "THINK")]
    made = [reduce(events, {**TALK, "*": rules.words}) for _ in range(2)]
    pd.testing.assert_frame_equal(*made)
