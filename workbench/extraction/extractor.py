"""`extract`: typed rows from what happened, each with the events that it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, create_model

from workbench.agents.person import Person
from workbench.errors import InvalidSettings
from workbench.llm.client import LLM, default_llm
from workbench.prompts import render
from workbench.record.events import Event
from workbench.record.telling import tell_all
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
        llm: the model that reads; the default one when not given.

    Returns:
        a DataFrame with the fields, `evidence` (ids of events, each verified to be there) and `supported`: False
        where a row names no event that is there. Nothing found gives an empty table with these columns.

    Raises:
        InvalidSettings: fields that cannot be columns.
        PromptTooLong: what happened does not fit the model's context; nothing is cut.
        ModelError: no readable answer.
    """
    import pandas as pd

    row, events = _row_model(fields), _events(source)
    columns = [*row.model_fields, "supported"]
    if not events:
        return pd.DataFrame(columns=columns)
    rows: type[BaseModel] = create_model("Rows", rows=(list[row], ...))  # type: ignore[valid-type]
    messages = [
        {"role": "system", "content": render("extract_system")},
        {"role": "user", "content": render("extract_user", objective=objective, transcript=tell_all(events))},
    ]
    reply = await (llm or default_llm()).complete(messages, rows, purpose="extract", temperature=0.0)
    known = {event.id for event in events}
    found = [_verified(item.model_dump(), known) for item in reply.value.rows]  # type: ignore[attr-defined]
    return pd.DataFrame(found, columns=columns)


def _row_model(fields: Fields) -> type[BaseModel]:
    given = dict(fields) if isinstance(fields, Mapping) else {}
    names = list(given) or (list(fields.model_fields) if isinstance(fields, type) else [])
    wrong = [name for name in names if name in ("evidence", "supported") or not name.isidentifier()]
    if wrong or not names:
        raise InvalidSettings(f"fields={names}: at least one, and {', '.join(wrong) or 'none'} cannot be a column here")
    if isinstance(fields, type):
        return create_model("Row", __base__=fields, evidence=(list[int], ...))
    typed: dict[str, Any] = {name: (kind, ...) for name, kind in given.items()}
    return create_model("Row", **typed, evidence=(list[int], ...))


def _verified(row: dict[str, Any], known: set[int]) -> dict[str, Any]:
    evidence = [number for number in dict.fromkeys(row["evidence"]) if number in known]
    return row | {"evidence": evidence, "supported": bool(evidence)}


def _events(source: World | Person) -> Sequence[Event]:
    return source.events() if isinstance(source, World) else source.memory.events
