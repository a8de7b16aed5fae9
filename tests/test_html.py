"""The one place that makes HTML lets nothing through that others wrote."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import html

HOSTILE = "</div><script>alert('x')</script><img src=x onerror=\"alert(1)\"> & \"quotes\" 'more'"


class Tags(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, data: str) -> None:
        self.words += data


PARTS: dict[str, Any] = {
    "text": html.text,
    "card title": lambda words: html.card(words, "", {}),
    "card subtitle": lambda words: html.card("", words, {}),
    "card key": lambda words: html.card("", "", {words: 1}),
    "card value": lambda words: html.card("", "", {"facts": [{"deep": (words,)}]}),
    "box title": lambda words: html.box(words, ""),
    "box subtitle": lambda words: html.box("", words),
    "table heading": lambda words: html.table([words], []),
    "table cell": lambda words: html.table(["a"], [[words]]),
    "dialogue time": lambda words: html.dialogue([(1, words, "Lisa", "Hello", False)]),
    "dialogue speaker": lambda words: html.dialogue([(1, "", words, "Hello", False)]),
    "dialogue words": lambda words: html.dialogue([(1, "", "Lisa", words, True)]),
    "page title": lambda words: html.page(words, ""),
}


@pytest.mark.parametrize("part", PARTS)
def test_hostile_text_is_shown_and_does_nothing(part):
    seen, harmless = Tags(PARTS[part](HOSTILE)), Tags(PARTS[part]("x"))
    assert seen.tags == harmless.tags
    assert [name for name, _ in seen.attributes] == [name for name, _ in harmless.attributes]
    assert part == "page title" or HOSTILE in seen.words


@given(st.text())
def test_text_can_be_read_back(words):
    seen = Tags(f"<p>{html.text(words)}</p>")
    assert set(seen.tags) <= {"p", "br"}
    assert not {"<", ">", '"', "'"} & set(html.text(words).replace("<br>", ""))


def test_text_keeps_lines_and_shows_nul():
    assert html.text("one\ntwo\0") == "one<br>two\N{REPLACEMENT CHARACTER}"


def test_card_shows_a_tree_without_python_in_it():
    words = Tags(html.card("Lisa", "28", {"goals": ("eat", "sleep"), "likes": ["tea"], "home": {"city": "Lyon"}})).words
    assert "(" not in words
    assert all(fact in words for fact in ("eat", "sleep", "tea", "city", "Lyon"))


def test_page_loads_nothing_from_elsewhere():
    page = html.page("Run", "<p>Hello</p>")
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "")


def test_attributes_keep_their_lines_and_have_no_elements():
    words = HOSTILE + "\ntwo\tlines"
    for made in (
        html.Links((("1", words),)).html,
        html.Links((("1", words),), lead=False).html,
        html.image(b"", words),
    ):
        assert words in [value for _, value in Tags(made).attributes]
        assert "<br" not in made


def test_title_of_a_page_has_no_elements():
    page = html.page("two\nlines <b>", "")
    assert "<title>two&#10;lines &lt;b&gt;</title>" in page
