"""Two ways to get the log-probabilities of a text that is given: to have the prompt echoed, or to force an answer.

`echoed`: the completions API with `echo` and `logprobs`, as vLLM has it. OpenAI's own refuses both together, and a
llama.cpp server answers without the prompt's (ggml-org/llama.cpp#27174): such have none.

`forced`: the embedded model, which is llama.cpp. A grammar of token ids (ggml-org/llama.cpp#17816) lets it say nothing
but the text, in the tokens that it would be read in; the log-probabilities that it reports are the model's own, from
before grammar and bias. One request of as many tokens as the text has; the context is read once and stays in its
prompt cache.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import PromptTooLong
from workbench.llm.calls import Answer, Logprobs, Request, Usage
from workbench.llm.retries import NoAnswer

Post = Callable[[str, dict[str, Any]], Awaitable[Any]]
"""Send a body to a path (or an address), and return the JSON that comes back."""

BIAS = 100.0
WARM_ROUNDS = 3
"""Another process may use the one slot between our two requests; then the context is to be read again."""


@dataclass
class Slot:
    """What the embedded model has in its one slot, as far as we know."""

    context: str = ""
    """The one that it read last, whole and at once."""


async def echoed(post: Post, request: Request) -> Answer:
    """Ask an endpoint that echoes prompts; the answer has no log-probabilities where it does not give them."""
    context, text = (str(message["content"]) for message in request.messages)
    body = {"model": request.model, "prompt": context + text, "echo": True, "logprobs": 1, "max_tokens": 1}
    completion = await post("/completions", body | {"temperature": 0})
    choice = _first(_part(completion, "choices"))
    if choice is None:
        raise NoAnswer(f"an answer without a choice: {str(completion)[:500]}")
    usage = _part(completion, "usage")
    used = Usage(_part(usage, "prompt_tokens") or 0, 0, _part(usage, "completion_tokens") or 0)
    logprobs = _of_text(_part(choice, "logprobs"), context, text)
    return Answer(text if logprobs else "", used, model=_part(completion, "model") or "", logprobs=logprobs)


async def forced(post: Post, request: Request, root: str, most: int, slot: Slot) -> Answer:
    """Ask the embedded model.

    Args:
        post: sends.
        request: its messages are the context and the text.
        root: the server's address: what reads tokens is not under `/v1`.
        most: tokens that fit into the model's context.
        slot: what was read last.

    Raises:
        PromptTooLong: context and text do not fit together.
    """
    context, text = (str(message["content"]) for message in request.messages)
    before = await _tokens(post, root, context, begins=True)
    wanted = await _tokens(post, root, text, begins=False)
    if len(before) + len(wanted) >= most:
        raise PromptTooLong(
            f"A context of {len(before)} tokens and a text of {len(wanted)} do not fit the {most} of {request.model}. "
            "Nothing is cut in silence: shorten one of them."
        )
    body = {"model": request.model, "prompt": before, "temperature": 0, "cache_prompt": True}
    grammar = "root ::= " + " ".join(f"<[{token}]>" for token in wanted)
    # The grammar alone is enough; tokens that are likely besides are tried first, which makes it a third faster.
    likely = [[token, BIAS] for token in dict.fromkeys(wanted)]
    saying = body | {"grammar": grammar, "logit_bias": likely, "max_tokens": len(wanted), "logprobs": 1}
    for _ in range(WARM_ROUNDS):
        # How a context is divided when it is read shows in the second digit. So it is read whole, once for all texts
        # that follow; what another prompt has in common with it does not count.
        if slot.context != context:
            await post("/completions", body | {"cache_prompt": False, "max_tokens": 1})
            slot.context = context
        completion = await post("/completions", saying)
        cached = _part(_part(_part(completion, "usage"), "prompt_tokens_details"), "cached_tokens") or 0
        if cached >= len(before) - 1:
            break
        slot.context = ""
    said = _part(_part(_first(_part(completion, "choices")), "logprobs"), "content") or []
    if [one["id"] for one in said] != wanted:
        raise NoAnswer("the embedded model said another text than the one it was held to")
    logprobs = [{one["token"]: one["logprob"]} for one in said]
    return Answer(text, Usage(len(before) + len(wanted), cached), model=request.model, logprobs=logprobs)


async def _tokens(post: Post, root: str, text: str, *, begins: bool) -> list[int]:
    """Return the ids of a text's tokens; what looks like a special token in it is text."""
    body = {"content": text, "add_special": begins, "parse_special": False}
    tokens = _part(await post(f"{root}/tokenize", body), "tokens")
    if not isinstance(tokens, list) or not tokens:
        raise NoAnswer("the embedded model reads no tokens in the text")
    return tokens


def _of_text(told: Any, context: str, text: str) -> Logprobs | None:
    """Return the log-probabilities of a text's tokens among those of context, text and what was said after it."""
    tokens, logprobs = _part(told, "tokens"), _part(told, "token_logprobs")
    if not isinstance(tokens, list) or not isinstance(logprobs, list) or len(tokens) != len(logprobs):
        return None
    found = [
        {token: logprob}
        for token, logprob, inside in zip(tokens, logprobs, _inside(tokens, told, context, text), strict=True)
        if inside
    ]
    whole = "".join(token for one in found for token in one)
    if not found or any(value is None for one in found for value in one.values()) or len(whole) < len(text) / 2:
        return None
    return found


def _inside(tokens: Sequence[str], told: Any, context: str, text: str) -> list[bool]:
    """Return which tokens are of the text: also one that begins in the context and ends in the text.

    Tokens that are parts of a letter do not add up to the prompt; then the endpoint's own offsets tell.
    """
    ends = list(itertools.accumulate(map(len, tokens)))
    starts = [0, *ends[:-1]]
    shift = "".join(tokens).find(context + text)  # a token for the beginning may stand before
    offsets = _part(told, "text_offset")
    if shift < 0 and isinstance(offsets, list) and len(offsets) == len(tokens):
        shift, starts = 0, offsets
        ends = [*offsets[1:], offsets[-1] + 1]
    if shift < 0:
        return [False] * len(tokens)
    low, high = shift + len(context), shift + len(context) + len(text)
    return [end > low and start < high for start, end in zip(starts, ends, strict=True)]


def _first(things: Any) -> Any:
    return things[0] if isinstance(things, list) and things else None


def _part(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else None
