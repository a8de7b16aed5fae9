"""How a population shows itself: in a line, in a few lines, and in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench import html

if TYPE_CHECKING:
    from workbench.populations.population import Population

SHOWN = 10
"""People in the table of a notebook."""
SHOWN_COLUMNS = 6


def counted(people: Population) -> str:
    """Return how many people there are, and how many that is worth."""
    n = "1 person" if len(people) == 1 else f"{len(people):,} people"
    return f"{n}, effective n {people.effective_n:,.1f}"


def summary_of(people: Population) -> str:
    """Return who people are, in a few lines; as `Population.summary`."""
    from workbench.populations.profile import shares_in_words

    lines = [f"{counted(people)}: {people.about}" if people.about else counted(people)]
    lines += [f"  {line}" for line in shares_in_words(people)]
    if people.plan is not None:
        lines += [f"  {note}" for note in people.plan.notes]
    if people.held_out is not None:
        lines.append(f"  held out: {', '.join(people.held_out.columns)}")
    return "\n".join(lines)


def html_of(people: Population) -> str:
    """Return the first people as a table in HTML."""
    first = people[:SHOWN]
    table = first.to_frame()
    plain = [name for name in table.columns if not table[name].map(lambda value: isinstance(value, list)).any()]
    wanted = [name for name in (people.plan.names if people.plan else plain[:-1]) if name in plain][:SHOWN_COLUMNS]
    table = table[[*wanted, "weight"]].astype(object)
    rows = [[name, *row] for name, row in zip(first.names, table.where(table.notna(), "").values, strict=True)]
    more = html.paragraph(f"and {len(people) - SHOWN:,} more", quiet=True) if len(people) > SHOWN else ""
    return html.box(people.about or "Population", counted(people), html.table(["name", *table.columns], rows) + more)
