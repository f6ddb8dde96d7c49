"""When what a model says is an accepted answer: the paper's exact match and F1 on words.

Both compare normalised texts: lower case, without ASCII punctuation, without the words a, an, the, with single spaces.
Of several accepted answers the best counts. Two things keep answers apart that would all be the same then:

    -2           the minus of a number stays: "-2" is another answer than "2" and "+2" (1914-18 has none)
    A   A+   ?   a text of which nothing would be left keeps its articles and signs, but for a full stop or the like at
                 its end: "A" is another answer than "the" or an empty one
"""

from __future__ import annotations

import functools
import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Literal

#: What of a continuation is the answer: its first line, or all of it (the authors' code).
AnswerPart = Literal["first_line", "whole"]

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ALL_BUT_MINUS = str.maketrans("", "", string.punctuation.replace("-", ""))
_NO_MINUS = re.compile(r"(?<=\w)-|-(?!\d)")
_ENDS = ".,;:!?"
_ARTICLES = ("a", "an", "the")
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_WORD = re.compile(r"-?\w*")


@functools.lru_cache(maxsize=1 << 16)
def normalise(text: str) -> str:
    """Normalise an answer.

    >>> normalise(" The Queen, of  a country. ")
    'queen of country'
    >>> normalise("+2"), normalise("-2"), normalise("A."), normalise("A+")
    ('2', '-2', 'a', 'a+')
    """
    return _content(text) or _all_of(text)


def normalise_all(texts: Sequence[str]) -> list[str]:
    """Normalise many texts at once, in a third of the time.

    >>> normalise_all(["The Queen", "A."])
    ['queen', 'a']
    """
    joined = "\n".join(texts)
    if joined.count("\n") >= max(1, len(texts)):  # a text holds one itself
        return [normalise(text) for text in texts]
    lines = _ARTICLE.sub(" ", _plain(joined)).split("\n")
    return [" ".join(line.split()) or _all_of(text) for line, text in zip(lines, texts, strict=False)]


def _content(text: str) -> str:
    """What is left without punctuation and articles, which may be nothing."""
    return " ".join(_ARTICLE.sub(" ", _plain(text)).split())


def _all_of(text: str) -> str:
    whole = " ".join(text.lower().split())
    return whole.rstrip(_ENDS).rstrip() or whole


def answer_in(continuation: str, part: AnswerPart) -> str:
    r"""Take the answer out of what a model said after a question.

    >>> answer_in(" queen\nQ: Who", "first_line")
    'queen'
    """
    return (continuation.partition("\n")[0] if part == "first_line" else continuation).strip()


def is_match(said: str, accepted: Sequence[str]) -> bool:
    """Whether what was said equals an accepted answer, both normalised."""
    return normalise(said) in map(normalise, accepted)


def f1(said: str, accepted: Sequence[str]) -> float:
    """Harmonic mean of the shares of words said that are right and of right words that were said; the best answer's.

    >>> f1("the old queen", ["queen", "king"])
    0.6666666666666666
    """
    return max((_f1(normalise(said).split(), normalise(answer).split()) for answer in accepted), default=0.0)


def may_match(begun: str, accepted: Sequence[str]) -> bool:
    """Whether some text that begins with `begun` could be an accepted answer.

    Errs on the side of yes: only a sure no is a no. An end that is not yet a whole character (shown as U+FFFD) is
    taken as not said.
    """
    plain = _plain(begun.rstrip("\ufffd"))
    head = plain[: len(plain) - len(plain.split()[-1])] if plain and not plain[-1].isspace() else plain
    words, last = _ARTICLE.sub(" ", head).split(), _sigma(plain[len(head) :])
    # an accepted answer that keeps its articles and signs may still come as long as there is nothing but these
    return any(_may_become(words, last, _content(answer).split()) for answer in accepted)


def _may_become(words: list[str], last: str, answer: list[str]) -> bool:
    """Whether whole words and the beginning of one (in which more may follow) can become the words of an answer."""
    if answer[: len(words)] != words:
        return False
    rest = _sigma(" ".join(answer[len(words) :]))
    run = _WORD.match(last)
    known = run.group() if run else ""  # what comes after a sign inside a word may be cut off as an article is
    return rest.startswith(known) or any(article.startswith(known) for article in _ARTICLES)


def _plain(text: str) -> str:
    """Lower case without punctuation, but with the minus of a number."""
    lowered = text.lower()
    if "-" not in lowered:
        return lowered.translate(_NO_PUNCTUATION)
    return _NO_MINUS.sub("", lowered).translate(_ALL_BUT_MINUS)


def _sigma(text: str) -> str:
    """Write the final sigma as any other: which one a lower-cased letter is depends on what follows."""
    return text.replace("ς", "σ")


def _f1(said: list[str], right: list[str]) -> float:
    common = sum((Counter(said) & Counter(right)).values())
    if not said or not right:
        return float(said == right)
    return 2 * common / (len(said) + len(right)) if common else 0.0
