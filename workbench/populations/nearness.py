"""Who of some people is nearest to another, by what is fixed about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from workbench.populations.fitting import Numbers


class Nearness:
    """Distances between people: the mean over their attributes (Gower 1971, doi:10.2307/2528823).

    Numbers differ by their part of the range of all, and words by 0 or 1.

    Args:
        table: a row a person, a column an attribute.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        import numpy as np
        import pandas as pd

        numbers = [name for name in table.columns if pd.api.types.is_numeric_dtype(table[name])]
        ranges = table[numbers].max() - table[numbers].min()
        self._numbers: Numbers = (table[numbers] / ranges.where(ranges > 0, 1)).to_numpy(dtype=float)
        words = [name for name in table.columns if name not in numbers]
        codes = [pd.factorize(table[name])[0] for name in words]
        self._words = np.array(codes, dtype=np.intp).reshape(len(words), len(table)).T

    def nearest(self, place: int, before: int, most: int) -> list[int]:
        """Return the places of those nearest to a person, nearest first; of equals the earlier.

        Args:
            place: of the person.
            before: only those in places before this one are looked at.
            most: how many.
        """
        import numpy as np

        numbers = np.abs(self._numbers[:before] - self._numbers[place]).sum(axis=1)
        words = (self._words[:before] != self._words[place]).sum(axis=1)
        return [int(one) for one in np.argsort(numbers + words, kind="stable")[:most]]
