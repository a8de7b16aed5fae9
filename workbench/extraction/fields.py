"""The fields of rows: what a model is asked for, as a pydantic model."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Hashable, Mapping
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin

from pydantic import BaseModel, Field, TypeAdapter, create_model
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic.fields import FieldInfo

from workbench.errors import InvalidSettings

Fields = Mapping[str, Any] | type[BaseModel]
ABOUT_ROWS = ("quotes", "evidence", "spans", "variants", "unsupported", "note")
"""Columns that say what a row rests on."""
_TAKEN = (*ABOUT_ROWS, "model_config")
_MARK = "quotation"

Quotation = Annotated[
    str, Field(description="Word for word from one of the events that `evidence` names, without a change."), _MARK
]
"""The type of a field whose words have to stand in one of the events that the row rests on: where, is verified."""


def row_model(fields: Fields, labels: Collection[str] = ()) -> type[BaseModel]:
    """Return the model of a row: its fields, and `evidence`, the ids of events.

    Args:
        fields: names and types, or a pydantic model.
        labels: columns that the table has besides.

    Raises:
        InvalidSettings: fields that cannot be columns.
    """
    base = fields if isinstance(fields, type) and issubclass(fields, BaseModel) else None
    if not base and not isinstance(fields, Mapping):
        raise InvalidSettings(f"fields={fields!r}: a mapping or a model is needed, such as {{'idea': str}}")
    given: Mapping[str, Any] = base.model_fields if base else cast("Mapping[str, Any]", fields)
    if wrong := [name for name in given if not _is_column(name, labels)]:
        raise InvalidSettings(f"fields: {', '.join(map(repr, wrong))} cannot be a column here: take another name")
    if not given:
        raise InvalidSettings("fields: at least one is needed, such as {'idea': str}")
    typed: dict[str, Any] = {} if base else {name: (_checked(name, kind), ...) for name, kind in given.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a column called "json" hides a method that nobody calls here
        try:
            row = create_model("Row", __base__=base, **typed, evidence=(list[int], ...))
        except (ValueError, TypeError, NameError) as error:  # such as "model_dump", which pydantic keeps for itself
            raise InvalidSettings(f"fields: they cannot be columns: {str(error).partition(chr(10))[0]}") from error
    if unfit := [name for name, field in row.model_fields.items() if _has_mark(field) and not _is_fit(field)]:
        raise InvalidSettings(
            f"fields: {', '.join(map(repr, unfit))}: a quotation is a field of its own, `Quotation`, "
            "`Quotation | None` or `list[Quotation]`, so that it can be verified: it cannot be inside of something else"
        )
    return row


def quotation_fields(row: type[BaseModel]) -> tuple[str, ...]:
    """Return the names of the fields that are quotations, or lists of them."""
    return tuple(name for name, field in row.model_fields.items() if _has_mark(field))


def values_of(answer: BaseModel) -> dict[str, Any]:
    """Return the fields of a row as a table holds them: enumerations by their values, models as mappings."""
    declared = type(answer).model_fields
    return {name: _plain(getattr(answer, name)) for name in declared if name != "evidence"}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def identity_fields(row: type[BaseModel], unique_by: str | Collection[str] | None) -> tuple[str, ...]:
    """Return the fields by which rows are told apart.

    Args:
        row: the model of a row.
        unique_by: their names; all that are no quotations when not given, or else the quotations.

    Raises:
        InvalidSettings: a name that is no field.
    """
    fields = tuple(name for name in row.model_fields if name != "evidence")
    if unique_by is None:
        quotations = quotation_fields(row)
        return tuple(name for name in fields if name not in quotations) or fields
    wanted = (unique_by,) if isinstance(unique_by, str) else tuple(unique_by)
    if not wanted or any(name not in fields for name in wanted):
        raise InvalidSettings(f"unique_by={unique_by!r}: name one or more of the fields {', '.join(fields)}")
    return wanted


def _has_mark(field: FieldInfo) -> bool:
    return _MARK in field.metadata or _is_marked(field.annotation, frozenset())


def _is_marked(annotation: Any, seen: frozenset[Any]) -> bool:
    """Return whether a quotation is anywhere in a type, also in the fields of models."""
    if annotation in seen:
        return False
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        inner = annotation.model_fields.values()
        return any(_MARK in one.metadata or _is_marked(one.annotation, seen | {annotation}) for one in inner)
    return _MARK in getattr(annotation, "__metadata__", ()) or any(
        _is_marked(one, seen) for one in get_args(annotation) if isinstance(one, Hashable)
    )


def _is_fit(field: FieldInfo) -> bool:
    """Return whether a quotation is a text, a list of texts, or either with None."""
    kinds = {one for one in _alternatives(field.annotation) if one is not type(None)}
    return len(kinds) == 1 and next(iter(kinds)) in (str, Quotation, list[Quotation])


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _is_column(name: Any, labels: Collection[str]) -> bool:
    return (
        isinstance(name, str)
        and name.isidentifier()
        and not name.startswith("_")
        and name not in _TAKEN
        and name not in labels
    )


def _checked(name: str, kind: Any) -> Any:
    try:
        TypeAdapter(kind).json_schema()
    except (PydanticUserError, PydanticUndefinedAnnotation, TypeError, SyntaxError) as error:
        why = str(error).partition("\n")[0]
        raise InvalidSettings(f"fields: {name!r} is {kind!r}, which is no type that JSON can hold: {why}") from error
    return kind
