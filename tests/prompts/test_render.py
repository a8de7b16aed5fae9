"""Prompts are files, rendered by one function that takes texts as they are."""

from __future__ import annotations

import shutil
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import workbench.prompts
from workbench.errors import PromptError
from workbench.prompts import prompts_version, render, render_text

HOSTILE = [
    "{{ 7 * 7 }} and {{ persona }}",
    "{% for x in range(9) %}x{% endfor %}",
    "{# a comment #}",
    "{% raw %} and {{ '{{' }}",
    "<b>bold</b> & \"quotes\" 'more' \\n",
]


def test_missing_variables_are_all_named():
    with pytest.raises(PromptError, match="the prompt 'judge_user' needs about, claim, transcript"):
        render("judge_user", name="Lisa")


def test_prompt_that_is_not_there_is_named():
    with pytest.raises(PromptError, match="there is no prompt 'judge_usr'"):
        render("judge_usr")


@pytest.mark.parametrize("name", ["../judge_user", "judge_user.md", "", "turn_user\0"])
def test_name_that_is_no_name_of_a_prompt_is_an_error(name):
    with pytest.raises(PromptError):
        render(name)


@pytest.mark.parametrize("content", HOSTILE)
@pytest.mark.parametrize("where", ["claim", "name", "about", "transcript"])
def test_content_is_never_read_as_a_template(where, content):
    variables = dict.fromkeys(("claim", "name", "about", "transcript"), "x") | {where: content}
    assert content in render("judge_user", **variables)


@given(st.text(min_size=1))
def test_content_comes_through_as_it_is(content):
    assert content in render("extract_user", objective="ideas", transcript=content, whom="")
    assert render_text("{{ said }}.", "a claim", said=content) == f"{content}."


def test_claim_needs_its_variables_and_names_them_all():
    with pytest.raises(PromptError, match="'taste' needs product, rival"):
        render_text("{{ name }} prefers {{ product }} to {{ rival }}", "taste", name="Lisa")


@pytest.mark.parametrize(
    ("claim", "complaint"),
    [
        ("{{ name", "line 1"),
        ("one\n{% if %}", "line 2"),
        ("{{ name.first.last }}", "first"),
        ("{{ 1 / 0 }}", "zero"),
        ("{{ name + 1 }}", "int"),
        ("{% include 'turn_system' %}", "loader"),
    ],
)
def test_claim_that_is_no_template_is_an_error_that_says_why(claim, complaint):
    with pytest.raises(PromptError, match=complaint):
        render_text(claim, "a claim", name="Lisa")


@pytest.mark.parametrize(
    "claim",
    [
        "{{ name.__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.getcwd() }}",
        "{{ range(999999999) | list }}",
    ],
)
def test_claim_cannot_reach_into_python(claim):
    with pytest.raises(PromptError):
        render_text(claim, "a claim", name="Lisa")


def test_version_is_the_same_as_long_as_the_prompts_are():
    assert prompts_version() == prompts_version()
    assert len(prompts_version()) == 12


def test_version_changes_with_a_prompt(tmp_path, monkeypatch):
    before = prompts_version()
    copied = tmp_path / "copied_prompts"
    shutil.copytree(next(iter(workbench.prompts.__path__)), copied)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "copied_prompts", raising=False)
    import copied_prompts

    assert copied_prompts.prompts_version() == before
    (copied / "turn_user.md").write_text("Now act.", encoding="utf-8")
    assert copied_prompts.prompts_version() != before
