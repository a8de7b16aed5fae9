"""Amounts: the numbers that a sentence has, in digits or in English words, and whether its evidence has them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from workbench.judging.particulars import Figure, figures_in

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_TENS = {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_UNITS = {word: number for number, word in enumerate(_SMALL)} | _TENS | {"dozen": 12}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_FRACTIONS = {"half": "0.5", "halves": "0.5", "halved": "0.5", "quarter": "0.25", "quarters": "0.25"}
_TIMES = dict.fromkeys(("double", "doubles", "doubled", "doubling", "twice", "twofold"), "twice") | dict.fromkeys(
    ("triple", "triples", "tripled", "tripling", "thrice", "threefold"), "thrice"
)
_VAGUE = {word: word for word in ("dozens", "hundreds", "thousands", "millions", "billions")}
_PARTS = {"half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fifth": 5, "fifths": 5}
_PARTS |= {"tenth": 10, "tenths": 10}
_A_PART = re.compile(r"\b(?:a|one)[ -](third|fifth|tenth)(?= of\b)", re.IGNORECASE)
"""Else these words count in order: `a third person`."""
_ALONE = {**_FRACTIONS, **_TIMES, **_VAGUE}
_WORD = re.compile(r"[A-Za-z]+")
_POWER = re.compile(r"(?<![\w.,])(-?)(\d+(?:\.\d+)?)[eE]([+-]?\d{1,3})(?!\w)")
_PERCENT = re.compile(r"\s*(?:%|٪|％|percent\b|per cent\b|percentage\b)", re.IGNORECASE)
_MONEY_BEFORE = re.compile(r"[$€£¥₹]\s*\Z")
_MONEY_AFTER = re.compile(r"\s*(?:[$€£¥₹]|(?:euros?|dollars?|pounds?|cents?|yen)\b)", re.IGNORECASE)
_NO_NUMBER = re.compile(
    r"\b(?:no|the|this|that|each|every|any|which|some)[ -]one\b|\bone (?:another|day)\b|\bone's\b", re.IGNORECASE
)
"""Where `one` is a pronoun."""


@dataclass(frozen=True)
class Amount:
    """A number that stands in a sentence."""

    words: str
    """As it is written."""
    values: frozenset[str]
    """The number, or a word such as `twice`; two where a point or comma can be read in two ways."""
    counts: bool
    """Whether it can be a count of things: whole, and neither of money nor of percent."""
    percent: bool = False


def amounts_in(text: str) -> list[Amount]:
    """Return the numbers that a text has, in digits of any script or in English words.

    >>> [sorted(one.values)[0] for one in amounts_in("Nine in ten; twenty-one of 120; half; it doubled; 3e-05")]
    ['120', '0.00003', '9', '10', '21', '0.5', 'twice']
    """
    plain = _POWER.sub(lambda found: f"{found[1]}{Decimal(f'{found[2]}E{found[3]}'):f}", text)
    return [*(_of_figure(plain, one) for one in figures_in(plain)), *_in_words(plain)]


def without_evidence(text: str, evidence: Collection[str], counts: Collection[int]) -> list[str]:
    """Return the numbers of a text that its evidence does not have.

    A number is there where it stands in the evidence, in digits or in words; where it is one of the counts; where it is
    a number of the evidence, rounded to the decimals (one or more) that it is written with; and where it is a share of
    the evidence, such as 0.125, in percent, likewise rounded. Nothing is rounded to 0 or to 100 %.

    Args:
        text: a sentence.
        evidence: the texts that it rests on.
        counts: what can be counted in them.
    """
    shown = [one for words in evidence for one in amounts_in(words)]
    there = {value for one in shown for value in one.values}
    there |= {_plain(number / 100) for one in shown if one.percent and (number := _number(min(one.values))) is not None}
    numbers = [number for number in map(_number, sorted(there)) if number is not None]
    missing = [one for one in amounts_in(text) if not _is_there(one, there, numbers, counts)]
    return list(dict.fromkeys(one.words for one in missing))


def _is_there(one: Amount, there: set[str], numbers: Iterable[Decimal], counts: Collection[int]) -> bool:
    if one.values & there or (one.counts and any(str(count) in one.values for count in counts)):
        return True
    if any("/" in value and _is_part(value, number) for value in one.values for number in numbers):
        return True
    own = [number for number in map(_number, one.values) if number]
    return any(_is_rounded(mine, number, one.percent) for mine in own for number in numbers)


def _is_part(fraction: str, number: Decimal) -> bool:
    """Return whether a number with two decimals is a third or the like."""
    above, _, below = fraction.partition("/")
    hundredth = Decimal("0.01")
    return 0 < number < 1 and number.quantize(hundredth) == (Decimal(above) / Decimal(below)).quantize(hundredth)


def _is_rounded(mine: Decimal, number: Decimal, percent: bool) -> bool:
    if percent and 0 < number < 1 and mine != 100:
        return mine == _rounded(100 * number, mine)
    return _decimals(mine) > 0 and mine == _rounded(number, mine)


def _rounded(number: Decimal, like: Decimal) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-_decimals(like)), ROUND_HALF_UP)


def _decimals(number: Decimal) -> int:
    return max(0, -int(number.as_tuple().exponent))


def _number(value: str) -> Decimal | None:
    try:
        return Decimal(value) if value[-1:].isdigit() and len(value) < 26 and "/" not in value else None
    except InvalidOperation:
        return None


def _of_figure(text: str, figure: Figure) -> Amount:
    before, after = text[: figure.start], text[figure.end :]
    percent, money = _PERCENT.match(after), _MONEY_BEFORE.search(before) or _MONEY_AFTER.match(after)
    values = frozenset(filter(None, (figure.value, figure.other)))
    if scale := re.match(r"\s+(hundred|thousand|million|billion)\b", after, re.IGNORECASE):
        number = _number(figure.value)
        values = values if number is None else frozenset({_plain(number * _SCALES[scale[1].lower()])})
        return Amount(text[figure.start : figure.end] + scale[0], values, counts=False)
    return Amount(
        text[figure.start : figure.end], values, counts=not percent and not money, percent=percent is not None
    )


def _plain(number: Decimal) -> str:
    written = f"{number:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def _in_words(text: str) -> Iterator[Amount]:
    """Yield the numbers that stand in English words: `twenty-one`, `two hundred and five`, `half`, `doubled`."""
    parts = list(_A_PART.finditer(text))
    yield from (Amount(one[0], frozenset({_fraction(1, one[1].lower())}), counts=False) for one in parts)
    read = [one.span() for one in (*_NO_NUMBER.finditer(text), *parts)]
    words = [one for one in _WORD.finditer(text) if not any(a <= one.start() < b for a, b in read)]
    place = 0
    while place < len(words):
        word = words[place][0].lower()
        if word in _ALONE:
            yield _amount(text, words[place : place + 1], _ALONE[word])
            place += 1
            continue
        number, n_words = _spelled(text, words, place)
        after = place + n_words
        if (
            n_words
            and after < len(words)
            and (part := words[after][0].lower()) in _PARTS
            and _joined(text, words, after)
        ):
            yield _amount(text, words[place : after + 1], _fraction(number, part))
            n_words += 1
        elif n_words:
            yield _amount(text, words[place : place + n_words], str(number))
        place += max(n_words, 1)


def _joined(text: str, words: list[re.Match[str]], place: int) -> bool:
    """Return whether no more than a space or hyphen is between a word and the one before."""
    gap = text[words[place - 1].end() : words[place].start()]
    return not gap.strip(" \u00a0-\u2010\u2011")


def _part_after(text: str, words: list[re.Match[str]], place: int) -> str:
    """Return the part that a number counts, such as `thirds`; nothing where none follows it."""
    there = place < len(words) and words[place][0].lower() in _PARTS and _joined(text, words, place)
    return words[place][0].lower() if there else ""


def _fraction(above: int, part: str) -> str:
    """Return a fraction as a number, or as it is where it has no end: `0.75`, `1/3`."""
    below = _PARTS[part]
    return f"{above}/{below}" if below == 3 and above % 3 else _plain(Decimal(above) / below)


def _amount(text: str, words: list[re.Match[str]], value: str) -> Amount:
    start, end = words[0].start(), words[-1].end()
    percent, money = _PERCENT.match(text[end:]), _MONEY_AFTER.match(text[end:])
    counts = value.isdigit() and not percent and not money
    return Amount(text[start:end], frozenset({value}), counts, percent is not None)


def _spelled(text: str, words: list[re.Match[str]], first: int) -> tuple[int, int]:
    """Return the number that begins at a word, and of how many words it is: of none where none begins there."""
    total, part, n_words = 0, 0, 0
    for place in range(first, len(words)):
        word = words[place][0].lower()
        joined = place == first or _joined(text, words, place)
        if not joined or (word not in _SCALES and word != "and" and not _fits(word, part)):
            break
        if word == "and":
            following = words[place + 1][0].lower() if place + 1 < len(words) else ""
            if not n_words or (part % 100 or not (part or total)) or following not in _UNITS:
                break
            continue
        if word == "hundred":
            part = (part or 1) * 100
        elif word in _SCALES:
            total, part = total + (part or 1) * _SCALES[word], 0
        else:
            part = 12 * (part or 1) if word == "dozen" else part + _UNITS[word]
        n_words = place - first + 1
    return (total + part, n_words) if _is_own(text, words, first, n_words) else (0, 0)


def _fits(word: str, part: int) -> bool:
    """Return whether a word of a number can follow on what was read since the last thousand."""
    if word == "dozen":
        return part < 100
    if word not in _UNITS:
        return False
    low = part % 100
    return low == 0 or (low % 10 == 0 and low >= 20 and 0 < _UNITS[word] < 10)


def _is_own(text: str, words: list[re.Match[str]], first: int, n_words: int) -> bool:
    """Return whether a number is no scale that belongs to digits before it, as in `3 million`."""
    alone = n_words and words[first][0].lower() in _SCALES
    return bool(n_words) and not (alone and re.search(r"\d\s+\Z", text[: words[first].start()]))
