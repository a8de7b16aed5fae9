"""Quotas as researchers write them, in one mapping: shares or counts of levels, and of combinations of levels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.errors import InvalidSettings
from workbench.populations.cells import MOST_CELLS
from workbench.populations.dimensions import Dimension, read_share, summing_to_one

Path = tuple[str, ...]


def dimensions_of(quotas: Mapping[Any, Any], n: int) -> tuple[Dimension, ...]:
    """Return the dimensions of quotas.

    Args:
        quotas: `{"gender": {"female": 0.5, "male": 0.5}}`, or with a key of several names the shares of their
            combinations: `{("gender", "age"): {"female": {"18-34": 0.2, ...}, ...}}`: the first gets its marginal
            shares, each further one its shares given those before it.
        n: how many people; counts that add up to it are shares as well.

    Raises:
        InvalidSettings: shares that do not add up, or are not nested as deep as there are names.
    """
    dimensions: list[Dimension] = []
    for key, shares in quotas.items():
        names = (key,) if isinstance(key, str) else tuple(key)
        if len(names) == 1:
            dimensions.append(Dimension(names[0], _fractions(shares, n)))
        else:
            dimensions += _of_combinations(names, _combinations(shares, names, n))
    return tuple(dimensions)


def quota_of(text: str) -> tuple[str, Any]:
    """Read the quota of one dimension as it is given on the command line.

    Args:
        text: `gender=female:.5,male:.5`, with shares, per cents or counts; or `gender=female,male`, equally frequent.

    Returns:
        its name, and the shares as a `Dimension` takes them.

    Raises:
        InvalidSettings: it is none.

    >>> quota_of("age=18-34:30%,35-80:70%"), quota_of("gender=female:5,male:5"), quota_of("openness=0.0-1.0")
    (('age', {'18-34': '30%', '35-80': '70%'}), ('gender', {'female': 5, 'male': 5}), ('openness', ['0.0-1.0']))
    """
    name, equals, levels = text.partition("=")
    pairs = [part.rpartition(":") for part in levels.split(",")]
    plain = [level for _, colon, level in pairs if not colon]
    if (
        not (equals and name.strip())
        or not all(last.strip() for *_, last in pairs)
        or len(plain) not in (0, len(pairs))
    ):
        raise InvalidSettings(f"quota {text!r}: it is like gender=female:.5,male:.5, or like gender=female,male")
    if plain:
        return name.strip(), [level.strip() for level in plain]
    shares = {level.strip(): int(share) if share.strip().isdecimal() else share.strip() for level, _, share in pairs}
    if len(shares) < len(pairs):
        raise InvalidSettings(f"quota {text!r}: each level needs a name of its own")
    return name.strip(), shares


def quotas_of(texts: Iterable[str]) -> dict[str, Any]:
    """Read quotas as they are given on the command line, one a dimension.

    Raises:
        InvalidSettings: one is none, or two are of one dimension.
    """
    read = [quota_of(text) for text in texts]
    if twice := [name for k, (name, _) in enumerate(read) if name in dict(read[:k])]:
        raise InvalidSettings(f"quota {twice[0]}: it is given more than once")
    return dict(read)


def _fractions(shares: Any, n: int) -> Any:
    """Return counts that add up to n as fractions, and anything else as it is."""
    counts = list(shares.values()) if isinstance(shares, Mapping) else []
    if all(type(count) is int and count >= 0 for count in counts) and sum(counts) == n:
        return {level: count / n for level, count in shares.items()}
    return shares


def _combinations(shares: Any, names: Path, n: int) -> dict[Path, float]:
    where = " and ".join(names)
    leaves = _fractions(dict(_leaves(shares, len(names), where)), n)
    return summing_to_one(
        {path: read_share(share, f"{where}, {' '.join(path)}") for path, share in leaves.items()}, where
    )


def _leaves(shares: Any, depth: int, where: str) -> list[tuple[Path, Any]]:
    if not depth:
        return [((), shares)]
    if not isinstance(shares, Mapping) or not shares:
        raise InvalidSettings(
            f"{where}: the shares of combinations are nested mappings, one a dimension; this is {shares!r}"
        )
    inner = [(str(level), _leaves(more, depth - 1, f"{where}, {level}")) for level, more in shares.items()]
    return [((level, *path), share) for level, leaves in inner for path, share in leaves]


def _of_combinations(names: Path, shares: Mapping[Path, float]) -> list[Dimension]:
    levels = [list(dict.fromkeys(path[depth] for path in shares)) for depth in range(len(names))]
    if (n := math.prod(map(len, levels))) > MOST_CELLS:
        raise InvalidSettings(f"{' and '.join(names)}: {n:,} combinations (at most {MOST_CELLS:,}): give fewer levels")
    tables = [_conditional(shares, (), levels[: depth + 1]) for depth in range(len(names))]
    return [Dimension(name, tables[depth], given=names[:depth]) for depth, name in enumerate(names)]


def _conditional(shares: Mapping[Path, float], before: Path, levels: list[list[str]]) -> dict[str, Any]:
    """Return the shares of the last of some dimensions, given each combination of levels of the others."""
    first, *rest = levels
    if rest:
        return {level: _conditional(shares, (*before, level), rest) for level in first}
    sums = {level: _sum(shares, (*before, level)) for level in first}
    total = math.fsum(sums.values())
    return {level: part / total if total else 1 / len(first) for level, part in sums.items()}


def _sum(shares: Mapping[Path, float], begins: Path) -> float:
    return math.fsum(share for path, share in shares.items() if path[: len(begins)] == begins)
