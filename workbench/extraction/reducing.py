"""`reduce`: rules for types of events, from what happened to the rows of a table; no model is asked."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from workbench.errors import InvalidSettings
from workbench.extraction.sources import Per, Unit, runs_of, units_of
from workbench.record.events import Event
from workbench.record.telling import KEPT

if TYPE_CHECKING:
    from workbench.extraction.sources import Sources
    from workbench.record.evidence_table import EvidenceTable

Rule = Callable[..., Any]
"""Takes an event, and where it has a second parameter the events before it; returns a row, several, or None."""

EVERY_OTHER = "*"
_USUAL = KEPT | {
    *("TALK", "THINK", "REACH_OUT", "DONE", "RECALL", "CONSULT", "BROWSE", "WRITE_DOCUMENT", "RESULT", "STORY"),
    *("CONVERSATION", "THOUGHT", "VISUAL", "IMAGE", "LOCATION", "SOCIAL", "INTERNAL_GOAL_FORMULATION"),
    *("MIND", "PERSONA", "PASSAGE"),
}
_SHORT = 7
"""Letters up to which a name with one letter wrong is taken for another; in longer names it may be two."""
_TAKEN = ("evidence",)


def reduce(source: Sources, rules: Mapping[str, Rule], *, per: Per = "run") -> EvidenceTable:
    r"""Reduce what happened to a table, by rules of your own: the same events give the same table.

    >>> said = reduce("We need bread.\nAnd milk.", {"PASSAGE": lambda event: {"words": event.content}})
    >>> said.to_dict("list")
    {'words': ['We need bread.', 'And milk.'], 'evidence': [[1], [2]]}

    Args:
        source: what is read, as in `extract`: runs, run files, people, transcripts, events, texts; several by name.
        rules: by type of event, in capitals; `"*"` is the rule of all other types. A rule is a function of an event
            that returns a row (a mapping from columns to values), several of them, or None for no row. One that needs
            two arguments is also given the events before it, of the same run, person or step, as a sequence. `wb.rules`
            has some.
        per: whether rules see each `run`, the view of each `person`, or each `step`.

    Returns:
        a DataFrame in the order of what happened: `run`, `person` and `step` as far as there are several; the columns
        of the rows in the order in which they first appear, missing where a row has none; `evidence`, the id of the
        event. No rows give an empty table. `attrs["reduction"]` has the labels, and counts the events and the
        rows of each rule; `attrs["runs"]` has the ids of the runs.

    Raises:
        InvalidSettings: something that cannot be read; a type that no event can have, or that looks like a misspelt
            one; a rule that fails, or returns what is no row.
    """
    from workbench.record.evidence_table import EvidenceTable

    units = units_of(source, per)
    happened = Counter(event.type for unit in units for event in unit.events)
    _check_rules(rules, happened)
    labels = list(dict.fromkeys(name for unit in units for name in unit.labels))
    called = {type_: _with_two_arguments(rule) for type_, rule in rules.items()}
    found = [(type_, row) for unit in units for type_, row in _rows_of(unit, called, labels)]
    rows = [row for _, row in found]
    fields = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in (*labels, *_TAKEN)]
    table = EvidenceTable(rows, columns=[*labels, *fields, *_TAKEN])
    table.attrs["runs"] = runs_of(units)
    table.attrs["reduction"] = {
        "labels": labels,
        "n_units": len(units),
        "n_events": {type_: _n_events(type_, rules, happened) for type_ in rules},
        "n_rows": {type_: sum(one == type_ for one, _ in found) for type_ in rules},
    }
    return table


def _check_rules(rules: Any, happened: Collection[str]) -> None:
    if not isinstance(rules, Mapping) or not rules:
        raise InvalidSettings(f"rules={rules!r}: a mapping from types of events to functions is needed")
    for type_, rule in rules.items():
        if not callable(rule):
            raise InvalidSettings(f"rules: that of {type_!r} is {rule!r}, which is no function of an event")
        if type_ != EVERY_OTHER and type_ not in happened:
            _check_type(type_, sorted(_USUAL | set(happened)))


def _check_type(type_: Any, known: Sequence[str]) -> None:
    """Refuse a type that cannot be one, or is one of the known with a slip; tools bring types that nobody knows."""
    from rapidfuzz.distance import OSA

    written = type_.strip().upper().replace(" ", "_").replace("-", "_") if isinstance(type_, str) else ""
    if type_ in known:
        return
    slips = ((OSA.distance(written, name), name) for name in known)
    distance, nearest = min(slips, default=(len(written), ""))
    if written and distance <= (1 if len(written) <= _SHORT else 2):
        raise InvalidSettings(f"rules: no event is of the type {type_!r}: did you mean {nearest!r}?")
    if not written or type_ != written:
        raise InvalidSettings(f"rules: {type_!r} is no type of events: they are in capitals, such as 'TALK'; or '*'")


def _n_events(type_: str, rules: Mapping[str, Rule], happened: Counter[str]) -> int:
    if type_ != EVERY_OTHER:
        return happened[type_]
    return sum(n for name, n in happened.items() if name not in rules)


def _with_two_arguments(rule: Rule) -> Callable[[Event, Sequence[Event]], Any]:
    """Return a rule that takes the events before, whether it needs them or not."""
    try:
        parameters = inspect.signature(rule).parameters.values()
    except (TypeError, ValueError):  # some that are written in C do not say what they take
        return lambda event, before: rule(event)
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [one for one in parameters if one.kind in places and one.default is one.empty]
    return rule if len(needed) > 1 else lambda event, before: rule(event)


class _Before(Sequence[Event]):
    """The events before one, without a copy of them for each."""

    def __init__(self, events: Sequence[Event], n: int) -> None:
        self._events, self._n = events, n

    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, place: int) -> Event: ...

    @overload
    def __getitem__(self, place: slice) -> list[Event]: ...

    def __getitem__(self, place: int | slice) -> Event | list[Event]:
        places = range(self._n)[place]
        return self._events[places] if isinstance(places, int) else [self._events[one] for one in places]

    def __repr__(self) -> str:
        return repr(self[:])


def _rows_of(
    unit: Unit, rules: Mapping[str, Callable[[Event, Sequence[Event]], Any]], labels: Sequence[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the rows of a unit, each with the type whose rule made it."""
    for place, event in enumerate(unit.events):
        type_ = event.type if event.type in rules else EVERY_OTHER
        if type_ in rules:
            for row in _made(rules[type_], type_, event, _Before(unit.events, place), labels):
                yield type_, {**unit.labels, **row, "evidence": [event.id]}


def _made(
    rule: Callable[[Event, Sequence[Event]], Any],
    type_: str,
    event: Event,
    before: Sequence[Event],
    labels: Sequence[str],
) -> list[Mapping[str, Any]]:
    """Return the rows that a rule makes of an event."""
    where = f"rules: that of {type_!r}, at event {event.id}"
    try:
        made = rule(event, before)
        several = isinstance(made, Iterable) and not isinstance(made, Mapping | str | bytes)
        rows = list(made) if several else [] if made is None else [made]
    except Exception as error:
        raise InvalidSettings(f"{where}: {type(error).__name__}: {error}", event=event.id) from error
    for row in rows:
        if not isinstance(row, Mapping):
            raise InvalidSettings(f"{where}: {row!r} is no row: return a mapping, a list of them, or None")
        if wrong := [name for name in row if not isinstance(name, str) or name in (*labels, *_TAKEN, "")]:
            raise InvalidSettings(f"{where}: {', '.join(map(repr, wrong))} cannot be a column here: take another name")
    return rows
