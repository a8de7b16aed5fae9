"""People from the rows of a survey: what each column tells of somebody, in labels and sentences, without a model."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.agents.persona import Persona
from workbench.errors import InvalidPersona, InvalidSettings, PromptError
from workbench.populations.column_values import plain_values
from workbench.populations.tables import check_columns
from workbench.prompts import render_text, variables_of

if TYPE_CHECKING:
    import pandas as pd

Describe = Mapping[str, str | Mapping[Any, Any] | tuple[str, Mapping[Any, Any]]]
"""How each column becomes part of a persona."""
OWN = ("value", "number")
"""Variables of a sentence beside the columns: the value of its column, and the row's number, from 1."""


@dataclass(frozen=True)
class Respondents:
    """What a survey tells of its respondents."""

    personas: list[Persona]
    weights: list[float] | None
    held_out: pd.DataFrame | None
    data: pd.DataFrame


@dataclass(frozen=True)
class _Attribute:
    """A column that is a key of the persona."""

    column: str
    key: str
    labels: Mapping[Any, Any] | None = None

    def value(self, value: Any) -> Any:
        return value if self.labels is None else self.labels[value]


@dataclass(frozen=True)
class _Sentence:
    """A column that is told in a sentence."""

    column: str
    template: str

    @property
    def variables(self) -> frozenset[str]:
        return variables_of(self.template, self.column)


def respondents_of(
    df: pd.DataFrame,
    describe: Describe,
    *,
    hold_out: Sequence[str],
    weights: str | Iterable[float] | None,
    name: str,
) -> Respondents:
    """Read a survey; as `Population.from_frame`."""
    held_out = [hold_out] if isinstance(hold_out, str) else list(hold_out)
    _check_survey(df, describe, held_out, weights)
    parts = [_part(column, how) for column, how in describe.items()]
    shown = df[[column for column in df.columns if column not in held_out]]
    _check_templates(parts, name, shown, held_out)
    columns = {column: plain_values(shown[column]) for column in shown.columns}
    _check_labels(parts, columns)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    personas = [_persona(number, row, parts, name, df.index[number - 1]) for number, row in enumerate(rows, 1)]
    kept = df[held_out].reset_index(drop=True) if held_out else None
    data = df[list(describe)].reset_index(drop=True)
    return Respondents(personas, _weights(df, weights), kept, data)


# -- what is given -----------------------------------------------------------------------------------------


def _check_survey(df: Any, describe: Any, held_out: list[str], weights: Any) -> None:
    import pandas as pd

    if not isinstance(df, pd.DataFrame) or not len(df):
        what = "has no rows" if isinstance(df, pd.DataFrame) else f"is a {type(df).__name__}"
        raise InvalidSettings(f"a DataFrame with a row a respondent is needed; this one {what}")
    check_columns(df, "the survey")
    if not isinstance(describe, Mapping) or not describe:
        raise InvalidSettings("describe: a mapping is needed from columns to what they tell: {'age': 'age'}")
    named = [*describe, *held_out, *([weights] if isinstance(weights, str) else [])]
    if unknown := [column for column in dict.fromkeys(named) if column not in df.columns]:
        known = ", ".join(df.columns)
        raise InvalidSettings(f"there is no column {', '.join(map(repr, unknown))}; there are {known}")
    if shown := [column for column in held_out if column in describe or column == weights]:
        raise InvalidSettings(
            f"{', '.join(shown)}: held out, and used in describe or weights: take it out of one of them, as prompts "
            "carry what is described"
        )


def _part(column: str, how: Any) -> _Attribute | _Sentence:
    if isinstance(how, str) and _is_template(how):
        return _Sentence(column, how)
    if isinstance(how, str):
        return _Attribute(column, how)
    if isinstance(how, Mapping) and how:
        return _Attribute(column, column, how)
    if isinstance(how, tuple) and len(how) == 2 and isinstance(how[0], str) and isinstance(how[1], Mapping) and how[1]:
        return _Attribute(column, *how)
    raise InvalidSettings(
        f"describe: {column}: {how!r}: give a key of the persona ('occupation.title'), labels ({{1: 'female'}}), both "
        "in a tuple, or a sentence ('Earns {{ value }} euros.')"
    )


def _is_template(text: str) -> bool:
    return "{{" in text or "{%" in text


def _check_templates(parts: Sequence[Any], name: str, shown: pd.DataFrame, held_out: Sequence[str]) -> None:
    """Check keys, and that sentences and names speak of columns that are there, and of none that is held out."""
    _check_keys([part for part in parts if isinstance(part, _Attribute)])
    asked = {f"describe: {part.column}": part.variables for part in parts if isinstance(part, _Sentence)}
    if _is_template(name):
        asked["name"] = variables_of(name, "name") - {"number"}
    elif name in held_out:
        asked["name"] = frozenset([name])
    elif name not in shown.columns:
        raise InvalidSettings(
            f"name={name!r}: give a column, or a template such as 'Respondent {{{{ number }}}}'; the columns are "
            f"{', '.join(shown.columns)}"
        )
    for where, variables in asked.items():
        if twice := sorted(variables & set(OWN) & set(shown.columns)):
            raise InvalidSettings(f"{where}: {twice[0]} may be the survey's column or our own: rename the column")
        own = OWN if where != "name" else ()
        if unknown := sorted(variables - set(own) - set(shown.columns)):
            hidden = [column for column in unknown if column in held_out]
            what = "is held out, and prompts carry what is described" if hidden else "is no column"
            raise InvalidSettings(f"{where}: {', '.join(hidden or unknown)} {what}: take it out of the template")


def _check_keys(attributes: Sequence[_Attribute]) -> None:
    taken: dict[str, str] = {}
    for attribute in attributes:
        key = attribute.key
        if key == "name":
            raise InvalidSettings(f"describe: {attribute.column}: names are given by name={attribute.column!r}")
        if key == "other_facts":
            raise InvalidSettings(f"describe: {attribute.column}: other_facts are sentences: describe it by a template")
        if not all(part.strip() for part in key.split(".")):
            raise InvalidSettings(f"describe: {attribute.column}: {key!r} is no key: it is one like 'occupation.title'")
        for other, column in taken.items():
            if key == other or key.startswith(f"{other}.") or other.startswith(f"{key}."):
                raise InvalidSettings(f"describe: {column} and {attribute.column} are both to be {key!r}: keep one")
        taken[key] = attribute.column


def _check_labels(parts: Sequence[Any], columns: Mapping[str, list[Any]]) -> None:
    """Check that every code has a label; all columns are named in which one has none."""
    faults = []
    for part in parts:
        if isinstance(part, _Attribute) and part.labels is not None:
            values = [value for value in columns[part.column] if value is not None]
            lost = Counter(
                repr(value) for value in values if not isinstance(value, Hashable) or value not in part.labels
            )
            if lost:
                codes = ", ".join(f"{code} ({n:,} row{'s' if n > 1 else ''})" for code, n in lost.most_common(10))
                faults.append(f"{part.column}: no label for {codes}; there are labels for {_some_of(part.labels)}")
    if faults:
        raise InvalidSettings(f"describe: {'; '.join(faults)}. Add them; None as a label leaves the attribute out.")


def _some_of(labels: Iterable[Any]) -> str:
    known = list(map(repr, labels))
    return ", ".join(known[:12]) + (f" and {len(known) - 12} more" if len(known) > 12 else "")


# -- what a row tells --------------------------------------------------------------------------------------


def _persona(number: int, row: Mapping[str, Any], parts: Sequence[Any], name: str, label: Any) -> Persona:
    where = f"row {label!r}"
    data: dict[str, Any] = {"name": _name(name, number, row, where)}
    for part in parts:
        value = row[part.column]
        if value is not None and isinstance(part, _Attribute):
            _put(data, part.key, part.value(value))
        elif value is not None:
            data.setdefault("other_facts", []).extend(_told(part, number, row, where))
    try:
        return Persona.parse(data, where)
    except InvalidPersona as error:
        raise InvalidPersona(f"{error}. Where a column has codes, describe it with labels: {{1: 'female'}}") from error


def _name(name: str, number: int, row: Mapping[str, Any], where: str) -> str:
    if _is_template(name):
        if missing := sorted(column for column in variables_of(name, "name") - set(OWN) if row[column] is None):
            raise InvalidSettings(f"{where}: {', '.join(missing)} is missing, which the name is made of")
        return _rendered(name, "name", {**row, "number": number}, where)
    if row[name] is None:
        raise InvalidSettings(
            f"{where}: {name} is missing, which is to be the name: give another column, or a template"
        )
    return str(row[name])


def _told(sentence: _Sentence, number: int, row: Mapping[str, Any], where: str) -> Iterator[str]:
    """Yield the sentence, unless a column that it speaks of is missing in the row."""
    needed = sentence.variables - set(OWN)
    if all(row[column] is not None for column in needed):
        variables = {**row, "number": number, "value": row[sentence.column]}
        if text := " ".join(_rendered(sentence.template, sentence.column, variables, where).split()):
            yield text


def _rendered(template: str, what: str, variables: dict[str, Any], where: str) -> str:
    try:
        return render_text(template, what, **variables)
    except PromptError as error:
        raise PromptError(f"{where}: {error}") from error


def _put(data: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        return
    *parents, last = key.split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
    data[last] = value


def _weights(df: pd.DataFrame, weights: str | Iterable[float] | None) -> list[float] | None:
    import pandas as pd

    if weights is None:
        return None
    where = weights if isinstance(weights, str) else "weights"
    if isinstance(weights, pd.Series) and set(weights.index) == set(df.index) and weights.index.is_unique:
        weights = weights.reindex(df.index)
    given = df[weights] if isinstance(weights, str) else pd.Series(list(weights), dtype=object)
    if len(given) != len(df):
        raise InvalidSettings(f"{len(given):,} weights for {len(df):,} rows: one a row is needed")
    numbers = pd.to_numeric(given, errors="coerce").astype(float).tolist()
    wrong = [row for row, weight in zip(df.index, numbers, strict=True) if not (math.isfinite(weight) and weight > 0)]
    if wrong:
        rows = ", ".join(map(repr, wrong[:10])) + (f" and {len(wrong) - 10:,} more" if len(wrong) > 10 else "")
        raise InvalidSettings(f"{where}: missing or not positive in row {rows}: leave these rows out, or mend them")
    return numbers
