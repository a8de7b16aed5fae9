"""The people of these tests, the turns that a test has them take, and what was asked in their name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.model_server import Body, Request
from workbench.agents.person import Person
from workbench.llm.client import LLM
from workbench.worlds.world import World

LISA = {
    "name": "Lisa Moreau",
    "age": 28,
    "nationality": "Canadian",
    "occupation": {"title": "Data Scientist", "organization": "a search company"},
    "personality": {"traits": ["You are curious."], "big_five": {"openness": "high"}},
    "preferences": {"likes": ["cooking"], "dislikes": ["small talk"]},
    "skills": ["piano"],
}
SHARED = Path("/work/shared/data")
"""The reference's own files; tests that read them skip where they are absent."""
_WHO = re.compile(r"You are (.+)\. Your turn:\s*$")


def llm_at(server: Any, **options: Any) -> LLM:
    """A model at a server: no cache and quick retries, unless the options say otherwise."""
    here = {"base_url": getattr(server, "base_url", server), "api_key": "sk-test", "cache": "off", "backoff": 0.001}
    return LLM(**({"model": "scripted"} | here | options))


def person(name: str = "Lisa", **facts: Any) -> Person:
    """Somebody of whom little is known."""
    return Person({"name": name, "age": 28, **facts})


def world_at(server: Any, *names: str, llm: LLM | None = None, **options: Any) -> World:
    """A world of people whose names are known; three where none is given."""
    people = [person(name) for name in names or ("Ann", "Bob", "Cem")]
    return World("Kitchen", people, llm=llm or llm_at(server), **options)


# What people do


def turn(*actions: Mapping[str, str], **mind: Any) -> dict[str, Any]:
    """The answer of a model for a turn; nothing is done where no action is given."""
    done = list(actions) or [{"type": "DONE", "target": "", "content": ""}]
    return {"actions": done, "mind": {"emotions": "calm", "attention": "the talk", "goals": [], **mind}}


def talk(content: str, to: str = "") -> dict[str, str]:
    return {"type": "TALK", "target": to, "content": content}


def think(content: str) -> dict[str, str]:
    return {"type": "THINK", "target": "", "content": content}


def reach_out(to: str, content: str = "I want to talk to you.") -> dict[str, str]:
    return {"type": "REACH_OUT", "target": to, "content": content}


def does(name: str, **arguments: Any) -> dict[str, Any]:
    """What somebody does with a faculty or a tool."""
    return {"type": name, "arguments": arguments}


def play(
    *,
    memory: Callable[[Body], Any] | None = None,
    check: Callable[[Body], Any] | None = None,
    claim: Any = None,
    other: Any = None,
    **turns: Any,
) -> Callable[[Body], Any]:
    """Let each person, by name, take one turn (always) or a list of turns (then they are done).

    `memory` answers consolidations, `check` judges, `claim` those of yes or no, `other` all else.
    """
    left = {name: iter(told) for name, told in turns.items() if isinstance(told, list)}

    def reply(body: Body) -> Any:
        asked = asked_for(body)
        if asked != "turn":
            answer = {"memories": memory, "check": check, "claim": claim}.get(asked, other)
            return answer(body) if callable(answer) else answer
        name = who(body)
        if name in left:
            return next(left[name], turn())
        return turns.get(name, turn())

    return reply


def keep_all(importance: int = 3) -> Callable[[Body], Any]:
    """Consolidate as a model would that keeps every event as a memory of its own."""

    def reply(body: Body) -> Any:
        told = re.findall(r'<\w+ id="(\d+)"[^>]*>(.*?)</\w+>', texts(body)[1], re.DOTALL)
        kept = [{"text": text, "importance": importance, "events": [int(number)]} for number, text in told[:8]]
        return {"memories": kept}

    return reply


def verdict(holds: bool = True, evidence: tuple[int, ...] = (1,), why: str = "They say so.") -> dict[str, Any]:
    """The answer of a judge of yes or no."""
    return {"justification": why, "evidence": list(evidence), "holds": holds, "confidence": 0.9}


# What was asked


def asked_for(asked: Request | Body) -> str:
    """What a request asks for: a `turn`, `memories`, `insights`, a `summary`, a `claim` (yes or no), or a `check`."""
    body = asked.body if isinstance(asked, Request) else asked
    if "Your turn:" in texts(body)[1] or "take your turn again" in str(body["messages"][-1]["content"]):
        return "turn"
    keys = list(body["response_format"]["json_schema"]["schema"]["properties"])
    known = {"memories", "insights", "summary", "text"}
    if "holds" in keys:
        return "claim"
    return keys[0] if keys[0] in known else "rewrite" if keys[0] == "actions" else "check"


def who(asked: Request | Body) -> str:
    """Whose turn a request asks for."""
    return _WHO.search(texts(asked)[1])[1]


def texts(asked: Request | Body) -> tuple[str, str]:
    """The system and the user message of a request."""
    body = asked.body if isinstance(asked, Request) else asked
    system, user = (message["content"] for message in body["messages"][:2])
    return system, user


def turns_asked(server: Any, name: str | None = None) -> list[str]:
    """The user messages of all turns that were asked for, or of one person's."""
    return [texts(r)[1] for r in server.requests if "Your turn:" in texts(r)[1] and name in (None, who(r))]


def now(asked: str) -> dict[str, str]:
    """What the last part of a turn's user message says of the moment: `{"You feel": "calm", ...}`."""
    lines = asked.rpartition("\n# Now\n")[2].splitlines()
    pairs = (line.partition(": ") for line in lines if ": " in line)
    return {key.rpartition(". ")[2]: value.removesuffix(".") for key, _, value in pairs}


def happened(world: World) -> list[tuple[Any, ...]]:
    """What is the same in two equal runs: everything."""
    return [tuple(row) for row in world.transcript().itertuples(index=False)]


def said(world: World, kind: str = "TALK") -> list[tuple[str, str, str]]:
    """Who said what to whom."""
    return [(e.source, e.target, e.content) for e in world.events() if e.type == kind]


def write_json(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    return path
