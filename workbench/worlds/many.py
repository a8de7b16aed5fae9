"""Many worlds at once, under one limit and one budget."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidSettings
from workbench.llm.meter import Budget
from workbench.llm.running import together

if TYPE_CHECKING:
    from workbench.worlds.world import World


async def run_all(
    worlds: Sequence[World],
    steps: int,
    *,
    budget: Budget | None = None,
    concurrency: int | None = None,
    progress: bool = True,
    **options: Any,
) -> list[World]:
    """Run many worlds at once.

    One that fails does not stop the others; when all have ended, the first error in the order of the worlds is raised.
    What each has committed is kept.

    Args:
        worlds: each once; they may share a model or have their own.
        steps: how many more, for each of them.
        budget: what all of them together may spend, besides what each may.
        concurrency: how many requests may be under way at once for all of them together, besides each model's limit.
        progress: whether a bar over the worlds is shown.
        **options: `until`, as for `World.run`.

    Returns:
        the worlds, in the order given.

    Raises:
        InvalidSettings: one world twice, or a concurrency below 1.
        StepFailed, BudgetSpent, StorageError: as `World.run`.
    """
    from tqdm.auto import tqdm

    if not isinstance(worlds, Sequence) or any(not hasattr(world, "llm") for world in worlds):
        raise InvalidSettings(f"run_all({worlds!r}): a list of worlds is needed")
    if len({id(world) for world in worlds}) < len(worlds):
        raise InvalidSettings("run_all: one world is there twice: give each once")
    with _shared(worlds, budget, concurrency), tqdm(total=len(worlds), unit="world", disable=not progress) as bar:

        async def run(world: World) -> World:
            await world.run(steps, live=False, progress=False, **options)
            bar.update(1)
            return world

        return await together(run(world) for world in worlds)


@contextmanager
def _shared(worlds: Sequence[World], budget: Budget | None, concurrency: int | None) -> Iterator[None]:
    """Put the models of all worlds under one limit and one budget, for as long as it lasts."""
    if concurrency is not None and (not isinstance(concurrency, int) or concurrency < 1):
        raise InvalidSettings(f"concurrency={concurrency!r}: a whole number is needed, 1 or more")
    gate = asyncio.Semaphore(concurrency) if concurrency else None
    with ExitStack() as stack:
        for world in worlds:
            stack.enter_context(world.llm.under(budget, gate))
        yield
