"""How a mapping shows itself in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench import html

if TYPE_CHECKING:
    from workbench.extraction.normalising.label_mapping import LabelMapping

SHOWN = 6
"""Labels of a category."""


def html_of(mapping: LabelMapping) -> str:
    """Return the categories in HTML, each with its most frequent labels, and what has none."""
    labels: dict[str | None, list[str]] = {}
    for one in mapping.mapped:
        labels.setdefault(one.category, []).append(one.label)
    rows = [
        [name, description, f"{n_labels:,}", f"{n:,}", _some(labels.get(name, []))]
        for name, description, n_labels, n in mapping.categories.itertuples(index=False)
    ]
    table = html.table(["category", "description", "labels", "n", "the most frequent"], rows)
    unassigned = mapping.unassigned
    missing = html.paragraph(f"unassigned, {len(unassigned):,}: {_some(unassigned)}") if unassigned else ""
    counted = f"{len(mapping.mapped):,} labels in {len(mapping.kinds)} categories and {mapping.other}"
    return html.box(mapping.about or "Normaliser", counted, table + missing)


def _some(labels: list[str]) -> str:
    more = len(labels) - SHOWN
    return ", ".join(labels[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")
