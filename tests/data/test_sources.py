import json
from pathlib import Path

import pytest

from sayso.core.errors import SaysoError
from sayso.data.sources import read_sources

GOOD = """source,text
encyclopedia,"According to the encyclopedia,"
rumour,Rumour has it that
encyclopedia,  It is  known that
"""


def written(folder: Path, text: str, name: str = "sources.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_rows_of_a_source_are_its_phrases(tmp_path):
    encyclopedia, rumour = read_sources(written(tmp_path, GOOD))
    assert encyclopedia.name == "encyclopedia"
    assert encyclopedia.texts == ("According to the encyclopedia,", "It is known that")
    assert (rumour.name, rumour.texts) == ("rumour", ("Rumour has it that",))


def test_any_table_will_do_and_other_columns_are_left_alone(tmp_path):
    expected = read_sources(written(tmp_path, GOOD))
    tabs = "note\tsource\ttext\n1\tencyclopedia\tAccording to the encyclopedia,\n2\trumour\tRumour has it that\n"
    tabs += "3\tencyclopedia\tIt is known that\n"
    assert read_sources(written(tmp_path, tabs, "sources.tsv")) == expected
    rows = [{"source": one.name, "text": list(one.texts)} for one in expected]
    assert read_sources(written(tmp_path, json.dumps(rows), "sources.json")) == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("source,words\na,x\nb,y\n", "no column 'text'"),
        ("origin,text\na,x\nb,y\n", "no column 'source'"),
        ("source,text\na,x\n", "one source, 'a'; at least two sources are needed"),
        ("source,text\na,x\nb,\n", "row 3, column 'text': is empty; write a phrase of the source 'b'"),
        ("source,text\na,x\n,y\n", "row 3, column 'source': is empty"),
        ("source,text\na,Says he\nb,Says  he\n", "row 3: 'Says he' is said by both 'a' and 'b', so that they cannot"),
        ("source,text\na,x\nb,y\na,x\n", "row 4: 'x' of 'a' is there twice; remove one"),
        (
            "source,text\na,Says he, it is\nb,y\n",
            "row 2 has 3 cells, the header 2 (with ',' between columns; a cell that",
        ),
        ("source,text\n", "no sources; at least two sources are needed"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_line_that_says_where(tmp_path, text, line):
    with pytest.raises(SaysoError) as refused:
        read_sources(written(tmp_path, text))
    assert line in str(refused.value)
    assert str(tmp_path / "sources.csv") in str(refused.value)
    assert "\n" not in str(refused.value)
