"""`Persona`, the specification of who someone is, and `Fragment`, a part of one that is merged in."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError, field_validator

from workbench.errors import InvalidPersona
from workbench.html import card

Number = int | float
DEEPEST = 64
"""Levels of a persona."""
MOST = 200_000
"""Values in a persona: more come from a mistake, or from a file that is made to explode."""
_PARSED: dict[str, Any] = {"parsed": True}


class _Open(BaseModel):
    """A part of a persona: the known keys are checked, unknown ones are kept."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)


class Occupation(_Open):
    """What someone does for a living."""

    title: str | None = None
    organization: str | None = None
    description: str | None = None


class Personality(_Open):
    """Traits in sentences, and the Big Five."""

    traits: list[str] | None = None
    big_five: dict[str, str | Number] | None = None


class Preferences(_Open):
    """What someone likes and does not."""

    interests: list[str] | None = None
    likes: list[str] | None = None
    dislikes: list[str] | None = None


class Relationship(_Open):
    """Somebody in this person's life."""

    name: str
    description: str | None = None


class Specification(_Open):
    """The known keys of a persona, none of them needed."""

    name: str | None = None
    age: Number | str | None = None
    gender: str | None = None
    nationality: str | None = None
    residence: str | None = None
    education: str | list[Any] | dict[str, Any] | None = None
    long_term_goals: list[str] | None = None
    occupation: Occupation | str | None = None
    style: str | None = None
    personality: Personality | None = None
    preferences: Preferences | None = None
    skills: list[str] | None = None
    beliefs: list[str] | None = None
    behaviors: dict[str, Any] | None = None
    health: str | None = None
    relationships: list[Relationship] | None = None
    other_facts: list[str] | None = None

    _data: dict[str, Any] = PrivateAttr(default_factory=dict)

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str | None) -> str | None:
        if name is not None and [name.strip()] != name.splitlines():
            raise ValueError("a name is one line of text, without spaces around it")
        return name

    def model_post_init(self, context: Any, /) -> None:
        """Keep what a persona is made of when it is made of keyword arguments; `parse` has it, and has checked it."""
        if context is _PARSED:
            return
        self._data = self.model_dump(exclude_unset=True)
        _check_tree(self._data, "")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy in which some keys have other values, all of them checked."""
        return type(self).parse({**self._data, **(update or {})})

    @classmethod
    def parse(cls, data: Mapping[str, Any], source: str = "") -> Self:
        """Check a mapping and keep it: its keys, their order and its values come back as they are.

        Args:
            data: the mapping, as JSON would have it.
            source: where it is from, for messages.

        Raises:
            InvalidPersona: a value of the wrong type, or a name that is missing; every fault is named.
        """
        where = f"{source}: " if source else ""
        _check_tree(data, where)
        try:
            made = cls.model_validate(_plain(data), context=_PARSED)
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg'].lower()}" for e in error.errors())
            raise InvalidPersona(f"{where}not a {cls.__name__.lower()}: {faults}") from error
        made._data = _plain(data)
        return made

    def to_dict(self) -> dict[str, Any]:
        """Return the mapping it was made of, as a copy."""
        return copy.deepcopy(self._data)

    def merge(self, fragment: Fragment, *, overwrite: bool = False) -> Self:
        """Return one with a fragment merged in: mappings merge, lists append without repeats.

        Raises:
            InvalidPersona: a scalar that conflicts, unless `overwrite`; every conflict is named.
        """
        conflicts: list[str] = []
        data = _merged(self.to_dict(), fragment.to_dict(), "", conflicts, overwrite)
        if conflicts:
            raise InvalidPersona(
                f"{self.name or 'a fragment'}: the fragment conflicts: {'; '.join(conflicts)}. Give overwrite=True to "
                "take its values."
            )
        return type(self).parse(data, self.name or "")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._data == other._data

    __hash__ = None  # type: ignore[assignment]


class Fragment(Specification):
    """A part of a persona, to be merged into one: without a name, most often."""


class Persona(Specification):
    """Who someone is. It does not change: `define` and `merge` return another one.

    >>> lisa = Persona.parse({"name": "Lisa", "age": 28, "skills": ["piano"]})
    >>> lisa.define("age", 29).merge(Fragment.parse({"skills": ["piano", "chess"]})).to_dict()
    {'name': 'Lisa', 'age': 29, 'skills': ['piano', 'chess']}
    """

    name: str

    def define(self, path: str, value: Any) -> Persona:
        """Return a persona in which one value is set.

        Args:
            path: the key; dots lead inside, as in `occupation.title`.
            value: anything that JSON can hold.
        """
        data = self.to_dict()
        *parents, last = keys = path.split(".")
        if not all(keys):
            raise InvalidPersona(f"{self.name}: the path {path!r} lacks a key: it is one like 'occupation.title'")
        place = data
        for key in parents:
            if place.get(key) is None:
                place[key] = {}
            place = place[key]
            if not isinstance(place, dict):
                raise InvalidPersona(f"{self.name}: {path!r} leads into {key!r}, which is no mapping")
        place[last] = copy.deepcopy(value)
        return type(self).parse(data, self.name)

    @cached_property
    def markdown(self) -> str:
        """The persona as compact Markdown, as the model reads it."""
        return "\n".join(_lines(self._data, ""))

    def minibio(self) -> str:
        """Return one sentence: name, age, occupation, where from.

        >>> Persona.parse({"name": "Lisa", "age": 28, "occupation": {"title": "Data Scientist"}}).minibio()
        'Lisa, 28, Data Scientist'
        """
        job = self.occupation if isinstance(self.occupation, str) else self.occupation and self.occupation.title
        facts = [self.name, self.age, job, self.nationality, self.residence and f"lives in {self.residence}"]
        return ", ".join(str(fact) for fact in facts if fact)

    def __repr__(self) -> str:
        return f"Persona({self.minibio()!r})"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return card(self.name, self.minibio(), self._data)


def _merged(mine: Any, new: Any, path: str, conflicts: list[str], overwrite: bool) -> Any:
    if isinstance(mine, dict) and isinstance(new, dict):
        both = dict(mine)
        for key, value in new.items():
            inner = f"{path}.{key}" if path else str(key)
            both[key] = _merged(mine[key], value, inner, conflicts, overwrite) if key in mine else value
        return both
    if isinstance(mine, list) and isinstance(new, list):
        return mine + [item for n, item in enumerate(new) if item not in mine and item not in new[:n]]
    if mine == new and type(mine) is type(new):
        return mine
    if new is None:
        return mine
    if mine is None or overwrite:
        return new
    conflicts.append(f"{path} is {_short(mine)}, the fragment says {_short(new)}")
    return mine


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _lines(value: Any, indent: str) -> list[str]:
    """Write a tree as Markdown: `key: value` lines, dashes for lists, nothing for what is empty."""
    lines: list[str] = []
    pairs = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    for key, item in pairs:
        head = f"{indent}-" if key is None else f"{indent}{str(key).replace('_', ' ')}:"
        if isinstance(item, dict | list):
            if inner := _lines(item, indent + "  "):
                lines += [f"{head} {inner[0].strip()}", *inner[1:]] if key is None else [head, *inner]
        elif item is not None and str(item).strip():
            first, *more = str(item).strip().splitlines()
            lines += [f"{head} {first}", *(f"{indent}  {line}".rstrip() for line in more)]
    return lines


def _check_tree(data: Any, where: str) -> None:
    """Refuse what JSON cannot hold (cycles, keys that are no text, values of other types) and what nobody writes."""
    if not isinstance(data, Mapping):
        raise InvalidPersona(f"{where}a mapping is needed, this is a {type(data).__name__}")
    for number, (path, value) in enumerate(_walk(data, "", (), where)):
        if number >= MOST:
            raise InvalidPersona(f"{where}too many values for a persona (at most {MOST:,})")
        if isinstance(value, str):
            _check_text(value, f"{where}{path}")
        elif isinstance(value, float) and not math.isfinite(value):
            raise InvalidPersona(f"{where}{path} is {value}, which JSON cannot hold: leave it out, or write it as text")
        elif value is not None and not isinstance(value, int | float | Mapping | list):
            raise InvalidPersona(f"{where}{path} is a {type(value).__name__} ({value!r}): write it as text")


def _walk(data: Any, path: str, inside: tuple[int, ...], where: str) -> Iterator[tuple[str, Any]]:
    """Yield every value of a tree with its path."""
    if id(data) in inside:
        raise InvalidPersona(f"{where}{path} contains itself: break the cycle")
    if len(inside) > DEEPEST:
        raise InvalidPersona(f"{where}{path.partition('.')[0][:60]} is nested too deeply (at most {DEEPEST} levels)")
    yield path, data
    inside = (*inside, id(data))
    if isinstance(data, Mapping):
        for key, value in data.items():
            if not isinstance(key, str):
                raise InvalidPersona(f"{where}the key {key!r} in {path or 'the persona'} is no text: put it in quotes")
            _check_text(key, f"{where}the key {key!a} in {path or 'the persona'}")
            yield from _walk(value, f"{path}.{key}" if path else key, inside, where)
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from _walk(value, f"{path}[{number}]", inside, where)


def _plain(value: Any) -> Any:
    """Copy a tree into the types that files come back as: no enumerations, no texts and numbers of numpy."""
    if isinstance(value, Mapping):
        return {str.__str__(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    for kind, plain in ((bool, bool), (str, str.__str__), (int, int), (float, float)):
        if isinstance(value, kind):
            return plain(value)
    return value


def _check_text(text: str, what: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = text[error.start : error.end]
        raise InvalidPersona(f"{what} has half of a surrogate pair ({half!a}): write the whole character") from error
