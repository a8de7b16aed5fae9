"""Asking for a turn: the common way, or the short one of a very small model."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.agents.short_turns import ask_for_short_turn, short_turn_messages
from workbench.agents.turns import Draft, Scene, ask_for_turn, turn_messages
from workbench.llm.calls import Message
from workbench.llm.client import LLM


def messages_for(llm: LLM, scene: Scene) -> list[Message]:
    """Return what the model is sent for a turn."""
    return short_turn_messages(scene) if llm.is_embedded else turn_messages(scene)


async def ask(llm: LLM, scene: Scene, *, purpose: str, seed: int, more: Sequence[Message] = ()) -> Draft:
    """Ask the model for a turn, in one request; nothing of the person changes.

    Args:
        llm: the model.
        scene: who the person is and what they know.
        purpose: the meter's heading.
        seed: of the request.
        more: messages to go behind the others, such as an answer that was not taken and why; a very small model, which
            would lose itself in them, is asked the same again with another seed.

    Raises:
        ModelError: no turn could be had.
    """
    if llm.is_embedded:
        return await ask_for_short_turn(llm, scene, purpose=purpose, seed=seed)
    return await ask_for_turn(llm, scene, [*turn_messages(scene), *more], purpose=purpose, seed=seed)
