"""Words in Markdown are text, whatever they look like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.record.markdown import escaped, table


@pytest.mark.parametrize(
    "words",
    [
        "<script>alert(1)</script>",
        "[here](javascript:alert(1))",
        "![x](http://example.org/x.png)",
        "*a* _b_ `c` ~~d~~ | e",
        "# no heading",
        "1. no list",
        "- no list",
        "> no quote",
        "--- ",
        "$x^2$ {=html}",
        "https://example.org www.example.org",
        "&lt;b&gt; &amp;",
        "[^1] footnote",
        "line\nbreak",
        "back\\slash",
    ],
)
def test_words_are_shown_as_they_are(words):
    pypandoc = pytest.importorskip("pypandoc")
    reader = "commonmark+pipe_tables+strikeout+footnotes+task_lists+autolink_bare_uris+gfm_auto_identifiers"
    html = pypandoc.convert_text(escaped(words), "html5", format=reader, extra_args=["--wrap=none"]).strip()
    plain = " ".join(words.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert html == f"<p>{plain}</p>"


@given(st.text())
def test_a_cell_stays_one_cell(words):
    line = table(["a"], [[escaped(words)]]).splitlines()[2:]
    assert len(line) == 1
    assert line[0].replace("\\\\", "").replace("\\|", "").count("|") == 2
