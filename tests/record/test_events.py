"""Events are numbered from 1, and none is lost on its way into a file."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from datetime import datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InvalidSettings, StorageError
from workbench.record.conversation import Conversation
from workbench.record.events import START, Event, Journal, Kind

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
EVENTS = st.builds(
    Event,
    id=st.integers(1, 10**9),
    step=st.integers(0, 10**6),
    time=st.datetimes(),
    kind=st.sampled_from(get_args(Kind)),
    type=TEXTS,
    source=TEXTS,
    target=TEXTS,
    content=TEXTS,
    call=st.none() | TEXTS,
)


@given(EVENTS)
def test_event_comes_back_from_json(event):
    assert Event.from_dict(json.loads(json.dumps(event.to_dict()))) == event


def test_event_does_not_change():
    event = Journal().append("stimulus", "VISUAL", "a door")
    with pytest.raises(FrozenInstanceError):
        event.content = "a window"


def test_journal_numbers_from_one_and_stamps_step_and_time():
    journal = Journal()
    journal.append("stimulus", "VISUAL", "a door", target="Ann")
    journal.step, journal.time = 3, START + timedelta(minutes=3)
    event = journal.append("action", "TALK", "Hello", source="Ann", call="key")
    assert event == Event(2, 3, datetime(2025, 1, 6, 9, 3), "action", "TALK", "Ann", "", "Hello", "key")


def test_event_that_is_not_kept_has_not_happened():
    def keep(event, heard_by):
        raise StorageError("the disk is full", path=None)

    journal = Journal(keep, last_id=7)
    with pytest.raises(StorageError):
        journal.append("note", "NOTE", "x")
    assert journal.last_id == 7


@pytest.mark.parametrize("content", ["half \ud83d of a pair", "\udc00"])
def test_text_that_cannot_be_written_is_refused_where_it_comes_in(content):
    with pytest.raises(InvalidSettings, match="half of a surrogate pair"):
        Journal().append("stimulus", "CONVERSATION", content)


# As people read them


def several() -> list[Event]:
    kept: list[Event] = []
    journal = Journal(lambda event, heard_by: kept.append(event))
    journal.append("stimulus", "CONVERSATION", "Would you buy it?", source="Moderator")
    journal.append("action", "THINK", "Hm.", source="Ann")
    journal.time += timedelta(minutes=1)
    journal.append("action", "TALK", "<b>No</b>", source="Ann", target="Bob")
    journal.append("mind", "MIND", "{}", source="Ann")
    journal.append("action", "REACH_OUT", "Hi", source="Bob", target="Cem")
    return kept


def test_conversation_reads_as_it_was_said():
    assert str(Conversation.of(several())).splitlines() == [
        "[Monday, 2025-01-06 09:00]",
        "   1 Moderator: Would you buy it?",
        "   2 Ann thinks: Hm.",
        "[Monday, 2025-01-06 09:01]",
        "   3 Ann to Bob: <b>No</b>",
        "   5 Bob reaches out to Cem: Hi",
    ]


def test_conversation_can_leave_out_thoughts():
    assert "Hm." not in str(Conversation.of(several(), thoughts=False))


def test_conversation_escapes_what_was_said():
    shown = Conversation.of(several())._repr_html_()
    assert "&lt;b&gt;No" in shown
    assert 'id="event-3"' in shown


def test_what_a_terminal_would_obey_is_not_shown() -> None:
    said = Event(1, 1, START, "action", "TALK", "Ann", "", "Hi \x1b[2J\x07there\nand\tso on", "call")
    assert str(Conversation.of([said])).endswith("   1 Ann: Hi �[2J�there\nand\tso on")
