"""The people of a population as a table, and tables about them: a row a person."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.populations.dimensions import RESERVED
from workbench.populations.picking import some

if TYPE_CHECKING:
    import pandas as pd

    from workbench.agents.person import Person


def flat(persona: Mapping[str, Any]) -> dict[str, Any]:
    """Return a persona in one level: `occupation.title`; lists stay lists, and the name is left out.

    A key `weight` becomes `persona.weight`: `weight` is the one that a population gives.

    >>> flat({"name": "Lisa", "age": 28, "occupation": {"title": "Baker"}, "skills": ["piano"], "weight": 60})
    {'age': 28, 'occupation.title': 'Baker', 'skills': ['piano'], 'persona.weight': 60}
    """
    top = {f"persona.{key}" if key == "weight" else key: value for key, value in persona.items() if key != "name"}
    return dict(_flat(top, ""))


def _flat(tree: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        elif value is not None:
            yield f"{before}{key}", value


def frame_of(people: Sequence[Person]) -> pd.DataFrame:
    """Return a table of people: index `name`, a column each key of their personas."""
    import pandas as pd

    rows = [flat(person.persona.to_dict()) for person in people]
    index = pd.Index([person.name for person in people], name="name", dtype=object)
    return pd.DataFrame(rows, index=index, columns=list(dict.fromkeys(key for row in rows for key in row)))


def about_people(table: pd.DataFrame, names: Sequence[str], what: str) -> pd.DataFrame:
    """Return a copy of a table about people, with their names as its index.

    Args:
        table: in the order of the people, or with their names as its index in any order.
        names: of the people.
        what: it is, for messages.

    Raises:
        InvalidSettings: it is no table of these people, or its columns cannot be told apart.
    """
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        raise InvalidSettings(f"{what}: a DataFrame is needed, a row a person; this is a {type(table).__name__}")
    check_columns(table, what)
    if taken := [name for name in RESERVED if name in table.columns]:
        raise InvalidSettings(f"{what}: {', '.join(taken)} is what every population has: rename the column")
    if len(table) != len(names):
        raise InvalidSettings(f"{what}: {len(table):,} rows for {len(names):,} people: a row a person is needed")
    if named := set(table.index) & set(names):
        if missing := [name for name in names if name not in named]:
            raise InvalidSettings(f"{what}: no row for {', '.join(missing[:5])}: its index has to name everybody")
        table = table.loc[list(names)]
    return table.set_axis(pd.Index(names, name="name", dtype=object), axis="index").copy()


def joined(first: pd.DataFrame | None, more: pd.DataFrame | None, names: Sequence[str]) -> pd.DataFrame | None:
    """Return two tables about people as one, a row a name; what one of them lacks is missing."""
    import pandas as pd

    tables = [table for table in (first, more) if table is not None]
    return pd.concat(tables).reindex(list(names)).reset_index(drop=True) if tables else None


def check_columns(table: pd.DataFrame, what: str) -> None:
    """Check that columns can be told apart, and written to files.

    Raises:
        InvalidSettings: names that are no texts, or are there twice.
    """
    if odd := [name for name in table.columns if not isinstance(name, str)]:
        raise InvalidSettings(f"{what}: the column {odd[0]!r} is called by no text: df.columns = df.columns.map(str)")
    if not table.columns.is_unique:
        twice = dict.fromkeys(table.columns[table.columns.duplicated()])
        raise InvalidSettings(f"{what}: {', '.join(map(repr, twice))} is there more than once: rename the columns")


def check_held_out(held_out: pd.DataFrame, data: pd.DataFrame | None, people: Sequence[Person]) -> None:
    """Check that nothing that is held out is anywhere else.

    Raises:
        InvalidSettings: a column of it is one of the data too, or a key of a persona, which prompts carry.
    """
    columns = {str(name).casefold(): str(name) for name in held_out.columns}
    if both := sorted(
        columns[key] for key in columns.keys() & {str(c).casefold() for c in ([] if data is None else data)}
    ):
        raise InvalidSettings(f"{', '.join(both)}: held out, and in data too: keep it in one of them")
    for person in people:
        if shown := sorted(columns[key] for key in columns.keys() & _keys_of(person.persona.to_dict())):
            raise InvalidSettings(
                f"{person.name}: {', '.join(shown)} is held out, and a key of the persona, which prompts carry: take "
                "it out of the persona, or rename the column that is held out"
            )


def _keys_of(persona: Mapping[str, Any]) -> set[str]:
    """Return every key of a persona, in small letters: the paths, what they lead through, and their last parts."""
    paths = [path.casefold().split(".") for path in flat(persona)]
    through = {".".join(path[:depth]) for path in paths for depth in range(1, len(path) + 1)}
    return through | {path[-1] for path in paths}


def _by_name(weights: Any, names: Sequence[str]) -> list[float]:
    """Return weights in the order of people: by their names, where they are the index, and else as they stand."""
    if set(weights.keys()) == set(names):
        return [weights[name] for name in names]
    return list(weights.values() if isinstance(weights, Mapping) else weights)


def checked_weights(weights: Iterable[float] | None, names: Sequence[str]) -> tuple[float, ...]:
    """Return a weight a person: all 1 when none are given.

    Raises:
        InvalidSettings: too few or too many, or one that is no positive number.
    """
    if isinstance(weights, Mapping) or hasattr(weights, "reindex"):
        weights = _by_name(weights, names)
    given = [1.0] * len(names) if weights is None else list(weights)
    if len(given) != len(names):
        raise InvalidSettings(f"{len(given):,} weights for {len(names):,} people: one a person is needed")
    try:
        numbers = [float(weight) for weight in given]
    except (TypeError, ValueError) as error:
        raise InvalidSettings(f"weights are numbers: {error}") from error
    if wrong := [name for name, x in zip(names, numbers, strict=True) if not (math.isfinite(x) and x > 0)]:
        raise InvalidSettings(f"the weight of {some(wrong)} is no positive number: leave these people out, or mend it")
    return tuple(numbers)
