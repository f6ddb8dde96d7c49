"""The published zip of T-REx (Elsahar et al. 2018): which triples of it the paper's questions are made of.

The zip holds files such as ``re-nlg_0-10000.json``, each a JSON array of documents with ``triples``:

    {"subject": {"surfaceform": "Dune", ...}, "predicate": {"uri": ".../P50", ...},
     "object": {"surfaceform": "Frank Herbert", ...}, ...}      ->      Dune  P50  Frank Herbert

Files are read in the order of the numbers in their names, and as a stream: only triples of the predicates that can be
asked about are kept, each once, and of these only subjects with enough different ones.
"""

from __future__ import annotations

import re
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sayso.core.errors import SaysoError
from sayso.data.cache import OnProgress, Recipe

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
_CHUNK = 4096
_TRIPLE = "item.triples.item"

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
            members = [item for item in archive.infolist() if item.filename.endswith(".json") and item.file_size]
            members = [item for item in members if not item.filename.startswith("__MACOSX")]
            if not members:
                raise SaysoError(f"{file}: holds no .json file; T-REx is a zip of files such as re-nlg_0-10000.json")
            done, total = 0, sum(item.file_size for item in members)
            for item in sorted(members, key=lambda item: _in_number_order(item.filename)):
                name = item.filename
                with archive.open(item) as stream:
                    for position, found in _items(f"{file}: {name}", stream):
                        counts["triples"] += 1
                        if counts["triples"] % 1000 == 0:
                            on_progress(done + position, total)
                        yield _triple(f"{file}: {name}: triple before byte {position}", found)
                done += item.file_size
                on_progress(done, total)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        where = f"{file}: {name}" if name else f"{file}"
        raise SaysoError(f"{where}: not a whole zip file: {error}; download or copy it again") from error
    except OSError as error:
        raise SaysoError(f"{file}: cannot be read: {error.strerror}") from error


def _items(where: str, stream: IO[bytes]) -> Iterator[tuple[int, Any]]:
    """Triples of a JSON array of documents, each with how many bytes have been read."""
    import ijson

    found = ijson.sendable_list()
    parser = ijson.items_coro(found, _TRIPLE)
    position = 0
    try:
        while chunk := stream.read(_CHUNK):
            if position == 0 and not chunk.lstrip().startswith(b"["):
                raise SaysoError(f"{where}: found {chunk[:20]!r}, where a JSON array of documents should begin")
            parser.send(chunk)
            position += len(chunk)
            yield from ((position, item) for item in found)
            found.clear()
        parser.close()
    except ijson.JSONError as error:
        reason = " ".join(str(error).split())
        raise SaysoError(f"{where}: JSON breaks after byte {position}: {reason}") from error


def _triple(where: str, found: Any) -> Triple:
    try:
        forms = (found["subject"]["surfaceform"], found["object"]["surfaceform"])
        predicate = found["predicate"]["uri"].rpartition("/")[2]
    except (KeyError, TypeError, AttributeError) as error:
        raise SaysoError(f"{where}: has no subject, predicate and object with 'surfaceform' and 'uri'") from error
    subject, value = (" ".join(str(form or "").split()) for form in forms)
    return subject, predicate, value


def _in_number_order(name: str) -> tuple[list[int], str]:
    return [int(digits) for digits in re.findall(r"\d+", name)], name
