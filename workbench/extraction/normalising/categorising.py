"""What a model does with labels: it finds categories, and puts labels into them. Numbers, never echoes, say which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, Field, WithJsonSchema, create_model

from workbench.errors import UnreadableAnswer
from workbench.extraction.blocks import blocks_of, in_pieces
from workbench.extraction.normalising.labels import Label, counted, label_key
from workbench.llm.calls import asked_of
from workbench.llm.client import LLM
from workbench.llm.running import together
from workbench.prompts import render
from workbench.record.telling import quote

PURPOSE = "normalise"
AT_ONCE = 256
READ_AT_ONCE = 150
"""Labels in one prompt that asks for categories."""
ASSIGNED_AT_ONCE = (50, 10, 1)
"""Labels in one prompt that asks where they belong: at first, and where that was not answered again and again."""
_MOST_ROUNDS = 4


@dataclass(frozen=True)
class Category:
    """A category of labels."""

    name: str
    description: str = ""
    """What belongs there, for whoever assigns labels to it."""

    def __str__(self) -> str:
        return f"{self.name}: {self.description}" if self.description else self.name


async def find_categories(labels: Sequence[Label], n: int, about: str, other: str, llm: LLM) -> list[Category]:
    """Find at most n categories.

    All labels are read, in blocks that each have frequent and rare ones. Where the blocks, or one answer, have more
    than n categories, these are read as labels are, for categories of them. What is more than n after four rounds is
    dropped: labels that would belong there go elsewhere.

    Args:
        labels: most frequent first.
        n: the most categories; `other` is none of them.
        about: what the labels are.
        other: the name of what fits nowhere; a category that is called so is passed over.
        llm: the model.

    Raises:
        UnreadableAnswer: no answer has a category.
    """
    found: list[Category] = []
    for _ in range(_MOST_ROUNDS):
        proposed = await _proposals(labels, n, about, llm)
        found = _told_apart(proposed, other) or found
        if len(found) <= n:
            break
        labels = counted(str(category) for category in proposed if label_key(category.name) != label_key(other))
    if not found:
        raise UnreadableAnswer(f"The model found no categories for {len(labels):,} labels: a larger one may.", text="")
    return found[:n]


async def _proposals(labels: Sequence[Label], n: int, about: str, llm: LLM) -> list[Category]:
    """Return the categories that are found in blocks of labels, in the order of the blocks."""

    async def ask(some: Sequence[Label]) -> list[Category]:
        listed = "".join(quote("label", one.text, n=str(one.n)) for one in some)
        messages = asked_of(
            render("categories_system", n=n), render("categories_user", n=n, labels=listed, about=about)
        )
        reply = await llm.complete(messages, _categories_answer(n), purpose=PURPOSE, temperature=0.0, when_cut="raise")
        read: list[Any] = reply.value.categories  # type: ignore[attr-defined]
        return [Category(" ".join(one.name.split()), " ".join(one.description.split())) for one in read]

    k = len(blocks_of([[label] for label in labels], READ_AT_ONCE, lambda label: label.text))
    read = await together((in_pieces(labels[start::k], ask) for start in range(k)), at_once=AT_ONCE)
    return [category for pieces in read for piece in pieces for category in piece]


def _told_apart(proposed: Sequence[Category], other: str) -> list[Category]:
    """Return categories of which no two have the same name, and none is blank or that of what fits nowhere."""
    kept: dict[str, Category] = {}
    for category in proposed:
        kept.setdefault(label_key(category.name), category)
    return [category for key, category in kept.items() if key not in ("", label_key(other))]


class _CategoryAnswer(BaseModel):
    name: str
    description: str


@cache
def _categories_answer(n: int) -> type[BaseModel]:
    """Return the shape of an answer with at most n categories; one with more is read too."""
    return create_model("Categories", categories=(list[_CategoryAnswer], Field(json_schema_extra={"maxItems": n})))


async def assign(labels: Sequence[str], categories: Sequence[Category], about: str, llm: LLM) -> dict[str, int]:
    """Put labels into categories.

    Where an answer leaves a label out, gives it two categories or one that is not there, it is asked about again among
    ten, then alone.

    Args:
        labels: in an order of their own.
        categories: that there are.
        about: what the labels are.
        llm: the model.

    Returns:
        for each label the number of its category, counted from 1, or 0 for none of them; labels that no answer put
        anywhere are not there.
    """
    found: dict[str, int] = {}
    for attempt, most in enumerate(ASSIGNED_AT_ONCE):
        left = [[label] for label in labels if label not in found]
        blocks = blocks_of(left, most, str)
        question = _Question(categories, about, llm, attempt)
        for pieces in await together((in_pieces(block, question.ask) for block in blocks), at_once=AT_ONCE):
            for piece in pieces:
                found |= piece
        if len(blocks) > 1 and not found:
            break  # a model that answers nothing of many is not asked about each
    return found


@dataclass(frozen=True)
class _Question:
    """Where labels belong."""

    categories: Sequence[Category]
    about: str
    llm: LLM
    attempt: int

    async def ask(self, labels: Sequence[str]) -> Mapping[str, int]:
        """Ask about labels in one request."""
        user = render(
            "assign_user",
            about=self.about,
            categories="".join(
                quote("category", str(one), id=str(n)) for n, one in enumerate(self.categories, start=1)
            ),
            labels="".join(quote("label", label, id=str(n)) for n, label in enumerate(labels, start=1)),
            n=len(labels),
        )
        schema = _assign_answer(len(labels), len(self.categories))
        reply = await self.llm.complete(
            asked_of(render("assign_system"), user),
            schema,
            purpose=PURPOSE,
            sample=self.attempt,
            temperature=0.0,
            when_cut="raise",
        )
        pairs = [(one.label, one.category) for one in reply.value.assignments]  # type: ignore[attr-defined]
        return {labels[n - 1]: category for n, category in read_pairs(pairs, len(labels), len(self.categories)).items()}


def read_pairs(pairs: Sequence[tuple[int, int]], n: int, n_categories: int) -> dict[int, int]:
    """Read which label has which category, by number; what is not there, or has two, is left out.

    >>> read_pairs([(1, 2), (2, 0), (2, 0), (3, 1), (3, 2), (4, 9), (99, 1)], 4, 2)
    {1: 2, 2: 0}

    Args:
        pairs: as answered.
        n: labels are numbered from 1 to n.
        n_categories: categories are numbered from 1; 0 is none of them.
    """
    named: dict[int, set[int]] = {}
    for label, category in pairs:
        named.setdefault(label, set()).add(category)
    clear = {label: next(iter(some)) for label, some in named.items() if len(some) == 1 and 1 <= label <= n}
    return {label: category for label, category in clear.items() if 0 <= category <= n_categories}


@cache
def _assign_answer(n: int, n_categories: int) -> type[BaseModel]:
    """Return the shape of an answer about n labels; other numbers are read too, and asked about again."""
    label = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 1, "maximum": n})]
    category = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 0, "maximum": n_categories})]
    one = create_model("Assignment", label=(label, ...), category=(category, ...))
    return create_model("Assignments", assignments=(list[one], Field(json_schema_extra={"minItems": n, "maxItems": n})))
