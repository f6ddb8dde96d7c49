"""The published zip of T-REx (Elsahar et al. 2018): which triples of it the paper's questions are made of.

The zip holds files such as ``re-nlg_0-10000.json``, each a JSON array of documents with ``triples``:

    {"subject": {"surfaceform": "Dune", ...}, "predicate": {"uri": ".../P50", ...},
     "object": {"surfaceform": "Frank Herbert", ...}, ...}      ->      Dune  P50  Frank Herbert

Files are read in the order of the numbers in their names, and as a stream: only triples of the predicates that can be
asked about are kept, each once, and of these only subjects with enough different ones.
"""

from __future__ import annotations

import io
import re
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sayso.core.errors import SaysoError
from sayso.data.progress import OnProgress
from sayso.data.published.cache import Recipe
from sayso.data.tables.json_items import BrokenJSONError, items

if TYPE_CHECKING:
    import pyarrow as pa

#: How many questions an entity needs (appendix A.2).
QUESTIONS = 4

#: Subjects that are no names.
_PRONOUNS = frozenset(
    (
        *("he", "she", "it", "they", "we", "you", "i", "him", "her", "them", "us", "me", "his", "hers", "its", "their"),
        *("theirs", "our", "ours", "your", "yours", "my", "mine", "himself", "herself", "itself", "themselves"),
        *("this", "that", "these", "those", "who", "whom", "whose", "which", "what", "there", "here", "one"),
    )
)

Triple = tuple[str, str, str]


def recipe(questions: dict[str, str]) -> Recipe:
    """How the zip becomes a table of triples, grouped by subject, in the order in which they are told.

    `questions`: the question each predicate is asked by; those with the same one count as one.
    """
    return Recipe("trex", "triples", 1, lambda file, on_progress: _select(file, questions, on_progress))


def _select(file: Path, questions: dict[str, str], on_progress: OnProgress) -> tuple[pa.Table, dict[str, int]]:
    import pyarrow as pa

    counts: Counter[str] = Counter()
    subjects: dict[str, dict[tuple[str, str], None]] = {}
    for subject, predicate, value in _triples(file, counts, on_progress):
        if predicate not in questions:
            counts["dropped for another predicate"] += 1
        elif not subject or not value or subject.lower() in _PRONOUNS:
            counts["dropped for a pronoun or an empty name"] += 1
        else:
            subjects.setdefault(subject, {})[sys.intern(predicate), value] = None
    kept = [
        (subject, predicate, value)
        for subject, facts in subjects.items()
        if len({questions[predicate] for predicate, _ in facts}) >= QUESTIONS
        for predicate, value in facts
    ]
    if not kept:
        raise SaysoError(
            f"{file}: no subject with {QUESTIONS} different questions ({counts['triples']} triples, "
            f"{len(subjects)} subjects with a predicate that is asked about)"
        )
    counts["subjects kept"], counts["triples kept"] = len({subject for subject, _, _ in kept}), len(kept)
    columns = zip(("subject", "predicate", "object"), zip(*kept, strict=True), strict=True)
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns}), dict(counts)


def _triples(file: Path, counts: Counter[str], on_progress: OnProgress) -> Iterator[Triple]:
    """All triples of all files in the zip."""
    name = ""
    try:
        with zipfile.ZipFile(file) as archive:
            members = [item for item in archive.infolist() if item.filename.endswith(".json")]
            members = [item for item in members if not item.filename.startswith("__MACOSX")]
            if not members:
                raise SaysoError(f"{file}: holds no .json file; T-REx is a zip of files such as re-nlg_0-10000.json")
            done, total = 0, sum(item.file_size for item in members)
            for item in sorted(members, key=lambda item: _in_number_order(item.filename)):
                name = item.filename
                with archive.open(item) as stream:
                    for position, document in documents(f"{file}: {name}", stream):
                        found = _told(f"{file}: {name}: the document that ends at character {position}", document)
                        counts["triples"] += len(found)
                        yield from found
                        on_progress(done + stream.tell(), total)
                done += item.file_size
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        where = f"{file}: {name}" if name else f"{file}"
        raise SaysoError(f"{where}: not a whole zip file: {error}; download or copy it again") from error
    except OSError as error:
        raise SaysoError(f"{file}: cannot be read: {error.strerror}") from error


def documents(where: str, stream: IO[bytes]) -> Iterator[tuple[int, Any]]:
    """Items of a JSON array, each with the number of characters before its end; `where` begins error messages.

    Raises
    ------
    SaysoError
        If the text is no array in UTF-8, or breaks; the message says at which character.
    """
    try:
        yield from items(io.TextIOWrapper(stream, encoding="utf-8-sig"))
    except BrokenJSONError as error:
        raise SaysoError(f"{where}: JSON breaks at character {error.place}: {error}") from error
    except UnicodeDecodeError as error:
        raise SaysoError(f"{where}: not UTF-8: {error.reason}; T-REx is in UTF-8") from error


def _told(where: str, document: Any) -> list[Triple]:
    """The triples of a document."""
    try:
        return [_triple(found) for found in document["triples"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise SaysoError(
            f"{where} lacks 'triples', each with 'surfaceform' of subject and object and 'uri' of predicate"
        ) from error


def _triple(found: Any) -> Triple:
    predicate = found["predicate"]["uri"].rpartition("/")[2]
    subject, value = (" ".join(str(found[part]["surfaceform"] or "").split()) for part in ("subject", "object"))
    return subject, predicate, value


def _in_number_order(name: str) -> tuple[list[int], str]:
    return [int(digits) for digits in re.findall(r"\d+", name)], name
