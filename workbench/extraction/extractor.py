"""`extract`: typed rows from what happened, each with the events that it rests on."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, TypeAdapter, create_model
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError

from workbench.agents.person import Person
from workbench.errors import InvalidSettings
from workbench.llm.calls import asked_of
from workbench.llm.client import LLM
from workbench.prompts import render
from workbench.record.events import Event
from workbench.record.telling import tell_all, told
from workbench.worlds.world import World

if TYPE_CHECKING:
    import pandas as pd

Fields = Mapping[str, Any] | type[BaseModel]


async def extract(source: World | Person, objective: str, *, fields: Fields, llm: LLM | None = None) -> pd.DataFrame:
    """Extract rows from what happened, in one request.

    Args:
        source: a world, or a person: what they perceived and did.
        objective: what to look for, such as "the product ideas".
        fields: the columns and their types, `{"idea": str, "owner": str}`, or a pydantic model.
        llm: the model that reads; the one of the source when not given.

    Returns:
        a DataFrame with the fields, `evidence` (ids of events, each verified to be there) and `supported`: False
        where a row names no event that is there. Nothing found gives an empty table with these columns.

    Raises:
        InvalidSettings: fields that cannot be columns.
        PromptTooLong: what happened does not fit the model's context; nothing is cut.
        ModelError: no readable answer.
    """
    import pandas as pd

    if not isinstance(source, World | Person):
        raise InvalidSettings(f"{type(source).__name__}: extraction reads a world or a person")
    row, events = _row_model(fields), told(_events(source))
    columns = [*row.model_fields, "supported"]
    if not events:
        return pd.DataFrame(columns=columns)
    rows: type[BaseModel] = create_model("Rows", rows=(list[row], ...))  # type: ignore[valid-type]
    user = render("extract_user", objective=objective, transcript=tell_all(events))
    messages = asked_of(render("extract_system"), user)
    reply = await (llm or source.llm).complete(messages, rows, purpose="extract", temperature=0.0)
    known = {event.id for event in events}
    found = [_verified(item.model_dump(), known) for item in reply.value.rows]  # type: ignore[attr-defined]
    return pd.DataFrame(found, columns=columns)


def _row_model(fields: Fields) -> type[BaseModel]:
    base = fields if isinstance(fields, type) and issubclass(fields, BaseModel) else None
    if not base and not isinstance(fields, Mapping):
        raise InvalidSettings(f"fields={fields!r}: a mapping or a model is needed, such as {{'idea': str}}")
    given: Mapping[str, Any] = base.model_fields if base else cast("Mapping[str, Any]", fields)
    if wrong := [name for name in given if not _is_column(name)]:
        raise InvalidSettings(f"fields: {', '.join(map(repr, wrong))} cannot be a column here: take another name")
    if not given:
        raise InvalidSettings("fields: at least one is needed, such as {'idea': str}")
    typed: dict[str, Any] = {} if base else {name: (_checked(name, kind), ...) for name, kind in given.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a column called "json" hides a method that nobody calls here
        return create_model("Row", __base__=base, **typed, evidence=(list[int], ...))


def _is_column(name: Any) -> bool:
    taken = ("evidence", "supported", "model_config")
    return isinstance(name, str) and name.isidentifier() and not name.startswith("_") and name not in taken


def _checked(name: str, kind: Any) -> Any:
    try:
        TypeAdapter(kind).json_schema()
    except (PydanticUserError, PydanticUndefinedAnnotation, TypeError, SyntaxError) as error:
        why = str(error).partition("\n")[0]
        raise InvalidSettings(f"fields: {name!r} is {kind!r}, which is no type that JSON can hold: {why}") from error
    return kind


def _verified(row: dict[str, Any], known: set[int]) -> dict[str, Any]:
    evidence = [number for number in dict.fromkeys(row["evidence"]) if number in known]
    return row | {"evidence": evidence, "supported": bool(evidence)}


def _events(source: World | Person) -> Sequence[Event]:
    return source.events() if isinstance(source, World) else source.memory.unforgotten
