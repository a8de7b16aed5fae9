"""Names of the people of a world, and whom a name means that somebody says."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

_BETWEEN = re.compile(r"[\s—–/]+")
_MARKS = ".,;:!?…-@#*_~\"'()[]{}«»“”„¿¡。、！？"


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
        self._written: dict[tuple[str, ...], str] = {}
        self._called: dict[str, str] = {}
        for name in self.all:
            written = _words(name)
            words = tuple(map(_folded, written))
            self._by_words[words].append(name)
            for word in words:
                self._by_word[word][name] = None
            self._learn_calls(name, written)
        self._longest = max(map(len, self._written), default=0)

    def _learn_calls(self, name: str, words: tuple[str, ...]) -> None:
        """Learn how texts call somebody: by their whole name, or by a word of it that nobody shares; not by "the"."""
        self._written[words] = "" if words in self._written else name
        for word in dict.fromkeys(words):
            if len(words) == 1 or (word[0].isalpha() and not word[0].islower()):
                self._called[word] = "" if word in self._called else name

    def __repr__(self) -> str:
        return f"Names({', '.join(self.all[:5])}{', ...' if len(self.all) > 5 else ''})"

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
        if found := self._having(_words(name)):
            return found
        return self._having(_words(" ".join(word for word in name.split() if not word.endswith("."))))  # of "Dr. Roy"

    def _having(self, written: Iterable[str]) -> list[str]:
        """Return those whose name has these words, of whom it is the whole name if there are any."""
        written = [word.casefold() for word in written]
        words = tuple(map(_folded, written))
        if not words:
            return []
        found = self._by_words.get(words)
        if not found:
            having = sorted((self._by_word.get(word, {}) for word in words), key=len)
            found = [known for known in having[0] if all(known in others for others in having)]
        with_marks = [known for known in found if set(written) <= {word.casefold() for word in _words(known)}]
        return with_marks or list(found)

    def mentioned(self, text: str) -> list[str]:
        """Return who is called by name, or by a word of it, as it is written there, in the order of the text."""
        found: dict[str, None] = {}
        words = _words(text)
        place = 0
        while place < len(words):
            name, n_words = self._called_at(words, place)
            place += n_words
            if name:
                found[name] = None
        return list(found)

    def _called_at(self, words: Sequence[str], place: int) -> tuple[str, int]:
        """Return who is called at a place of a text, or nothing, and by how many words."""
        if _folded(words[place]) in self._by_word:
            for end in range(min(place + self._longest, len(words)), place, -1):
                if name := self._written.get(tuple(words[place:end])):
                    return name, end - place
        return self._called.get(words[place], ""), 1


def _folded(word: str) -> str:
    """Return a word in lower case and without the marks on its letters: who writes "Zofia" means Żofia."""
    letters = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter)) or word


def _words(text: str) -> tuple[str, ...]:
    """Return the words of a text without the marks around them, and of "Ann's", the name."""
    bare = (part.strip(_MARKS).removesuffix("'s") for part in _BETWEEN.split(text.replace("’", "'")))
    return tuple(filter(None, bare))
