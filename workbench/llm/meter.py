"""What calls cost: prices, the meter that counts them, the budget that stops them."""

from __future__ import annotations

import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import BudgetSpent, InvalidSettings
from workbench.llm.calls import Usage

if TYPE_CHECKING:
    import asyncio

    import pandas as pd

_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")
_LOCK = threading.Lock()
"""Meters and budgets are shared by the loops of several threads: a notebook's and that of `sync`."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    prompt: float
    completion: float
    cached: float | None = None
    """For prompt tokens from the provider's prefix cache; the price of a prompt token when not given."""

    def of(self, usage: Usage) -> float:
        """Return what a usage costs, in US dollars."""
        cached = self.prompt if self.cached is None else self.cached
        fresh = usage.prompt - usage.cached
        return (fresh * self.prompt + usage.cached * cached + usage.completion * self.completion) / 1e6


@cache
def _read_prices(path: Path | None) -> dict[str, Price]:
    source = path or resources.files("workbench") / "data" / "prices.json"
    try:
        table = json.loads(source.read_text(encoding="utf-8"))["models"]
        return {model: _price(**price) for model, price in table.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidSettings(f"{source}: not a table of prices ({error!r}); see workbench/data/prices.json") from error


def _price(**figures: Any) -> Price:
    if not all(figure >= 0 for figure in figures.values()):
        raise ValueError(f"a price is zero or more, not {figures}")
    return Price(**figures)


def cost_of(usage: Usage, price: Price | None) -> float | None:
    """Return what a usage costs in US dollars, or None without a price."""
    return price.of(usage) if price else None


def price_of(model: str, table: Path | None = None) -> Price | None:
    """Return the price of a model, or None where none is known.

    Args:
        model: its name; a dated version (`gpt-4.1-mini-2025-04-14`) has the price of its family.
        table: a JSON file that goes before the one shipped.
    """
    prices = {**_read_prices(None), **(_read_prices(table) if table else {})}
    return prices.get(model) or prices.get(_DATED.sub("", model))


@dataclass(slots=True)
class Count:
    """What was used under one heading."""

    calls: int = 0
    from_cache: int = 0
    usage: Usage = field(default_factory=Usage)
    usd: float | None = 0.0
    """None as soon as one call had no known price."""

    def add(self, usage: Usage, usd: float | None) -> None:
        """Count one call that was paid for."""
        self.calls += 1
        self.usage += usage
        self.usd = None if self.usd is None or usd is None else self.usd + usd

    def merge(self, other: Count) -> None:
        """Count what another has counted."""
        self.calls += other.calls
        self.from_cache += other.from_cache
        self.usage += other.usage
        self.usd = None if self.usd is None or other.usd is None else self.usd + other.usd


@dataclass(repr=False)
class Meter:
    """Counts calls, tokens and money by purpose, person and model."""

    counts: dict[tuple[str, str, str], Count] = field(default_factory=lambda: defaultdict(Count))
    total: Count = field(default_factory=Count)

    def add(self, purpose: str, person: str | None, model: str, usage: Usage, usd: float | None) -> None:
        """Count a call that was sent."""
        with _LOCK:
            for count in (self.counts[purpose, person or "", model], self.total):
                count.add(usage, usd)

    def add_cached(self, purpose: str, person: str | None, model: str) -> None:
        """Count a call that was answered from the cache."""
        with _LOCK:
            self.counts[purpose, person or "", model].from_cache += 1
            self.total.from_cache += 1

    def rows(self) -> list[list[Any]]:
        """Return the counts by purpose and model as JSON holds them."""
        merged: dict[tuple[str, str], Count] = defaultdict(Count)
        for (purpose, _, model), count in self.counts.items():
            merged[purpose, model].merge(count)
        return [
            [*key, c.calls, c.from_cache, c.usage.prompt, c.usage.cached, c.usage.completion, c.usd]
            for key, c in sorted(merged.items())
        ]

    def restore(self, rows: Iterable[Sequence[Any]]) -> None:
        """Take in what `rows` returned."""
        for purpose, model, calls, from_cache, prompt, cached, completion, usd in rows:
            earlier = Count(calls, from_cache, Usage(prompt, cached, completion), usd)
            for count in (self.counts[purpose, "", model], self.total):
                count.merge(earlier)

    @property
    def unpriced(self) -> list[str]:
        """The models that were paid for and whose price is not known."""
        return sorted({model for (_, _, model), count in self.counts.items() if count.usd is None})

    def to_frame(self, by: str | Sequence[str] = ("purpose", "person", "model")) -> pd.DataFrame:
        """Return a DataFrame, one row a heading: calls, from_cache, tokens, usd (NaN: price not known).

        Args:
            by: any of `purpose`, `person`, `model`.
        """
        import pandas as pd

        names, by = ["purpose", "person", "model"], [by] if isinstance(by, str) else list(by)
        if unknown := [name for name in by if name not in names]:
            raise InvalidSettings(f"a meter counts nothing by {unknown[0]!r}; there are {', '.join(names)}")
        figures = ["calls", "from_cache", "prompt_tokens", "cached_tokens", "completion_tokens", "usd"]
        rows = [
            (*key, c.calls, c.from_cache, c.usage.prompt, c.usage.cached, c.usage.completion, c.usd)
            for key, c in self.counts.items()
        ]
        frame = pd.DataFrame(rows, columns=names + figures).astype({"usd": float})
        summed = frame.groupby(by, sort=True)[figures].sum(skipna=False)
        return summed.reset_index().astype(dict.fromkeys(figures[:-1], int))

    def __str__(self) -> str:
        total = self.total
        parts = [f"{total.calls} calls", f"{total.from_cache} from the cache", f"{total.usage.total:,} tokens"]
        if total.usd is not None:
            parts.append(f"${total.usd:.4f}")
        else:
            parts.append(f"no price known for {', '.join(self.unpriced)}: tokens only")
        return ", ".join(parts)

    @property
    def brief(self) -> str:
        """The total in a few words, for progress bars."""
        total = self.total
        cached = f" +{total.from_cache} cached" if total.from_cache else ""
        money = "" if total.usd is None else f", ${total.usd:.4f}"
        return f"{total.calls} calls{cached}, {total.usage.total / 1000:.1f}k tokens{money}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False))


@dataclass
class Budget:
    """What may be spent. It stops the call that could break it, before it is sent.

    A call is counted at its longest (its prompt and the token limit of its answer) until it is answered, then
    at what it used. Where calls in flight hold what is left, the next one waits for them.

    Args:
        usd: US dollars; needs a model whose price is known.
        calls: calls that were answered, however many tries each took; answers from the cache are free.
        tokens: prompt and completion tokens.
    """

    usd: float | None = None
    calls: int | None = None
    tokens: int | None = None
    spent: Count = field(default_factory=Count, repr=False)
    _held: list[Hold] = field(default_factory=list, repr=False, compare=False)
    _changed: list[asyncio.Future[None]] = field(default_factory=list, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("usd", "calls", "tokens"):
            limit = getattr(self, name)
            if limit is not None and not limit >= 0:
                raise InvalidSettings(f"Budget({name}={limit!r}): a limit is zero or more")

    async def hold(self, most: Usage, usd: float | None, model: str) -> Hold:
        """Set aside what a call may use at most, waiting for calls in flight where they hold it.

        Raises:
            BudgetSpent: the call could break the budget even when all others are settled.
            InvalidSettings: a limit in dollars and a model without a known price.
        """
        import asyncio

        if self.usd is not None and usd is None:
            raise InvalidSettings(
                f"a budget of ${self.usd} needs the price of {model!r}, and none is known: give it in a file named "
                "by WORKBENCH_PRICES, or limit calls or tokens instead"
            )
        hold = Hold(self, most, usd)
        while True:
            with _LOCK:
                if not (broken := self._broken([*self._held, hold])):
                    self._held.append(hold)
                    return hold
                if not self._held or self._broken([hold]):
                    raise BudgetSpent(f"the next call could break the budget: {broken}. Nothing was sent.", budget=self)
                waiter = asyncio.get_running_loop().create_future()
                self._changed.append(waiter)
            await waiter

    def _broken(self, holds: list[Hold]) -> str:
        calls = self.spent.calls + len(holds)
        tokens = self.spent.usage.total + sum(hold.most.total for hold in holds)
        usd = (self.spent.usd or 0) + sum(hold.usd or 0 for hold in holds)
        if self.calls is not None and calls > self.calls:
            return f"{self.spent.calls} of {self.calls} calls are used"
        if self.tokens is not None and tokens > self.tokens:
            return f"{self.spent.usage.total:,} of {self.tokens:,} tokens are used, {tokens:,} may be needed"
        if self.usd is not None and usd > self.usd:
            return f"${self.spent.usd:.4f} of ${self.usd} are used, ${usd:.4f} may be needed"
        return ""

    def _end(self, hold: Hold, usage: Usage | None = None, usd: float | None = None) -> None:
        with _LOCK:
            self._held.remove(hold)
            if usage is not None:
                self.spent.add(usage, usd)
            waiters, self._changed = self._changed, []
        for waiter in waiters:
            with suppress(RuntimeError):  # a waiter whose loop has closed
                waiter.get_loop().call_soon_threadsafe(_wake, waiter)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_held": [], "_changed": []}  # what is under way stays in its process


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


@dataclass(eq=False)
class Hold:
    """What one call in flight may use at most; leave it with `settle`, or with `release` when it failed."""

    budget: Budget
    most: Usage
    usd: float | None

    def settle(self, usage: Usage, usd: float | None) -> None:
        """Count what the call used."""
        self.budget._end(self, usage, usd)

    def release(self) -> None:
        """The call failed and used nothing."""
        self.budget._end(self)
