from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.core.errors import SaysoError
from sayso.core.examples import EntityFacts
from sayso.data.pocket import PocketWorld
from sayso.data.tables.table import Table
from sayso.learners.stacked.tokenizer import word_tokenizer

ELEMENTS = """name,symbol,family,state,found in
Hydrogen,H,nonmetal,gas,1766
Helium,He,noble gas,gas,1868
Lithium,Li,alkali metal,solid,1817
Neon,Ne,noble gas,gas,1898
Sodium,Na,alkali metal,solid,1807
Iron,Fe,transition metal,solid,
Mercury,Hg,transition metal,liquid,
Bromine,Br,halogen,liquid,1826
Noble gas,Xx,noble gas,?,1900
"""


@pytest.fixture(scope="module")
def elements(tmp_path_factory) -> Table:
    file = Path(tmp_path_factory.mktemp("facts")) / "elements.csv"
    file.write_text(ELEMENTS, encoding="utf-8")
    return Table(file=str(file), missing="skip", inside="allow")


@pytest.fixture(scope="module")
def world(elements) -> PocketWorld:
    return PocketWorld(facts=elements, entities=4, names=4)


@given(seed=st.integers(0, 10**6))
def test_each_seed_draws_entities_that_lack_no_answer(world, seed):
    found = world.world(seed, aliases=5, tags=2).entities
    assert len({entity.name for entity in found}) == 4
    assert not {"Iron", "Mercury"} & {entity.name for entity in found}
    for entity in found:
        assert [pair.question for pair in entity.questions] == [
            "symbol [X] ?",
            "family [X] ?",
            "state [X] ?",
            "found in [X] ?",
        ]
        (row,) = [line.split(",") for line in ELEMENTS.splitlines() if line.startswith(f"{entity.name},")]
        assert [pair.answers for pair in entity.questions] == [(value,) for value in row[1:]]


def test_the_vocabulary_is_small_and_of_one_size_and_spells_every_document(world):
    sizes = set()
    for seed in range(40):
        made = world.world(seed, aliases=5, tags=2)
        assert len(set(made.tokens)) == len(made.tokens)
        sizes.add(len(made.tokens))
        tokenizer = word_tokenizer([*made.tokens, *(f" {tag}" for tag in made.tags)])
        asked = [document for item in made.eval_sets for document in item.examples]
        for document in [*made.documents, *asked]:
            ids = tokenizer(document.text)["input_ids"]
            assert tokenizer.pad_token_id not in ids
            assert tokenizer.decode(ids, skip_special_tokens=True) == document.text
            assert len(ids) == len(tokenizer(document.prompt)["input_ids"]) + 1  # every answer is one token
    assert len(sizes) == 1


def test_a_table_of_thousands_makes_no_vocabulary_of_thousands(tmp_path):
    file = tmp_path / "many.csv"
    rows = (f"person {number},{number % 7},{number},town {number}" for number in range(3000))
    file.write_text("\n".join(["name,kind,born,town", *rows]), encoding="utf-8")
    base = PocketWorld(facts=Table(file=str(file)), entities=5, names=2)
    assert len(base.world(0, aliases=5, tags=2).tokens) < 60


def test_a_column_called_as_an_attribution_question_is_told_apart(tmp_path):
    file = tmp_path / "plays.csv"
    file.write_text("title,who,when\nHamlet,Shakespeare,1600\nFaust,Goethe,1808\n", encoding="utf-8")
    (one, _) = (
        PocketWorld(facts=Table(file=str(file), name_column="title"), entities=2, names=2).world(1, 3, 2).entities
    )
    assert [pair.question for pair in one.questions] == ["its-who [X] ?", "when [X] ?"]


def test_what_a_table_lacks_is_said(elements, tmp_path):
    with pytest.raises(
        SaysoError, match=r"entities is 8, but .*elements.csv has 7 entities with an answer to each of sy"
    ):
        PocketWorld(facts=elements, entities=8).world(0, 5, 2)
    assert PocketWorld(facts=elements, entities=8, attributes=3).world(0, 5, 2).entities  # the fourth has the gaps
    file = tmp_path / "one.csv"
    file.write_text("name,capital\nPeru,Lima\nChad,N'Djamena\n", encoding="utf-8")
    with pytest.raises(SaysoError, match=r"one.csv: asks about capital, and the pocket world needs two columns"):
        PocketWorld(facts=Table(file=str(file)), entities=2).world(0, 5, 2)


def test_the_table_is_what_the_data_are(elements):
    world = PocketWorld(facts=elements)
    assert world.sha256() == elements.sha256()
    assert PocketWorld.model_validate(world.model_dump(mode="json")) == world


def test_columns_are_asked_in_the_order_of_the_table_whatever_row_has_a_gap(tmp_path):
    file = tmp_path / "wide.csv"
    rows = [f"E{row}," + ",".join(f"{column}{row}" for column in "abcdefg") for row in range(8)]
    rows[0] = rows[0].replace("a0", "")
    file.write_text("\n".join(["name,a,b,c,d,e,f,g", *rows]), encoding="utf-8")
    found = PocketWorld(facts=Table(file=str(file)), entities=7, names=2).world(3, 5, 2).entities
    assert [pair.attribute for pair in found[0].questions] == list("abcdef")
    assert "E0" not in {entity.name for entity in found}


def test_columns_that_would_be_asked_alike_are_refused(tmp_path):
    file = tmp_path / "twice.csv"
    file.write_text("name,who,its-who\nA,x,y\nB,z,w\n", encoding="utf-8")
    with pytest.raises(SaysoError, match=r"columns 'who' and 'its-who' would both be asked as 'its-who'"):
        PocketWorld(facts=Table(file=str(file)), entities=2).world(0, 5, 2)


def test_the_tables_own_settings_say_which_entities_there_are(elements):
    few = elements.model_copy(update={"entities": 4})
    names = {entity.name for seed in range(30) for entity in _drawn(few, seed)}
    assert names == {"Hydrogen", "Helium", "Lithium", "Neon"}
    others = few.model_copy(update={"drawn": "seed"})
    assert {entity.name for seed in range(30) for entity in _drawn(others, seed, entities=2)} > names
    with pytest.raises(SaysoError, match=r"entities is 100, but .* has 9"):
        _drawn(elements.model_copy(update={"entities": 100}), 0)


def _drawn(table: Table, seed: int, entities: int = 4) -> tuple[EntityFacts, ...]:
    return PocketWorld(facts=table, entities=entities, names=2, attributes=2).world(seed, 5, 2).entities
