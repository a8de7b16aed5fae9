"""How a plan shows itself: as text, and in a notebook, with what its table does not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench import html
from workbench.agents.countries import country_name, home_of
from workbench.populations.combinations import say
from workbench.populations.naming import OF_COUNTRY

if TYPE_CHECKING:
    from workbench.populations.plan import SamplingPlan

LEFT_OUT_SHOWN = 5


def text_of(plan: SamplingPlan) -> str:
    """Return a plan in a line an attribute, and its notes."""
    lines = [f"{plan.n} people: {plan.about}" if plan.about else f"{plan.n} people"]
    for name, rows in plan.targets().groupby("attribute", sort=False):
        shares = [f"{level} {share:.1%}" for level, share in zip(rows["level"], rows["share"], strict=True)]
        lines.append(f"  {name}: {', '.join(shares)}")
    return "\n".join([*lines, *(f"  {note}" for note in plan.notes)])


def notes_of(plan: SamplingPlan) -> list[str]:
    """Return what a plan's table does not say; as `SamplingPlan.notes`."""
    code, known = home_of(plan.country, plan.about)
    names = [] if any(name in OF_COUNTRY for name in plan.names) else [f"names of {country_name(code)}, {known}"]
    words = {one.name: one.words_among_ranges for one in plan.dimensions}
    unread = [
        f"{name}: people get these levels as words, for {', '.join(some)} is no range with two ends"
        for name, some in words.items()
        if some
    ]
    ruled_out = [f"nobody is {say(one)}" for one in plan.impossible]
    left_out = [f"left out: {what}" for what in plan.left_out[:LEFT_OUT_SHOWN]]
    more = len(plan.left_out) - len(left_out)
    return [*unread, *ruled_out, *names, *left_out, *([f"left out: {more} more, see left_out"] if more else [])]


def html_of(plan: SamplingPlan) -> str:
    """Return a plan in HTML: its notes, its chart and its table."""
    from workbench import plots

    notes = "".join(html.paragraph(note, quiet=True) for note in plan.notes)
    chart = html.image(plots.png(plan.plot()), "Shares of the levels of each attribute; the table has the numbers.")
    rows = [
        [name, ", ".join(plan[name].given), level, f"{share:.1%}", f"{n:.1f}"]
        for name, level, share, n in plan.to_frame().itertuples(index=False)
    ]
    table = html.table(["attribute", "given", "level", "share", "n"], rows)
    return html.box(plan.about or "Sampling plan", f"{plan.n:,} people", notes + chart + table)
