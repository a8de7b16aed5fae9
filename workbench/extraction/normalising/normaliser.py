"""`Normaliser`: labels in people's own words, in at most n categories; a mapping that can be read, edited and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from workbench.errors import InvalidSettings, UnreadableAnswer
from workbench.extraction.normalising.categorising import Category, assign, find_categories
from workbench.extraction.normalising.label_mapping import LabelMapping, Mapped, clean_name
from workbench.extraction.normalising.labels import Label, counted, label_key, read_labels
from workbench.llm.client import LLM, default_llm
from workbench.llm.meter import Budget

if TYPE_CHECKING:
    import pandas as pd

    from workbench.extraction.normalising.labels import Labels

Values = TypeVar("Values")


@dataclass(frozen=True, repr=False)
class Normaliser(LabelMapping):
    """A mapping from labels to categories, and to `other` for what fits nowhere. `fit` makes one.

    It does not change: what edits it returns another one. A label that the model, asked three times, put nowhere is
    `unassigned`: its category is missing, as an answer that could not be read is, and never `other`, which says that it
    was read and fits nowhere. `move` it by hand.
    """

    llm: LLM | None = field(default=None, compare=False)
    """The model that new labels are put to; that of the settings when not given. It is not saved."""

    @classmethod
    async def fit(
        cls,
        labels: Labels,
        n: int,
        *,
        about: str = "",
        other: str = "other",
        llm: LLM | None = None,
        budget: Budget | None = None,
    ) -> Self:
        """Find at most n categories for labels, and put every label into one of them or `other`.

        The order of the labels makes no difference. Up to n different ones are a category each, and no model is asked.

        Args:
            labels: texts; those that are missing or blank do not count, those that repeat count more.
            n: the most categories, besides `other`.
            about: what they are, such as "occupations": the model is told.
            other: the name of what fits nowhere. A label that is called so belongs there.
            llm: the model; that of the settings when not given.
            budget: what may be spent.

        Raises:
            InvalidSettings: no labels, or something that is none.
            UnreadableAnswer: the model found no categories, or put no label anywhere.
            ModelError: no readable answer.
            BudgetSpent: the next request could break the budget; what was answered is in the call cache.
        """
        if not isinstance(n, int) or isinstance(n, bool) or n < 1:
            raise InvalidSettings(f"n={n!r}: how many categories at most? A whole number is needed, 1 or more")
        empty = cls((), (), about, clean_name(other), llm)
        there = counted(read_labels(labels))
        if not there:
            raise InvalidSettings("labels: there are none to find categories for")
        different = [label for label in there if label_key(label.text) != label_key(other)]
        if len(different) <= n:
            return await replace(empty, kinds=tuple(Category(label.text) for label in different))._with(there, budget)
        found = await find_categories(different, n, about, other, (llm or default_llm()).metered(budget))
        return await replace(empty, kinds=tuple(found))._with(there, budget)

    async def normalise(self, values: Values, *, llm: LLM | None = None, budget: Budget | None = None) -> Values:
        """Return the categories of labels, in their order; no request is made for those that are known.

        New labels go to the categories that there are: by their name, or as a model says. `extend` keeps what it said.

        Args:
            values: a Series, which gives a Series with its index and name, or a list, which gives a list. What is
                missing or blank stays missing; so does what the model put nowhere.
            llm: the model; the one that was given before, or that of the settings, when not given.
            budget: what may be spent.

        Raises:
            InvalidSettings: something that is no label.
            ModelError: no readable answer.
            BudgetSpent: the next request could break the budget.
        """
        import pandas as pd

        texts = read_labels(values)  # type: ignore[arg-type]
        extended = await self._with(counted(texts), budget, llm)
        found = [None if text is None else extended.known[label_key(text)].category for text in texts]
        if isinstance(values, pd.Series):
            return pd.Series(found, index=values.index, name=values.name, dtype=object)  # type: ignore[return-value]
        return found  # type: ignore[return-value]

    async def extend(self, labels: Labels, *, llm: LLM | None = None, budget: Budget | None = None) -> Self:
        """Return a normaliser that also knows these labels, in the categories that there are; as `normalise` does.

        Those that are known stay as they are, and so does how often they are there.
        """
        return await self._with(counted(read_labels(labels)), budget, llm)

    async def _with(self, labels: Sequence[Label], budget: Budget | None, llm: LLM | None = None) -> Self:
        """Return a normaliser that knows these labels, too; those that are unassigned are asked about again."""
        names = self.names
        own = {label_key(name): name for name in names}
        new = [label for label in labels if self._is_new(label_key(label.text))]
        asked = sorted((label.text for label in new if label_key(label.text) not in own), key=label_key)
        found: dict[str, int] = {}
        if asked and self.kinds:
            model = (llm or self.llm or default_llm()).metered(budget)
            found = await assign(asked, self.kinds, self.about, model)
        if asked and not found and self.kinds and not self.mapped:
            few = ", ".join(map(repr, asked[:3]))
            raise UnreadableAnswer(
                f"The model put none of {len(asked):,} labels anywhere ({few} ...): a larger one may.", text=""
            )
        mapped = [_mapped(label, own, found, names) for label in new]
        again = {label_key(label.text) for label in new}
        kept = [one for one in self.mapped if label_key(one.label) not in again]
        return replace(self, mapped=(*kept, *mapped))

    def _is_new(self, key: str) -> bool:
        return key not in self.known or self.known[key].category is None

    # -- keeping it ------------------------------------------------------------------------------------------

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, about: str = "", other: str = "other", llm: LLM | None = None) -> Self:
        """Read a mapping that somebody wrote or edited.

        Args:
            frame: `label` and `category`, perhaps `n` and `by`; a blank category is none. Rows without a label, as
                `to_frame` has them, are categories with their `description`. Categories may also only be named.
            about: what the labels are, where the table does not say it.
            other: the name of what fits nowhere, where the table does not say it.
            llm: the model that new labels are put to.

        Raises:
            InvalidSettings: columns that are missing, or a label in two categories.
        """
        from workbench.extraction.normalising.mapping_files import read_frame

        return cls(*read_frame(frame, about, other), llm=llm)

    def save(self, path: str | Path) -> Path:
        """Write it to a CSV file that spreadsheets open; a file that is there is replaced.

        Raises:
            StorageError: it cannot be written.
        """
        from workbench.extraction.normalising.mapping_files import write_mapping

        return write_mapping(Path(path), self.to_frame())

    @classmethod
    def load(cls, path: str | Path, *, llm: LLM | None = None) -> Self:
        """Read a file that `save` wrote, perhaps edited, with commas, semicolons or tabs between its columns.

        Raises:
            UnknownName: there is no such file.
            InvalidSettings: it is no such table.
        """
        from workbench.extraction.normalising.mapping_files import read_mapping

        return cls.from_frame(read_mapping(Path(path)), llm=llm)


def _mapped(label: Label, own: dict[str, str], found: dict[str, int], names: Sequence[str]) -> Mapped:
    if name := own.get(label_key(label.text)):
        return Mapped(label.text, name, label.n, "itself")
    if label.text not in found:
        return Mapped(label.text, None, label.n, "unassigned")
    return Mapped(label.text, names[found[label.text] - 1], label.n, "model")  # 0 is the last one: other
