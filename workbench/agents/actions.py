"""Actions: what people do, and `@action`, which makes any typed Python function something that they can do."""

from __future__ import annotations

import asyncio
import inspect
import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, get_type_hints, overload

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from workbench.errors import BudgetSpent, CacheMiss, InvalidSettings, ModelError, UnknownName
from workbench.llm.client import LLM
from workbench.record.events import Happening
from workbench.record.telling import KEPT

ActionType = Literal["TALK", "THINK", "REACH_OUT", "DONE"]
OTHER_TYPES = frozenset(
    {"CONVERSATION", "SOCIAL", "LOCATION", "VISUAL", "IMAGE", "THOUGHT", "INTERNAL_GOAL_FORMULATION", "RESULT", "MIND"}
    | {"PERSONA", "STORY", *KEPT}
)
"""Types of events that are no actions."""
BASIC: frozenset[str] = frozenset(("TALK", "THINK", "REACH_OUT", "DONE"))


class Action(BaseModel):
    """One thing that a person does."""

    model_config = ConfigDict(frozen=True)

    type: str
    """TALK, THINK, REACH_OUT, DONE, or the name of what a faculty or a tool lets them do."""
    target: str = ""
    """A name; empty for all in reach, or where there is nobody to name."""
    content: str = ""
    """The words; of a faculty's or a tool's action, its arguments as JSON."""

    def __str__(self) -> str:
        return f"{self.type}{f' to {self.target}' if self.target else ''}: {self.content}".removesuffix(": ")


@dataclass(frozen=True)
class Acting:
    """Who acts, when, and among whom: given to a function that has a parameter of this type."""

    person: str
    """The name of the one who acts."""
    time: datetime
    """The simulated time."""
    in_reach: tuple[str, ...] = ()
    """The names of those whom they can reach."""
    everybody: tuple[str, ...] = ()
    """The names of all who live in the world."""
    llm: LLM | None = field(default=None, repr=False)
    """The model that they think with: what an action asks of it counts in the world's meter and budget."""
    known: Any = field(default=None, repr=False)
    """What they know, for actions that look something up."""
    happenings: list[Happening] = field(default_factory=list, repr=False)
    """What else happens through the action."""

    def notify(self, name: str, message: str, *, source: str) -> None:
        """Let somebody else perceive something, such as an invitation, when the turn is over.

        Raises:
            UnknownName: nobody of that name lives here.
        """
        if name not in self.everybody:
            raise UnknownName(f"nobody here is called {name!r}; there are: {', '.join(self.everybody) or 'none'}")
        self.happenings.append(Happening("stimulus", "SOCIAL", message, source, name, heard_by=(name,)))


@dataclass(frozen=True)
class Outcome:
    """What came of an action."""

    result: str | None = None
    """What the one who acted is told; None where there is nothing to tell."""
    happenings: tuple[Happening, ...] = ()
    failure: str = ""
    """What went wrong, for the researcher."""


@dataclass(frozen=True)
class ActionDefinition:
    """Something that people can do, as the model reads it and as it is carried out. `@action` makes one.

    Called, it is the function that it was made of.
    """

    function: Callable[..., Any] = field(repr=False)
    name: str
    """As the model calls it: `BOOK_TABLE`."""
    purpose: str
    """The function's docstring."""
    constraints: str = ""
    """When it may be used and when not, in plain language."""
    real_world: bool = False
    """Whether it reaches out of the simulation: it then runs only in a world that allows it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return self.function(*args, **kwargs)

    @cached_property
    def informs(self) -> bool:
        """Whether it returns something, by its annotation: the turn then goes on with what it returned."""
        return _hints(self.function).get("return") is not type(None)

    @cached_property
    def _acting(self) -> str | None:
        """The parameter that is given who acts."""
        hints = _hints(self.function)
        return next((name for name in inspect.signature(self.function).parameters if hints.get(name) is Acting), None)

    @cached_property
    def parameters(self) -> dict[str, FieldInfo]:
        """The arguments that the model gives, by name."""
        return {str(field.alias): field for field in self.arguments.model_fields.values()}

    @cached_property
    def arguments(self) -> type[BaseModel]:
        """The pydantic model of its arguments; its fields are numbered, so that none hides a method of pydantic's.

        Raises:
            InvalidSettings: a parameter without a type, or of a type that no JSON schema has.
        """
        hints = _hints(self.function)
        fields: dict[str, Any] = {}
        for name, parameter in inspect.signature(self.function).parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
                raise InvalidSettings(f"action {self.name}: {parameter} is no named argument: a model cannot give it")
            if name == self._acting:
                continue
            if name == "self" and name not in hints:
                raise InvalidSettings(f"action {self.name}: give the method of an object: action(thing.method)")
            if name not in hints:
                raise InvalidSettings(
                    f"action {self.name}: its argument {name!r} has no type: write one, as in {name}: str"
                )
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[f"argument_{len(fields) + 1}"] = (hints[name], Field(default, alias=name))
        try:
            model: type[BaseModel] = create_model(self.name, __config__=ConfigDict(extra="forbid"), **fields)
            model.model_json_schema()
        except PydanticUserError as error:
            raise InvalidSettings(f"action {self.name}: its arguments have no JSON schema: {error}") from error
        return model

    @property
    def told(self) -> str:
        """The definition in a line, as prompts show it."""
        given = ", ".join(
            name if field.is_required() else f"{name}={field.default!r}" for name, field in self.parameters.items()
        )
        only = f" ({' '.join(self.constraints.split())})" if self.constraints else ""
        return f"{self.name}({given}): {' '.join(self.purpose.split())}{only}"

    async def run(self, arguments: str, acting: Acting) -> Outcome:
        """Carry it out. What goes wrong in the function is told to the person and to the researcher, and nothing stops.

        Args:
            arguments: as JSON.
            acting: who acts.

        Raises:
            ModelError, BudgetSpent, CacheMiss: a model that the action asks failed.
        """
        try:
            given = self.arguments.model_validate_json(arguments)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            return Outcome(f"That did not work: {wrong}", failure=f"arguments that cannot be: {wrong}")
        named = {str(field.alias): getattr(given, name) for name, field in type(given).model_fields.items()}
        if self._acting:
            named[self._acting] = acting
        try:
            result = await self._call(named)
            told = None if result is None else whole(_as_text(result))
        except (ModelError, BudgetSpent, CacheMiss):  # no fault of the function: the turn cannot be had
            raise
        except Exception as error:  # noqa: BLE001  # whatever a researcher's function raises is told to both
            reason = f"{type(error).__name__}: {error}".removesuffix(": ")
            told, failure = whole(f"That did not work: {reason}"), whole(traceback.format_exc().strip())
            return Outcome(told, tuple(acting.happenings), failure)  # what was done is done
        return Outcome(told, tuple(acting.happenings))

    async def _call(self, arguments: Mapping[str, Any]) -> Any:
        if inspect.iscoroutinefunction(self.function):
            return await self.function(**arguments)
        running = asyncio.ensure_future(asyncio.to_thread(self._call_here, arguments))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])  # a thread cannot be stopped: what it does must not outlive the step
            raise

    def _call_here(self, arguments: Mapping[str, Any]) -> Any:
        try:
            return self.function(**arguments)
        except StopIteration as error:  # which no future can hold: its waiter would wait for ever
            raise RuntimeError(f"StopIteration: {error}".removesuffix(": ")) from error


@overload
def action(function: Callable[..., Any], /) -> ActionDefinition: ...
@overload
def action(
    *, name: str | None = None, constraints: str = "", real_world: bool = False
) -> Callable[[Callable[..., Any]], ActionDefinition]: ...
def action(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    constraints: str = "",
    real_world: bool = False,
) -> ActionDefinition | Callable[[Callable[..., Any]], ActionDefinition]:
    """Make a typed function something that people can do: `Person(..., faculties=[book_table])`.

    Its name, its docstring and its arguments become the definition that the model sees. It may be `async`. What it
    returns is told to the person before their turn goes on; an error it raises is told to them, and recorded.

    Args:
        function: with a docstring, and a type for each argument. A parameter of the type `Acting` is told who acts.
        name: another name for the model.
        constraints: when it may be used and when not, in plain language.
        real_world: whether it reaches out of the simulation; it then runs only in a world made with `real_world=True`.

    Raises:
        InvalidSettings: it has no docstring, or an argument without a type.

    >>> @action
    ... def book_table(guests: int) -> str:
    ...     '''Book a table in the restaurant.'''
    ...     return f"A table for {guests} is booked."
    >>> book_table.told
    'BOOK_TABLE(guests): Book a table in the restaurant.'
    """
    if function is None:
        return lambda function: _define(function, name, constraints, real_world)
    return _define(function, name, constraints, real_world)


def _define(function: Callable[..., Any], name: str | None, constraints: str, real_world: bool) -> ActionDefinition:
    if not inspect.isroutine(function):
        raise InvalidSettings(f"{function!r} is no function: write one with def, with a docstring and types")
    called = (name or function.__name__).upper()
    purpose = inspect.getdoc(function) or ""
    if not called.isidentifier() or called in BASIC | OTHER_TYPES:
        raise InvalidSettings(f"an action cannot be called {called!r}: give another name=, of letters and underscores")
    if not purpose:
        raise InvalidSettings(
            f"action {called}: the function has no docstring, and the model would not know what it does"
        )
    definition = ActionDefinition(function, called, purpose, constraints, real_world)
    definition.arguments  # noqa: B018  # what cannot be is told here, not in the middle of a run
    return definition


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except NameError as error:
        raise InvalidSettings(f"the types of {function.__name__} cannot be read: {error}") from error


def _as_text(result: Any) -> str:
    """Return what a function returned as the person is told it."""
    if isinstance(result, str) and type(result).__str__ is str.__str__:
        return result
    if hasattr(result, "to_csv"):  # a DataFrame or a Series of pandas, whose own text leaves out what is in the middle
        return str(result.to_csv())
    return json.dumps(result, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    """Return as JSON has it what is none: models, dates, numbers of numpy, sets in an order that repeats."""
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    return value.tolist() if hasattr(value, "tolist") else to_jsonable_python(value)


def whole(text: str) -> str:
    """Return a text in which what is half of a surrogate pair, as in the names of some files, is `\ufffd`."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
