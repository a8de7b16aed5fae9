"""`RewrittenText`: what `enrich` and `restyle` return."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal

from workbench.evaluation.metrics.words import words_of
from workbench.html import box, paragraph, table
from workbench.judging.kept_facts import FactCheck
from workbench.judging.particulars import figures_in, lost

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 40
"""Characters of a text in its `repr`."""


@dataclass(frozen=True)
class RewrittenText:
    """A text that was enriched or restyled; `str` of it is the text. A notebook shows it with its facts."""

    text: str
    original: str
    purpose: Literal["enrich", "restyle"]
    checks: tuple[FactCheck, ...]
    """Of the facts that were fixed, in the order in which they were given; all are kept."""
    attempts: int
    """How often it was asked for: 1 where it was as wanted at once."""
    call: str
    """The call that wrote it."""
    caveat: str = ""
    """What has to be said beside it, where the model is not to be believed."""
    n_calls: int = field(default=0, compare=False, kw_only=True)
    """What was paid for it: requests for the text and for the judge, of all attempts."""
    n_from_cache: int = field(default=0, compare=False, kw_only=True)
    """Answers that the call cache had."""
    usd: float | None = field(default=0.0, compare=False, kw_only=True)
    """What that cost; None where no price is known."""

    @property
    def facts(self) -> pd.DataFrame:
        """The facts as a DataFrame, one row each.

        Columns: fact, kept, how (`word for word` or `in other words`), quote (from the text), span (from which to which
        character of the text the quote stands).
        """
        import pandas as pd

        columns = ["fact", "kept", "how", "quote", "span"]
        return pd.DataFrame([asdict(check) for check in self.checks], columns=columns).astype({"kept": bool})

    @property
    def times(self) -> float:
        """How many times as long as the original it is, in words."""
        return times_as_long(self.text, self.original)

    @property
    def lost(self) -> list[str]:
        """The figures and capitalised names of the original that it does not have: look whether that is meant."""
        return lost(self.original, self.text)

    @property
    def added(self) -> list[str]:
        """The figures that it has and neither the original nor a fact has: it may have invented them."""
        known = {
            one.value for said in (self.original, *(check.fact for check in self.checks)) for one in figures_in(said)
        }
        new = (self.text[one.start : one.end] for one in figures_in(self.text) if one.value not in known)
        return list(dict.fromkeys(new))

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        line = " ".join(self.text.split())
        shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
        return f"{type(self).__name__}({shown!r}, {self._summary})"

    def _repr_html_(self) -> str:
        facts = [(check.fact, check.how, check.quote) for check in self.checks]
        body = paragraph(self.text) + (table(["fact", "kept", "where"], facts) if facts else "")
        title = "Enriched text" if self.purpose == "enrich" else "Restyled text"
        return box(title, self._summary, body + "".join(paragraph(note, quiet=True) for note in self._notes))

    @property
    def _notes(self) -> list[str]:
        """What a reader ought to look at."""
        lost, added = ", ".join(self.lost), ", ".join(self.added)
        notes = [f"In the original, and no longer here: {lost}." if lost else ""]
        notes.append(f"Figures that neither the original nor a fact has: {added}." if added else "")
        return [note for note in (*notes, self.caveat, self._cost) if note]

    @property
    def _cost(self) -> str:
        calls = f"{self.n_calls} call{'' if self.n_calls == 1 else 's'}"
        cached = f", {self.n_from_cache} from the cache" if self.n_from_cache else ""
        return f"{calls}{cached}, {'no price known' if self.usd is None else f'${self.usd:.4f}'}."

    @property
    def _summary(self) -> str:
        facts = f"{len(self.checks)} fact{'s' if len(self.checks) != 1 else ''} kept"
        attempts = f"{self.attempts} attempt{'s' if self.attempts != 1 else ''}"
        return f"{self.times:.1f} times as long, {facts}, {attempts}"


def times_as_long(text: str, original: str) -> float:
    """Return how many times as many words a text has as another; as `metrics.words` counts them, in any script."""
    return len(words_of(text)) / max(len(words_of(original)), 1)
