"""Make the small files that have the form of the published ones: ``python -m tests.data.files.make``.

cvdb.csv.gz    49 columns, mixed encoding; the people who ship with the package, and rows of every kind to drop
trex.zip       three JSON arrays of documents with triples; books.txt and films.txt, and triples of no use
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
CVDB_FILE = FOLDER / "cvdb.csv.gz"
TREX_FILE = FOLDER / "trex.zip"

#: The columns of the published file, in its order.
CVDB_COLUMNS = [
    *("wikidata_code", "birth", "death", "updated_death_date", "approx_birth", "approx_death", "birth_min"),
    *("birth_max", "death_min", "death_max", "gender", "level1_main_occ", "name", "un_subregion"),
    *("birth_estimation", "death_estimation", "bigperiod_birth_graph_b", "bigperiod_death_graph_b", "curid"),
    *("level2_main_occ", "freq_main_occ", "freq_second_occ", "level2_second_occ", "level3_main_occ"),
    *("bigperiod_birth", "bigperiod_death", "wiki_readers_2015_2018", "non_missing_score", "total_count_words_b"),
    *("number_wiki_editions", "total_noccur_links_b", "sum_visib_ln_5criteria", "ranking_visib_5criteria"),
    *("all_geography_groups", "string_citizenship_raw_d", "citizenship_1_b", "citizenship_2_b"),
    *("list_areas_of_rattach", "area1_of_rattachment", "area2_of_rattachment", "list_wikipedia_editions"),
    *("un_region", "group_wikipedia_editions", "bplo1", "dplo1", "bpla1", "dpla1", "pantheon_1", "level3_all_occ"),
]
#: What fills the columns that nobody reads.
_FILLER = {
    "approx_birth": "0.0",
    "freq_main_occ": "0.83",
    "non_missing_score": "6",
    "total_count_words_b": "1834.5",
    "sum_visib_ln_5criteria": "31.0729",
    "list_wikipedia_editions": "enwiki|frwiki|dewiki|itwiki",
    "group_wikipedia_editions": "A_big_wiki",
    "level3_all_occ": "D:_'no,_comma_is_safe'_P:_'x'",
}
_ADA = {
    "name": "Ada_Lovelace",
    "birth": "1815.0",
    "death": "1852.0",
    "gender": "Female",
    "level3_main_occ": "mathematician",
    "string_citizenship_raw_d": "'United Kingdom'",
    "un_region": "Europe",
    "wiki_readers_2015_2018": "999990.0",
}
#: In UTF-8. Under the paper's reading all but the first two have a symbol in their names.
_ACCENTED = [
    ("Albrecht_Dürer", 1471, 1528, "Male", "painter", "'Germany'", "Europe"),
    ("Günter_Grass", 1927, 2015, "Male", "writer", "'Germany'", "Europe"),
    ("Simón_Bolívar", 1783, 1830, "Male", "politician", "'Venezuela'", "America"),
    ("Erwin_Schrödinger", 1887, 1961, "Male", "physicist", "'Austria'_'Ireland'", "Europe"),
    ("Édith_Piaf", 1915, 1963, "Female", "singer", "'France'", "Europe"),
    ("Gabriel_García_Márquez", 1927, 2014, "Male", "writer", "'Colombia'", "America"),
]
#: In Latin-1: no valid UTF-8.
_LATIN = [
    ("Selma_Lagerlöf", 1858, 1940, "Female", "writer", "'Sweden'", "Europe"),
    ("Edith_Södergran", 1892, 1923, "Female", "poet", "'Finland'", "Europe"),
]
#: What is wrong with rows that are dropped. Their many readers would put them first.
DROPPED = {
    "dropped for an empty cell": [
        {"death": "", "name": "Malala_Yousafzai"},
        {"birth": "", "name": "Nobody_Knows_When"},
        {"un_region": "", "name": "Nobody_Knows_Where"},
        {"level3_main_occ": "", "name": "Nobody_Knows_What"},
        {"string_citizenship_raw_d": "", "name": "Nobody_Knows_Whose"},
        {"wiki_readers_2015_2018": "", "name": "Nobody_Reads"},
        {"gender": "NA", "name": "Nobody_Tells"},
        {"name": ""},
    ],
    "dropped for the name of an earlier row": [{"name": "Marie_Curie", "birth": "1500.0"}],
    "dropped for a symbol in the name": [{"name": "Jean-Paul_Sartre"}, {"name": "Martin_Luther_King_Jr."}],
    "dropped for a symbol in the occupation": [{"level3_main_occ": "singer/actor", "name": "Somebody_Versatile"}],
    "dropped for a symbol in the citizenship": [
        {"string_citizenship_raw_d": "'Congo (Kinshasa)'", "name": "Somebody_Abroad"}
    ],
    "dropped for a gender other than Male and Female": [{"gender": "Other", "name": "Somebody_Else"}],
}

_BOOK = {"author": "P50", "published": "P577", "language": "P407", "genre": "P136", "setting": "P840"}
_FILM = {"director": "P57", "released": "P577", "genre": "P136", "composer": "P86", "cast member": "P161"}
_NUMBERS = ["re-nlg_0-10000.json", "re-nlg_20000-30000.json", "re-nlg_100000-110000.json"]
#: More of some works: several answers, more questions, and what gives no question.
_MORE = [
    ("King Kong", "P57", "Ernest B. Schoedsack"),
    ("King Kong", "P577", "the spring"),
    ("Metropolis", "P840", "a city (in the future)"),
    ("Metropolis", "P162", "Erich Pommer"),
    ("Metropolis", "P364", "German"),
    ("Dune", "P136", "planetary romance"),
    ("Dune", "P136", "science fiction"),
    ("Dune", "P364", "English"),
    ("Dune", "P123", "Chilton Books"),
    ("Star Wars", "P162", "Gary Kurtz"),
    ("Star Wars", "P1040", "Marcia Lucas"),
    ("Star Wars", "P98", "Paul Hirsch"),
    ("Star Wars", "P361", "a trilogy"),
    ("He", "P57", "Orson Welles"),
    ("He", "P577", "1941"),
    ("He", "P136", "drama"),
    ("He", "P86", "Bernard Herrmann"),
    ("Nosferatu", "P57", "Friedrich Wilhelm Murnau"),
    ("France", "P36", "Paris"),
]


def cvdb_row(**cells: str) -> str:
    """A line of the file, without its end; columns that are not given are filled."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow({**dict.fromkeys(CVDB_COLUMNS, ""), **_FILLER, **cells}.values())
    return line.getvalue()


def cvdb_lines() -> Iterator[bytes]:
    """The header, people of all kinds, and rows to drop."""
    yield ",".join(CVDB_COLUMNS).encode()
    table = resources.files("sayso.data").joinpath("notables.csv").read_text(encoding="utf-8")
    for number, row in enumerate(csv.DictReader(table.splitlines())):
        years = {column: f"{row[column]}.0" for column in ("birth", "death")}
        yield cvdb_row(**{**row, **years, "wiki_readers_2015_2018": _readers(number)}).encode()
    columns = ("name", "birth", "death", "gender", "level3_main_occ", "string_citizenship_raw_d", "un_region")
    for encoding, people in (("utf-8", _ACCENTED), ("latin-1", _LATIN)):
        for number, person in enumerate(people, start=500):
            cells = dict(zip(columns, map(str, person), strict=True))
            yield cvdb_row(**cells, wiki_readers_2015_2018=_readers(number)).encode(encoding)
    for rows in DROPPED.values():
        yield from (cvdb_row(**{**_ADA, **row}).encode() for row in rows)


def trex_files() -> dict[str, list[dict[str, Any]]]:
    """The documents of each file: one a work, and one of triples that are told elsewhere than in their work's own."""
    told = [*_works("books.txt", _BOOK, "novel"), *_works("films.txt", _FILM, "film")]
    third = -(-len(told) // 3)
    groups = [told[:third], told[third : 2 * third], [*told[2 * third :], _MORE]]
    return {file: [_document(triples) for triples in group] for file, group in zip(_NUMBERS, groups, strict=True)}


def write_gzip(path: Path, lines: list[bytes]) -> None:
    """Write lines, gzipped, with nothing of the time in it."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as stream:
        stream.writelines(line + b"\n" for line in lines)


def write_zip(path: Path, files: dict[str, str | bytes]) -> None:
    """Write files, zipped, in the order given, with nothing of the time in it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)


def main() -> None:
    """Write both files."""
    write_gzip(CVDB_FILE, list(cvdb_lines()))
    write_zip(TREX_FILE, {name: json.dumps(documents) for name, documents in reversed(trex_files().items())})


def _readers(number: int) -> str:
    """Some number of readers, different for each."""
    return f"{number * 7919 % 100_003 * 7.5:.1f}"


def _works(file: str, predicates: dict[str, str], kind: str) -> Iterator[list[tuple[str, str, str]]]:
    header, *lines = (FOLDER / file).read_text(encoding="utf-8").splitlines()
    columns = [word.strip() for word in header.lstrip("# ").split("|")]
    for line in lines:
        title, *cells = [cell.strip() for cell in line.split("|")]
        facts = zip(columns[1:], cells, strict=True)
        told = [(title, predicates[column], cell) for column, cell in facts if cell != "-"]
        yield [(title, "P31", kind), *told]


def _document(triples: list[tuple[str, str, str]]) -> dict[str, Any]:
    title = triples[0][0]
    uri = f"http://www.wikidata.org/entity/Q{sum(map(ord, title))}"
    text, told = "", []
    for number, (subject, predicate, value) in enumerate(triples):
        start = len(text)
        text += f"{subject}: {value}. "
        told.append(
            {
                "subject": _mention(text, subject, start, uri),
                "predicate": {
                    "boundaries": None,
                    "surfaceform": None,
                    "uri": f"http://www.wikidata.org/prop/direct/{predicate}",
                    "annotator": "NoSubject-Triple-aligner",
                },
                "object": _mention(text, value, start + len(subject), uri),
                "sentence_id": number,
                "dependency_path": None,
                "confidence": None,
                "annotator": "NoSubject-Triple-aligner",
            }
        )
    return {
        "docid": uri,
        "uri": uri,
        "title": title,
        "text": text,
        "sentences_boundaries": [[0, len(text)]],
        "words_boundaries": [[0, len(title)]],
        "entities": [told[0]["subject"]],
        "triples": told,
    }


def _mention(text: str, form: str, start: int, uri: str) -> dict[str, Any]:
    begin = text.index(form, start)
    return {
        "boundaries": [begin, begin + len(form)],
        "surfaceform": form,
        "uri": uri,
        "annotator": "Wikidata_Spotlight_Entity_Linker",
    }


if __name__ == "__main__":
    main()
