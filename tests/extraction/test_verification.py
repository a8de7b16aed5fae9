"""What a row rests on is verified: the events were shown, and quotations stand in them."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from tests.cast import llm_at, person
from workbench.errors import InvalidSettings
from workbench.extraction.extractor import extract
from workbench.extraction.fields import Quotation
from workbench.extraction.verification import verified
from workbench.record.events import START, Event

HEARD = ("I’d buy it in a carton.", "It is too dear – 3.20 euros!", "缶ではなく紙パックがいい。")


async def extracted(model_server, *rows, words=Quotation):
    server = model_server({"rows": list(rows)})
    source = person()
    for said in HEARD:
        source.listen(said)
    fields = {"reason": str, "words": words}
    table = await extract(source, "the reasons", fields=fields, llm=llm_at(server))
    return table, server


def row(words, *evidence):
    return {"reason": "a reason", "words": words, "evidence": list(evidence)}


@pytest.mark.parametrize(
    ("quoted", "event", "own"),
    [
        ("I'd buy it", 1, "I’d buy it"),
        ('"it is TOO dear - 3.20 euros"', 2, "It is too dear – 3.20 euros"),
        ("紙パックがいい", 3, "紙パックがいい"),
    ],
)
async def test_quotation_that_stands_in_an_event_is_given_in_its_words_with_its_place(model_server, quoted, event, own):
    table, _ = await extracted(model_server, row(quoted, event))
    (span,) = table["spans"][0]
    assert (table["words"][0], table["unsupported"][0]) == (own, False)
    assert (span["field"], span["event"]) == ("words", event)
    assert HEARD[event - 1][span["start"] : span["end"]] == own


@pytest.mark.parametrize(
    ("quoted", "note"),
    [
        ("I would buy it", "words: 'I would buy it' does not stand in the events that it names, and in no other"),
        ("too dear", "words: 'too dear' does not stand in the events that it names, but in event 2"),
        ("", "words: '' does not stand"),
        ("x" * 100, f"words: '{'x' * 60}…' does not stand"),
    ],
)
async def test_row_whose_quotation_is_not_there_is_kept_and_marked(model_server, quoted, note):
    table, _ = await extracted(model_server, row(quoted, 1))
    assert table[["words", "evidence", "spans", "unsupported"]].values.tolist() == [[quoted, [1], [], True]]
    assert table["note"][0].startswith(note)


@pytest.mark.parametrize(("quoted", "short"), [(".", True), ("the", True), ("dear", True), ("too dear", False)])
async def test_one_word_is_no_quotation(model_server, quoted, short):
    table, _ = await extracted(model_server, row(quoted, 2))
    assert table["unsupported"][0] == short


async def test_all_that_was_said_is_a_quotation_however_short(model_server):
    server = model_server({"rows": [row("yes", 1)]})
    fields = {"reason": str, "words": Quotation}
    table = await extract("Yes!", "the reasons", fields=fields, llm=llm_at(server))
    assert table[["words", "unsupported"]].values.tolist() == [["Yes", False]]


async def test_words_that_a_tool_was_given_are_found_behind_their_escapes(model_server):
    said = Event(1, 1, START, "action", "WRITE_DOCUMENT", "Ann", "", '{"text": "We say \\"cold\\" here."}')
    server = model_server({"rows": [row('We say "cold" here', 1)]})
    fields = {"reason": str, "words": Quotation}
    table = await extract([said], "the reasons", fields=fields, llm=llm_at(server))
    assert not table["unsupported"][0]


class Inner(BaseModel):
    words: Quotation


@pytest.mark.parametrize(
    "kind", [Inner, list[Inner], tuple[Quotation, ...], set[Quotation], dict[str, Quotation], int | Quotation]
)
async def test_quotation_inside_of_something_else_is_refused_before_anything_is_asked(server, kind):
    with pytest.raises(InvalidSettings, match="'words': a quotation is a field of its own"):
        await extract("Yes.", "reasons", fields={"words": kind}, llm=llm_at(server))
    assert server.n_requests == 0


@pytest.mark.parametrize(
    ("event", "theirs"),
    [
        (Event(1, 1, START, "action", "TALK", "Bob", "", "Soup!"), True),
        (Event(1, 1, START, "action", "TALK", "Ann", "Bob", "Soup!"), True),
        (Event(1, 1, START, "action", "TALK", "Ann", "", "Soup!"), False),
        (Event(1, 1, START, "stimulus", "CONVERSATION", "Moderator", "", "Soup?"), True),
        (Event(1, 1, START, "stimulus", "THOUGHT", "", "Bob", "Soup."), True),
    ],
)
def test_row_about_somebody_rests_on_something_of_theirs(event, theirs):
    found = verified({"idea": "soup"}, [1], {1: event}, (), person="Bob")
    assert found.note == ("" if theirs else "none of its events is Bob's")


async def test_everything_that_is_wrong_is_said(model_server):
    table, _ = await extracted(model_server, row("nobody said this", 1, 99))
    assert table["note"][0].startswith("it names event 99, not among those shown; words: 'nobody said this'")


async def test_quotation_may_be_missing_or_many(model_server):
    table, _ = await extracted(model_server, row(None, 1), words=Quotation | None)
    assert table[["words", "spans", "unsupported"]].values.tolist() == [[None, [], False]]
    many = row(["buy it", "too dear", "not there"], 1, 2)
    table, _ = await extracted(model_server, many, words=list[Quotation])
    assert table["words"][0] == ["buy it", "too dear", "not there"]
    assert [span["event"] for span in table["spans"][0]] == [1, 2]
    assert table["unsupported"][0]


async def test_model_is_told_that_quotations_are_checked(model_server):
    _, server = await extracted(model_server, row("buy it", 1))
    assert "word for word" in server.requests[0].body["messages"][0]["content"]
    assert "Word for word" in str(server.requests[0].body["response_format"])
