"""Talk that says earlier talk again: whose it was, whether it could be heard, and the same as `says_again` finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evaluation.metrics.runs import by_step, events_of, measured, said
from workbench.evaluation.metrics.repeating import repeats_of
from workbench.evaluation.metrics.sources import read_run
from workbench.evaluation.metrics.turns import turns_of
from workbench.judging.repetition import says_again

SOUP = "I would buy a bottle of it."
LINES = st.lists(st.tuples(st.sampled_from(["Ann", "Bob"]), st.text("abc é値段夏ก่👍.", min_size=1)), max_size=12)


async def test_repetition_is_told_by_whose_it_was():
    run = await measured(
        said(1, Ann=SOUP, Bob="My worry is the price."),
        said(2, Ann="Well, I would buy a bottle of it!", Bob="I would buy a bottle of it!"),
        said(3, Ann="Something new is what I say now."),
    )
    assert run.value("repetition") == pytest.approx(2 / 5, abs=1e-9)
    assert run.value("repetition_of_self") == pytest.approx(1 / 5, abs=1e-9)
    assert run.value("repetition_of_others", "Bob") == pytest.approx(1 / 2, abs=1e-9)
    assert run.value("repetition_of_others", "Ann") == 0
    assert by_step(run, "repetition") == {1: 0, 2: 1, 3: 0}
    assert run.turns["repeats"].astype(object).where(run.turns["repeats"].notna(), None).tolist() == [
        None,
        None,
        1,
        1,
        None,
    ]


@pytest.mark.parametrize(("simultaneous", "share"), [(True, 0.0), (False, 0.5)])
async def test_what_nobody_heard_is_not_repeated(simultaneous, share):
    run = await measured(said(1, Ann=SOUP, Bob=SOUP), simultaneous=simultaneous)
    assert run.value("repetition") == share


@given(LINES)
def test_turns_repeat_what_says_again_finds(lines):
    steps = [said(step, **{name: text}) for step, (name, text) in enumerate(lines, start=1)]
    turns = turns_of(read_run(events_of(*steps)))
    for place, (turn, repeat) in enumerate(zip(turns, repeats_of(turns), strict=True)):
        again = [one for one in turns[:place] if says_again(turn.text, one.text)]
        own = [one for one in again if one.person == turn.person]
        others = [one for one in again if one.person != turn.person]
        assert (repeat.own, repeat.others) == (next(iter(own), None), next(iter(others), None))
