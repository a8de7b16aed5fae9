import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.agents.grounding.chunking import chunks
from workbench.errors import InvalidSettings

TEXTS = st.text(alphabet=st.sampled_from("ab.!?…。、| #\n\r\t\u2028é漢"), max_size=300)


def bare(text):
    return "".join(text.split())


@given(text=TEXTS, longest=st.integers(1, 40))
def test_no_chunk_is_longer_and_no_sign_is_lost(text, longest):
    passages = chunks(text, longest=longest)
    assert all(passage.strip() and len(passage) <= longest for passage in passages)
    assert bare("".join(passages)) == bare(text)


@given(text=TEXTS.filter(lambda text: max(map(len, text.split()), default=0) <= 20), longest=st.integers(20, 60))
def test_words_stay_apart_and_whole_where_they_fit(text, longest):
    assert " ".join(chunks(text, longest=longest)).split() == text.split()


def test_small_paragraphs_stand_together():
    assert chunks("a\n\nb\n\n\nc", longest=7) == ["a\n\nb\n\nc"]


def test_a_long_paragraph_is_split_between_its_sentences():
    assert chunks("It rains. It pours! The man snores.", longest=20) == ["It rains. It pours!", "The man snores."]


def test_a_row_of_a_table_stays_whole():
    rows = [f"| person {i} | says. That |" for i in range(9)]
    assert all(passage.splitlines()[0] in rows for passage in chunks("\n".join(rows), longest=70))


def test_an_endless_word_is_split():
    assert chunks("x" * 25, longest=10) == ["x" * 10, "x" * 10, "x" * 5]


def test_a_text_without_spaces_is_split_after_its_sentences():
    assert chunks("今日は雨です。明日は晴れです。", longest=9) == ["今日は雨です。", "明日は晴れです。"]


def test_an_empty_text_has_no_chunks():
    assert chunks(" \n\n ") == []


def test_a_length_below_one_is_refused():
    with pytest.raises(InvalidSettings, match="longest=0"):
        chunks("a", longest=0)
