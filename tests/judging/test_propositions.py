"""A proposition is a claim with variables and a heading."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from workbench.errors import PromptError
from workbench.judging import propositions
from workbench.judging.propositions import Proposition

LIBRARY = [made for made in vars(propositions).values() if isinstance(made, Proposition)]


def test_claim_is_filled_in():
    assert Proposition("{{name}} would buy {{ n }}").about(name="Lisa", n=3) == "Lisa would buy 3"


def test_missing_variables_are_all_named():
    with pytest.raises(PromptError, match="'taste' needs product, rival"):
        Proposition("{{name}} prefers {{product}} to {{rival}}", "taste").about(name="Lisa")


def test_name_with_braces_is_a_name():
    assert Proposition("{{name}} talks").about(name="{{ 7 * 7 }}") == "{{ 7 * 7 }} talks"


@pytest.mark.parametrize(("name", "heading"), [("", "{{name}} talks"), ("talking", "talking")])
def test_heading_is_the_name_or_the_claim(name, heading):
    assert Proposition("{{name}} talks", name).heading == heading


def test_proposition_does_not_change():
    with pytest.raises(FrozenInstanceError):
        Proposition("{{name}} talks").claim = "x"


@pytest.mark.parametrize("made", LIBRARY, ids=lambda made: made.heading)
def test_library_speaks_of_the_target_and_has_short_headings(made):
    of_all = made in (propositions.divergence, propositions.convergence, propositions.task_completion)
    assert ("Lisa" in made.about(name="Lisa", task="Agree on a price.")) is not of_all
    assert made is getattr(propositions, made.heading)


def test_library_has_what_the_field_uses():
    assert {made.heading for made in LIBRARY} >= {"persona_adherence", "self_consistency", "fluency"}
