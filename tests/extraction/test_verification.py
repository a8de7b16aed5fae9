"""What a row rests on is verified: the events were shown, and quotations stand in them."""

from __future__ import annotations

import pytest

from tests.cast import llm_at, person
from workbench.extraction.extractor import extract
from workbench.extraction.fields import Quotation

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
