"""A mapping from labels to categories: a value that shows itself as tables, and that people edit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from workbench.errors import InvalidSettings, UnknownName
from workbench.extraction.normalising.categorising import Category
from workbench.extraction.normalising.labels import label_key

if TYPE_CHECKING:
    import pandas as pd

By = Literal["model", "hand", "itself", "unassigned"]
"""Who put a label in its category: a model, somebody, its own name, or nobody yet."""
WAYS = get_args(By)


@dataclass(frozen=True)
class Mapped:
    """A label and its category."""

    label: str
    category: str | None
    """None where no answer put it anywhere."""
    n: int
    """How often it was there."""
    by: By


@dataclass(frozen=True, repr=False)
class LabelMapping:
    """Labels in categories, and in `other` what fits nowhere. It does not change: what edits it returns another one."""

    kinds: tuple[Category, ...]
    """The categories, without `other`."""
    mapped: tuple[Mapped, ...]
    """All labels that are known, most frequent first; those that differ in case and spaces alone are one."""
    about: str = ""
    """What the labels are, such as "occupations"."""
    other: str = "other"

    def __post_init__(self) -> None:
        names = [label_key(name) for name in self.names]
        if twice := [name for name, n in Counter(names).items() if n > 1 or not name]:
            raise InvalidSettings(f"categories: {twice[0]!r} is blank, or there more than once")
        there = {*self.names, None}
        if lost := [one for one in self.mapped if one.category not in there]:
            raise InvalidSettings(f"the label {lost[0].label!r} is in {lost[0].category!r}, which is no category")
        if len(self.known) < len(self.mapped):
            raise InvalidSettings("labels: one is there more than once")
        ordered = sorted(self.mapped, key=lambda one: (-one.n, label_key(one.label)))
        object.__setattr__(self, "mapped", tuple(ordered))

    @cached_property
    def known(self) -> dict[str, Mapped]:
        """The labels by their `label_key`."""
        return {label_key(one.label): one for one in self.mapped}

    # -- looking at it ---------------------------------------------------------------------------------------

    @property
    def names(self) -> list[str]:
        """The names of the categories, `other` last."""
        return [*(kind.name for kind in self.kinds), self.other]

    @property
    def unassigned(self) -> list[str]:
        """The labels that have no category."""
        return [one.label for one in self.mapped if one.category is None]

    @property
    def table(self) -> pd.DataFrame:
        """The mapping: `label`, `category`, `n` (how often it is there), `by` (model, hand, itself or unassigned)."""
        import pandas as pd

        return pd.DataFrame([vars(one) for one in self.mapped], columns=["label", "category", "n", "by"])

    @property
    def categories(self) -> pd.DataFrame:
        """The categories, `other` last: `category`, `description`, `n_labels`, and `n`, how often these are there."""
        import pandas as pd

        said = {kind.name: kind.description for kind in self.kinds}
        rows = [
            {"category": name, "description": said.get(name, ""), "n_labels": len(ns), "n": sum(ns)}
            for name in self.names
            for ns in [[one.n for one in self.mapped if one.category == name]]
        ]
        return pd.DataFrame(rows, columns=["category", "description", "n_labels", "n"])

    def __repr__(self) -> str:
        about = f"of {self.about}, " if self.about else ""
        missing = f", {len(self.unassigned):,} unassigned" if self.unassigned else ""
        return f"{type(self).__name__}({about}{len(self.kinds)} categories, {len(self.mapped):,} labels{missing})"

    def _repr_html_(self) -> str:
        from workbench.extraction.normalising.mapping_views import html_of

        return html_of(self)

    # -- editing it ------------------------------------------------------------------------------------------

    def rename(self, category: str, name: str) -> Self:
        """Return a normaliser with another name for a category, or for `other`.

        Raises:
            UnknownName: there is no such category.
            InvalidSettings: the name is that of another one: `merge` them.
        """
        old, new = self._category(category), clean_name(name)
        if label_key(new) != label_key(old) and label_key(new) in map(label_key, self.names):
            raise InvalidSettings(f"there is a category {new!r} already: merge([{old!r}, {new!r}], {new!r})")
        kinds = tuple(replace(kind, name=new) if kind.name == old else kind for kind in self.kinds)
        other = new if old == self.other else self.other
        return replace(self, kinds=kinds, other=other, mapped=self._moved([old], new))

    def move(self, labels: str | Collection[str], category: str) -> Self:
        """Return a normaliser with labels in another category, by hand.

        Raises:
            UnknownName: a label or a category that is not there.
        """
        to, keys = self._category(category), {}
        for label in [labels] if isinstance(labels, str) else labels:
            keys[label_key(label)] = label
        if unknown := [label for key, label in keys.items() if key not in self.known]:
            raise UnknownName(
                f"{', '.join(map(repr, unknown))} is no label that is known: see .table, or extend([...])"
            )
        moved = (replace(one, category=to, by="hand") if label_key(one.label) in keys else one for one in self.mapped)
        return replace(self, mapped=tuple(moved))

    def merge(self, categories: Collection[str], into: str, *, description: str | None = None) -> Self:
        """Return a normaliser with several categories made one.

        Args:
            categories: their names; what is in `other` may be among them.
            into: the name of one of them, of another category, or a new one, or `other`.
            description: of the category that they become; as it was, or else those of all, when not given.

        Raises:
            UnknownName: there is no such category.
        """
        if isinstance(categories, str):
            raise InvalidSettings(f"merge([{categories!r}, ...], {into!r}): a list of categories is needed")
        gone, known = [self._category(name) for name in categories], {label_key(name): name for name in self.names}
        to = known.get(label_key(into), clean_name(into))
        said = {kind.name: kind.description for kind in self.kinds}
        what = description if description is not None else said.get(to) or " ".join(filter(None, map(said.get, gone)))
        members = {*gone, to}
        kinds = [kind for kind in self.kinds if kind.name not in members]
        if to != self.other:
            place = next((n for n, kind in enumerate(self.kinds) if kind.name in members), len(kinds))
            kinds.insert(place, Category(to, what))
        return replace(self, kinds=tuple(kinds), mapped=self._moved(gone, to))

    def define(self, category: str, description: str = "") -> Self:
        """Return a normaliser with one category more, or with another description of one; new labels may go there."""
        name = clean_name(category)
        if label_key(name) == label_key(self.other):
            raise InvalidSettings(f"{name!r} is where goes what fits nowhere: it has no description")
        known = {label_key(kind.name): kind for kind in self.kinds}
        new = replace(known.get(label_key(name), Category(name)), description=" ".join(description.split()))
        kinds = [new if kind.name == new.name else kind for kind in self.kinds]
        return replace(self, kinds=tuple(kinds if label_key(name) in known else [*kinds, new]))

    def _category(self, name: str) -> str:
        known = {label_key(one): one for one in self.names}
        if not isinstance(name, str) or label_key(name) not in known:
            raise UnknownName(f"there is no category {name!r}: there are {', '.join(self.names)}, or define({name!r})")
        return known[label_key(name)]

    def _moved(self, categories: Sequence[str], to: str) -> tuple[Mapped, ...]:
        return tuple(replace(one, category=to) if one.category in categories else one for one in self.mapped)

    # -- as one table ----------------------------------------------------------------------------------------

    def to_frame(self) -> pd.DataFrame:
        """Return all of it as a table that `from_frame` reads: `table`, before it a row a category."""
        from workbench.extraction.normalising.mapping_files import frame_of

        return frame_of(self)


def clean_name(name: Any) -> str:
    """Return the name of a category in the form that all have.

    Raises:
        InvalidSettings: it is no text, or blank.
    """
    if not isinstance(name, str) or not name.split():
        raise InvalidSettings(f"the name of a category is a text: {name!r} is none")
    return " ".join(name.split())
