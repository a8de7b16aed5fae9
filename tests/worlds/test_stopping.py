"""When a run ends before its last step, why, and what its status is: on record, and paid for once."""

from __future__ import annotations

import json

import pytest

from tests.cast import asked_for, happened, llm_at, play, talk, texts, think, turn, turns_asked, verdict, world_at
from tests.model_server import Fault
from workbench.errors import BudgetSpent, InvalidSettings, StepFailed
from workbench.judging.propositions import Proposition
from workbench.llm.meter import Budget
from workbench.record.run_file import RunFile
from workbench.worlds.schedules import Draw, Floor
from workbench.worlds.stage import STOPPED
from workbench.worlds.world import World

CLAIM = "{{name}} has settled the question."


def kitchen(server, **options) -> World:
    """Ann and Bob, who were asked something."""
    return world_at(server, "Ann", "Bob", **options).broadcast("Would you buy gazpacho?")


def settled(after: int, *, evidence: tuple[int, ...] = (1,)):
    """People who talk, and a judge who says yes from so many askings on."""
    asked = iter(range(1, 100))
    return play(
        Ann=turn(talk("I would.")),
        Bob=turn(talk("I would not.")),
        claim=lambda body: verdict(next(asked) >= after, evidence, "It is settled."),
    )


def verdicts(world: World) -> list[tuple[int, str, str, str]]:
    """After which step, STOPPED or CHECKED, which condition, and why."""
    notes = [e for e in world.events() if e.kind == "note" and e.type in ("STOPPED", "CHECKED")]
    told = [json.loads(event.content) for event in notes]
    return [(e.step, e.type, one["condition"], one["reason"]) for e, one in zip(notes, told, strict=True)]


def n_judged(server) -> int:
    return sum(asked_for(request) == "claim" for request in server.requests)


# Conditions


async def test_run_ends_when_nobody_does_anything_but_think(model_server):
    server = model_server(play(Ann=[turn(talk("Yes."))], Bob=[turn(talk("No.")), turn(think("Well."))]))
    world = await kitchen(server).run(9, until="done", live=False)
    assert world.steps == 2
    assert verdicts(world) == [(2, "STOPPED", "done", "nobody had anything more to say or do")]


@pytest.mark.parametrize("schedule", [Draw(1), Floor(turns=1)])
async def test_one_who_is_silent_does_not_speak_for_those_who_had_no_turn(model_server, schedule):
    server = model_server(play(Bob=turn(talk("I have so much to say."))))
    world = await kitchen(server, schedule=schedule, seed=2).run(9, until="done", live=False)
    assert world.steps == 9
    quiet = await kitchen(model_server(play()), schedule=schedule, seed=2).run(30, until="done", live=False)
    assert quiet.steps >= len(quiet.people)


async def test_who_is_busy_has_not_said_all(model_server):
    world = kitchen(model_server(play()))
    world.occupy("Ann", minutes=3)
    await world.run(9, until="done", live=False)
    assert world.steps == 4  # the first in which Ann, too, had nothing to say


async def test_run_ends_when_a_claim_holds_and_each_verdict_is_on_record(model_server):
    server = model_server(settled(3))
    world = await kitchen(server).run(9, until=CLAIM, live=False)
    assert [(step, type_) for step, type_, _, _ in verdicts(world)] == [(1, "CHECKED"), (2, "CHECKED"), (3, "STOPPED")]
    assert {one[2:] for one in verdicts(world)} == {(CLAIM, "It is settled.")}
    assert (world.steps, n_judged(server)) == (3, 3)
    assert all(len(e.call) == 64 for e in world.events() if e.type in ("STOPPED", "CHECKED"))
    assert texts(next(r for r in server.requests if asked_for(r) == "claim"))[1].endswith(
        "# The claim\nKitchen has settled the question."
    )


async def test_proposition_goes_by_its_heading(model_server):
    world = await kitchen(model_server(settled(1))).run(9, until=Proposition(CLAIM, "settled"), live=False)
    assert verdicts(world) == [(1, "STOPPED", "settled", "It is settled.")]


async def test_claim_that_cannot_be_checked_ends_nothing(model_server):
    world = await kitchen(model_server(settled(1, evidence=(99,)))).run(2, until=CLAIM, live=False)
    assert [(step, type_) for step, type_, _, _ in verdicts(world)] == [(1, "CHECKED"), (2, "CHECKED")]
    assert world.steps == 2


async def test_function_of_the_world_ends_the_run_and_may_say_why(model_server):
    def two_steps(world):
        return world.steps == 2 and "two are enough"

    async def at_once(world):
        return True

    world = await kitchen(model_server(settled(9))).run(9, until=two_steps, live=False)
    assert verdicts(world) == [(2, "STOPPED", "two_steps", "two are enough")]
    world = await kitchen(model_server(settled(9))).run(9, until=at_once, live=False)
    assert verdicts(world) == [(1, "STOPPED", "at_once", "at_once says so")]


async def test_object_that_can_be_called_has_no_address_on_record(server):
    class Enough:
        def __call__(self, world):
            return True

    world = await kitchen(server).run(9, until=Enough(), live=False)
    assert verdicts(world) == [(1, "STOPPED", "Enough", "Enough says so")]


async def test_budget_is_a_condition_or_an_error(server):
    world = await kitchen(server, budget=Budget(calls=5)).run(9, until="budget", live=False)
    ((step, type_, condition, reason),) = verdicts(world)
    assert (world.steps, step, type_, condition, server.n_requests) == (2, 2, "STOPPED", "budget", 5)
    assert "calls" in reason
    with pytest.raises(BudgetSpent):
        await kitchen(server, budget=Budget(calls=5)).run(9, until="done", live=False)


async def test_budget_that_a_judge_would_break_ends_the_run_too(model_server):
    server = model_server(settled(9))
    world = await kitchen(server, budget=Budget(calls=2)).run(9, until=[CLAIM, "budget"], live=False)
    assert (world.steps, [one[:3] for one in verdicts(world)]) == (1, [(1, "STOPPED", "budget")])
    world = await kitchen(server, budget=Budget(calls=2)).run(1, until=[CLAIM, "budget"], live=False)
    assert [one[:3] for one in verdicts(world)] == [(1, "STOPPED", "budget")]
    with pytest.raises(BudgetSpent):
        await kitchen(server, budget=Budget(calls=2)).run(9, until=CLAIM, live=False)


async def test_run_goes_on_with_another_budget(server, tmp_path):
    spent = kitchen(server, budget=Budget(calls=5), record=tmp_path / "r.sqlite")
    await spent.run(4, until="budget", live=False)
    again = World.resume(spent.record, llm=llm_at(server), budget=Budget(calls=50))
    await again.run(4 - again.steps, until="budget", live=False)
    assert (again.steps, again.status) == (4, "complete")


async def test_researcher_stops_a_run(model_server):
    def stop(body):
        world.stop()
        return turn(talk("Hm."))

    world = kitchen(model_server(stop))
    await world.run(None, live=False)
    assert verdicts(world) == [(1, "STOPPED", "stop", "the researcher stopped it")]
    assert world.status == "complete"


async def test_any_of_several_conditions_ends_the_run(model_server):
    conditions = ["loop", CLAIM, lambda world: world.steps == 2]
    world = await kitchen(model_server(settled(9))).run(9, until=conditions, live=False)
    assert [one[:3] for one in verdicts(world)] == [(1, "CHECKED", CLAIM), (2, "STOPPED", "<lambda>")]


async def test_what_is_free_goes_first_and_then_nothing_is_paid_for(model_server):
    server = model_server(settled(1))
    world = await kitchen(server).run(9, until=[CLAIM, lambda world: True], live=False)
    assert (n_judged(server), verdicts(world)[-1][2]) == (0, "<lambda>")


@pytest.mark.parametrize("first", [True, False])
async def test_every_verdict_that_was_paid_for_is_on_record(model_server, first):
    def judge(body):
        return verdict("Yes" in texts(body)[1].rpartition("# The claim")[2])

    claims = ["Yes of course.", "No of course."] if first else ["No of course.", "Yes of course."]
    server = model_server(play(claim=judge))
    world = await kitchen(server).run(9, until=claims, live=False)
    assert [one[1:3] for one in verdicts(world)] == [("CHECKED", "No of course."), ("STOPPED", "Yes of course.")]
    assert n_judged(server) == 2


async def test_first_of_the_claims_that_hold_is_the_reason(model_server):
    world = await kitchen(model_server(settled(1))).run(9, until=["One is so.", "Two is so."], live=False)
    assert [one[1:3] for one in verdicts(world)] == [("CHECKED", "Two is so."), ("STOPPED", "One is so.")]


async def test_without_conditions_nothing_is_judged(server):
    world = await kitchen(server).run(2, until=[], live=False)
    assert (verdicts(world), world.steps, server.n_requests) == ([], 2, 4)


async def test_nothing_is_judged_before_the_first_step(model_server):
    server = model_server(settled(1))
    await kitchen(server).run(0, until=[CLAIM, lambda world: True])
    assert server.n_requests == 0


# Loops


def says(*talks: tuple[str, str]):
    """What Ann and Bob say to each other, step by step, and then nothing."""
    return play(Ann=[turn(talk(one)) for one, _ in talks], Bob=[turn(talk(other)) for _, other in talks])


FAREWELLS = {
    "English": (("Bye for now!", "Goodbye, Ann."), ("Take care!", "See you soon.")),
    "Spanish": (("¡Hasta luego!", "Adiós, Ann."), ("Nos vemos.", "¡Cuídate mucho!")),
    "French": (("Au revoir !", "À bientôt."), ("Bonne soirée !", "Bonne nuit.")),
    "German": (("Tschüss!", "Auf Wiedersehen."), ("Bis bald.", "Mach's gut!")),
    "Italian": (("Ciao ciao!", "Arrivederci."), ("A presto!", "Ciao, Ann.")),
    "Portuguese": (("Tchau!", "Até logo."), ("Até breve!", "Tchau tchau.")),
    "Polish": (("Do widzenia!", "Pa pa."), ("Na razie!", "Do widzenia.")),
    "Dutch": (("Tot ziens!", "Doei!"), ("Doei doei.", "Tot ziens, Ann.")),
    "Russian": (("До свидания!", "Пока!"), ("Пока, Боб.", "Увидимся завтра.")),
    "Arabic": (("مع السلامة", "إلى اللقاء"), ("إلى اللقاء يا آن", "مع السلامة!")),
    "Turkish": (("Görüşürüz!", "Hoşça kal."), ("Hoşça kal Bob.", "Görüşürüz.")),
    "Japanese": (("さようなら。", "またね！"), ("じゃあね", "またね。")),
    "Chinese": (("再见！", "拜拜"), ("明天见，再见。", "再见")),
    "Korean": (("안녕히 가세요.", "안녕히 계세요."), ("잘 가!", "잘가")),
}


@pytest.mark.parametrize("language", FAREWELLS)
async def test_talk_that_has_become_farewells_is_a_loop(model_server, language):
    begin = ("What a nice soup that was.", "It was my grandmother's recipe.")
    world = await kitchen(model_server(says(begin, *FAREWELLS[language]))).run(6, until="loop", live=False)
    assert world.steps == 3
    assert verdicts(world)[0][2] == "loop"
    assert "4 things said are farewells" in verdicts(world)[0][3]


async def test_talk_that_repeats_itself_is_a_loop(model_server):
    begin = ("Gazpacho in a bottle is a fine thing.", "I like mine fresh from the market.")
    server = model_server(says(begin, *[("I agree with you completely, Bob!", "We agree then, that is great.")] * 5))
    world = await kitchen(server).run(9, until="loop", live=False)
    assert 3 <= world.steps <= 4
    assert "repeat what was said before" in verdicts(world)[0][3]


NORMAL = {
    "care": (
        ("I take care of my mother.", "I see you are busy, then."),
        ("We have a good idea for the kitchen.", "Do you take care of the shopping, too?"),
        ("By and by I learned how to cook.", "I see you like it."),
        ("Have a good look at this recipe.", "Take care of the onions first."),
    ),
    "short answers": (
        ("Shall we buy bread, soup, cheese, wine or salad?", "Soup."),
        ("Cheese, too?", "Yes, cheese."),
        ("And wine?", "Wine."),
        ("Salad?", "No."),
    ),
    "ratings": (
        ("How do you rate the label?", "A five out of ten, it is too loud for me."),
        ("How do you rate the taste?", "A nine out of ten, fresh as in summer."),
        ("How do you rate the price?", "A two out of ten, that is more than the restaurant asks."),
        ("How do you rate the bottle?", "A seven out of ten, glass is heavy but clean."),
    ),
    "one goes, one stays": (
        ("Bye for now!", "Wait, how much is the bottle?"),
        ("Four euros. Bye!", "And where do they sell it?"),
        ("At the corner. See you!", "Does it keep for long?"),
        ("A week. Goodbye!", "Then I shall buy one."),
    ),
    "Russian": (
        ("Пока не знаю, что купить.", "Я пока думаю о супе."),
        ("Пока дорого, мне кажется.", "Подожди, пока цена упадёт."),
        ("Мы ждали, пока магазин откроют.", "А я пока готовлю сам."),
    ),
    "Polish": (
        ("Na razie nie wiem.", "Ja na razie gotuję w domu."),
        ("Na razie jest za drogo.", "Zobaczymy, na razie poczekam."),
    ),
}


@pytest.mark.parametrize("talk_of", NORMAL)
async def test_talk_that_goes_on_is_no_loop(model_server, talk_of):
    server = model_server(says(*NORMAL[talk_of]))
    world = await kitchen(server).run(len(NORMAL[talk_of]), until="loop", live=False)
    assert (verdicts(world), world.steps) == ([], len(NORMAL[talk_of]))


async def test_loop_that_ended_a_run_does_not_end_the_next_where_there_is_something_new(model_server):
    new = ("What of the bottle? It is heavy.", "I would rather have it in a carton.")
    server = model_server(says(*FAREWELLS["English"], new, new))
    world = await kitchen(server).run(9, until="loop", live=False)
    assert world.steps == 2
    await world.broadcast("One more question: the bottle?").run(1, until="loop", live=False)
    assert (world.steps, len(verdicts(world))) == (3, 1)


# Runs that go on


async def test_verdict_that_is_on_record_is_not_asked_for_again(model_server, tmp_path):
    server = model_server(settled(3))
    await kitchen(server, record=tmp_path / "r.sqlite").run(1, until=CLAIM, live=False)
    assert n_judged(server) == 1
    again = World.resume(tmp_path / "r.sqlite", llm=llm_at(server))  # which has no cache
    await again.run(0, until=CLAIM)
    assert n_judged(server) == 1
    await again.run(1, until=CLAIM, live=False)
    assert (again.steps, n_judged(server)) == (2, 2)


async def test_run_that_has_ended_does_not_go_on_by_itself(model_server, tmp_path):
    server = model_server(settled(2))
    world = await kitchen(server, record=tmp_path / "r.sqlite").run(9, until=CLAIM, live=False)
    before = happened(world)
    for again in (world, World.resume(tmp_path / "r.sqlite", llm=llm_at(server))):
        await again.run(9, until=[CLAIM, "Something else is so."], live=False)
        assert (happened(again), again.steps, n_judged(server), again.status) == (before, 2, 2, "complete")


async def test_run_without_the_condition_goes_on(model_server):
    world = await kitchen(model_server(settled(1))).run(9, until=CLAIM, live=False)
    await world.run(2, live=False)
    assert world.steps == 3


@pytest.mark.parametrize(
    "change", [lambda w: w.broadcast("And now?"), lambda w: w.person("Ann").define("age", 9), lambda w: w.skip(days=1)]
)
async def test_verdict_is_stale_when_something_was_said_or_changed(model_server, change):
    server = model_server(settled(1))
    world = await kitchen(server).run(9, until=CLAIM, live=False)
    change(world)
    await world.run(9, until=CLAIM, live=False)
    assert (world.steps, [one[0] for one in verdicts(world)]) == (2, [1, 2])


async def test_function_is_asked_again_for_it_may_be_another(model_server):
    world = kitchen(model_server(settled(9)))
    for n in (2, 3):
        await world.run(9, until=lambda world, n=n: world.steps >= n, live=False)
    assert (world.steps, [one[0] for one in verdicts(world)]) == (3, [2, 3])


async def test_reason_is_on_record_once(model_server):
    world = kitchen(model_server(play()))
    for _ in range(3):
        await world.run(9, until="done", live=False)
    assert (world.steps, len(verdicts(world)), world.status) == (1, 1, "complete")


async def test_no_verdict_reaches_a_prompt_or_a_judge(model_server):
    server = model_server(settled(9))
    await kitchen(server).run(3, until=CLAIM, live=False)
    for request in server.requests:
        read = texts(request)[1].rpartition("# The claim")[0] or texts(request)[1]
        assert "settled" not in read
        assert "CHECKED" not in read


# Errors


@pytest.mark.parametrize(
    ("until", "told"),
    [
        ("doen", "'done', 'loop', 'budget', a claim in a sentence"),
        ("", "until=''"),
        (["done", "finished"], "until='finished'"),
        (5, "until=5"),
        (True, "until=True"),
        (["done", None], "until=None"),
        ({"done", "loop"}, "a list"),
        ("{{nme}} is so.", "until='{{nme}} is so.'.*nme"),
        (Proposition("{{nme}} is so.", "named"), "until=.*nme"),
    ],
)
async def test_condition_that_cannot_be_is_told_before_anything_is_spent(server, until, told):
    world = kitchen(server)
    with pytest.raises(InvalidSettings, match=told):
        await world.run(2, until=until, live=False)
    assert (world.steps, server.n_requests, world.status) == (0, 0, "new")


async def test_claim_in_a_script_without_spaces_is_a_sentence(model_server):
    world = await kitchen(model_server(settled(1))).run(9, until="大家都同意了", live=False)
    assert verdicts(world)[0][2] == "大家都同意了"


async def test_judge_that_cannot_be_asked_is_an_error_and_the_step_is_kept(model_server, tmp_path):
    answers = iter([Fault(400)])
    server = model_server(play(claim=lambda body: next(answers, verdict())))
    world = kitchen(server, record=tmp_path / "r.sqlite")
    told = "after step 1 of 'Kitchen': it could not be judged whether .*settled"
    with pytest.raises(StepFailed, match=told) as caught:
        await world.run(3, until=CLAIM, live=False)
    assert (caught.value.step, caught.value.purpose, world.steps, world.status) == (1, "until", 1, "incomplete")
    turns = len(turns_asked(server))
    again = World.resume(world.record, llm=llm_at(server))
    await again.run(3 - again.steps, until=CLAIM, live=False)
    assert (verdicts(again)[0][:2], len(turns_asked(server))) == ((1, "STOPPED"), turns)


async def test_error_of_the_researchers_function_names_it(server):
    def too_long(world):
        raise ZeroDivisionError

    world = kitchen(server)
    with pytest.raises(ZeroDivisionError) as caught:
        await world.run(3, until=too_long, live=False)
    assert caught.value.__notes__[0] == "This was in until=, in 'too_long'."
    assert world.steps == 1


# Status


def status_on_disk(world: World) -> str:
    """As another process sees it."""
    again = World.resume(world.record, llm=world.llm)
    try:
        return again.status
    finally:
        again.close()


def broken_from(step: int):
    """A model that fails from some step on, while it is broken."""

    def reply(body):
        failing = reply.broken and f"09:0{step - 1}" in texts(body)[1]
        return Fault(400) if failing else settled(9)(body)

    reply.broken = True
    return reply


async def test_status_of_a_run_from_beginning_to_end(model_server, tmp_path):
    world = kitchen(model_server(settled(9)), record=tmp_path / "r.sqlite")
    assert (world.status, status_on_disk(world)) == ("new", "new")
    await world.run(0)
    assert world.status == "new"
    await world.run(2, live=False)
    assert (world.status, status_on_disk(world)) == ("complete", "complete")
    world.broadcast("One more thing.")
    assert world.status == "complete"


@pytest.mark.parametrize("steps", [5, None])
async def test_run_that_failed_is_incomplete_until_it_has_gone_on(model_server, tmp_path, steps):
    reply = broken_from(3)
    world = kitchen(model_server(reply), record=tmp_path / "r.sqlite")
    with pytest.raises(StepFailed):
        await world.run(steps, until=lambda world: world.steps >= 4, live=False)
    assert (world.steps, world.status, status_on_disk(world)) == (2, "incomplete", "incomplete")
    await world.run(0)
    assert world.status == "incomplete"
    reply.broken = False
    await world.run(steps and 3, until=lambda world: world.steps >= 4, live=False)
    assert (world.steps, world.status, status_on_disk(world)) == (4, "complete", "complete")


async def test_run_that_ended_and_was_to_go_on_is_incomplete(model_server, tmp_path):
    reply = broken_from(3)
    world = kitchen(model_server(reply), record=tmp_path / "r.sqlite")
    await world.run(9, until=lambda world: world.steps >= 2, live=False)
    assert world.status == "complete"
    with pytest.raises(StepFailed):
        await world.broadcast("One more thing.").run(2, live=False)
    assert (world.status, status_on_disk(world)) == ("incomplete", "incomplete")
    with pytest.raises(StepFailed):
        await world.run(None, until="done", live=False)
    assert (world.status, status_on_disk(world)) == ("incomplete", "incomplete")


async def test_status_while_a_run_goes_on(model_server, tmp_path):
    seen = []
    world = kitchen(model_server(settled(9)), record=tmp_path / "r.sqlite")

    def look(world):
        seen.append((world.steps, world.status, status_on_disk(world)))

    await world.run(2, until=look, live=False)
    assert seen == [(1, "incomplete", "incomplete"), (2, "complete", "complete")]


async def test_status_is_read_from_the_record_alone(model_server, tmp_path):
    world = kitchen(model_server(settled(2)), record=tmp_path / "r.sqlite")
    await world.run(9, until=CLAIM, live=False)
    file = RunFile.open(world.record)
    assert [event.type for event in file.since_last_step()] == [STOPPED]
    assert status_on_disk(world) == "complete"
