"""Names of the people of a world, and whom a name means that somebody says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator


class Names:
    """The names of all people, in their order; a name is found without walking through all of them.

    Args:
        names: each once.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.all = tuple(names)
        self._places = {name: place for place, name in enumerate(self.all)}
        self._by_words: dict[tuple[str, ...], list[str]] = defaultdict(list)
        self._by_word: dict[str, dict[str, None]] = defaultdict(dict)
        for name in self.all:
            words = tuple(name.casefold().split())
            self._by_words[words].append(name)
            for word in words:
                self._by_word[word][name] = None

    def __len__(self) -> int:
        return len(self.all)

    def __iter__(self) -> Iterator[str]:
        return iter(self.all)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def place(self, name: str) -> int:
        """Return the place of a name in the order of the people, from 0."""
        return self._places[name]

    def in_order(self, names: Iterable[str]) -> list[str]:
        """Return some of the names in the order of the people."""
        return sorted(names, key=self._places.__getitem__)

    def find(self, name: str) -> str | None:
        """Return whom a name means: the full name, whatever its case, or a part of it that only one has."""
        found = self.meant(name)
        return found[0] if len(found) == 1 else None

    def meant(self, name: str) -> list[str]:
        """Return all whom a name may mean, in the order of the people."""
        if name in self._places:
            return [name]
        wanted = tuple(word for word in name.casefold().split() if not word.endswith("."))  # "Dr. Roy" is Roy
        if whole := self._by_words.get(wanted):
            return list(whole)
        having = sorted((self._by_word.get(word, {}) for word in wanted), key=len)
        return [known for known in having[0] if all(known in others for others in having)] if having else []

    def mentioned(self, text: str) -> list[str]:
        """Return who is called by a word of their name, as it is written there, in the order of the text."""
        found: dict[str, None] = {}
        for word in text.replace("’", "'").split():
            bare = word.strip(".,;:!?…\"'()[]«»“”¿¡。、！？").removesuffix("'s")
            known = self._by_word.get(bare.casefold(), {})
            exact = [name for name in known if bare in name.split()]
            if len(exact) == 1:
                found[exact[0]] = None
        return list(found)
