"""What a model answers when it writes a persona: the facts that it was given again, and the rest, in three sizes."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import BaseModel, Field, field_validator

from workbench.errors import InvalidSettings

Detail = Literal["brief", "standard", "rich"]
"""How much is written of a person."""


def check_detail(detail: str) -> None:
    """Check that so much can be written.

    Raises:
        InvalidSettings: it is none of the details.
    """
    if detail not in get_args(Detail):
        raise InvalidSettings(f"detail={detail!r}: it is one of {', '.join(get_args(Detail))}")


WORDS_PER_TOKEN = 0.7
TOKENS: dict[Detail, int] = {"brief": 200, "standard": 450, "rich": 1000}
"""About how long a persona is; the answer is about as long again by its form and the facts."""


class _Fact(BaseModel):
    attribute: str
    value: str


class _Title(BaseModel):
    title: str


class _Job(_Title):
    organization: str
    description: str


class _Traits(BaseModel):
    traits: list[str]


class _BigFive(BaseModel):
    openness: str
    conscientiousness: str
    extraversion: str
    agreeableness: str
    neuroticism: str


class _Personality(_Traits):
    big_five: _BigFive


class _Interests(BaseModel):
    interests: list[str]


class _Preferences(_Interests):
    likes: list[str]
    dislikes: list[str]


class _Routines(BaseModel):
    morning: list[str]
    workday: list[str]
    evening: list[str]
    weekend: list[str]


class _Behaviors(BaseModel):
    general: list[str]
    routines: _Routines


class _Relationship(BaseModel):
    name: str
    description: str


class Brief(BaseModel):
    """Who somebody is, in about 200 tokens."""

    facts: list[_Fact]
    name: str
    age: int
    gender: str
    nationality: str
    residence: str
    occupation: _Title
    personality: _Traits
    preferences: _Interests
    other_facts: list[str]

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if not name.strip():
            raise ValueError("the person needs a name")
        return " ".join(name.split())

    def persona(self) -> dict[str, Any]:
        """Return what was written, without what was left empty."""
        written: dict[str, Any] = _filled(self.model_dump(exclude={"facts"}))
        return written


class Standard(Brief):
    """As much as a conversation needs."""

    education: str
    occupation: _Job
    long_term_goals: list[str]
    style: str
    preferences: _Preferences
    skills: list[str]
    beliefs: list[str]


class Rich(Standard):
    """All that a persona of the reference has."""

    personality: _Personality
    behaviors: _Behaviors
    health: str
    relationships: list[_Relationship]


class Short(BaseModel):
    """What a very small model can be asked for: a few short fields."""

    job: str = Field(min_length=4, max_length=40)
    likes: str = Field(min_length=4, max_length=50)
    life: str = Field(min_length=30, max_length=180)

    def persona(self) -> dict[str, Any]:
        """Return what was written as a persona has it."""
        written: dict[str, Any] = {
            "occupation": {"title": self.job.strip()},
            "preferences": {"interests": [self.likes.strip()]},
            "other_facts": [self.life.strip()],
        }
        return dict(_filled(written))


ANSWERS: dict[Detail, type[Brief]] = {"brief": Brief, "standard": Standard, "rich": Rich}


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        inner = {key: _filled(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item not in ("", [], {})}
    if isinstance(value, list):
        return [item for item in map(_filled, value) if item not in ("", [], {})]
    return value.strip() if isinstance(value, str) else value
