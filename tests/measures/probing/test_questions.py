"""Which questions are probed, and what the places of their tokens are called."""

import pytest
from transformers import AutoTokenizer

from sayso.core.corpus import Corpus, EvalSet
from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.learners.token_texts import token_texts
from sayso.measures.probing.questions import alias_spans, asked, attribute_of_most, of_one_length
from tests.tiny_models import ASKED, alias_of, tiny_tokenizer
from tests.tokenizer_kinds import KINDS

pytestmark = pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")


def question(alias: str, attribute: str = "born", subset: str = "QA3", prompt: str | None = None) -> Example:
    return Example(prompt or f"{attribute} {alias} ?", " x", ("x",), "question", subset, alias, "e", attribute)


def words(*examples: Example) -> list[tuple[str, ...]]:
    return [tuple(item.prompt.split()) for item in examples]


def test_places_are_named_by_their_token_or_by_their_place_in_the_alias():
    examples = [question(f"a{row} b") for row in range(3)]
    found = of_one_length("born", examples, words(*examples), None)
    assert found.names == ("born", "alias 1", "alias 2", "?")
    assert found.alias == (1, 2)
    assert found.examples == tuple(examples)
    assert found.left_out == ()


def test_a_name_is_one_line_and_what_differs_elsewhere_is_said_to():
    prompts = [("Q", " is", f" l{row}", " <|", f"n{row}", "|>", "?", "\n", "A") for row in range(3)]
    examples = [question(f"<|n{row}|>", prompt="".join(prompts[row])) for row in range(3)]
    found = of_one_length("born", examples, prompts, None)
    assert found.names == ("Q", "is", "…", "alias 1", "alias 2", "alias 3", "?", "\\n", "A")


def test_aliases_of_other_lengths_are_left_out_by_name():
    examples = [question("a"), question("b c", subset="QA7"), question("d")]
    found = of_one_length("born", examples, words(*examples), None)
    assert [item.alias for item in found.examples] == ["a", "d"]
    assert found.of("QA3") == [0, 1]
    assert [(left.subset, left.alias, left.tokens) for left in found.left_out] == [("QA7", "b c", 2)]
    longer = of_one_length("born", examples, words(*examples), 2)
    assert [item.alias for item in longer.examples] == ["b c"]
    assert [left.tokens for left in longer.left_out] == [1, 1]
    with pytest.raises(SaysoError) as error:
        of_one_length("born", examples, words(*examples), 3)
    assert str(error.value) == (
        "token_count is 3, but no alias asked about 'born' has so many tokens: 2 have 1, 1 have 2"
    )


def test_the_same_alias_in_another_frame_is_left_out_too():
    examples = [question("a"), question("b"), question("c", prompt="born in c ?")]
    found = of_one_length("born", examples, words(*examples), None)
    assert [left.alias for left in found.left_out] == ["c"]


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_the_alias_is_found_in_the_tokens_of_every_kind_of_tokenizer(kind, tmp_path):
    if kind is None:
        tokenizer = tiny_tokenizer()
    else:
        KINDS[kind](tmp_path)
        tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    aliases = [alias_of(row) for row in range(12)]
    examples = [question(alias, prompt=f"Q: {ASKED[1].format(alias)}\nA:") for alias in aliases]
    tokens = token_texts(tokenizer, [tokenizer(item.prompt, return_tensors="np")["input_ids"][0] for item in examples])
    for item, texts, (begin, end) in zip(examples, tokens, alias_spans(examples, tokens), strict=True):
        inside = "".join(texts[begin:end]).replace("▁", " ").replace("##", "").strip()
        assert item.alias[2:-2] in inside or tokenizer.unk_token in inside
        assert len(inside) <= len(item.alias) + len(tokenizer.unk_token or "")
        assert "born" in "".join(texts[end:]).replace(" ", "").replace("▁", "")


def test_an_alias_that_is_spelled_otherwise_is_what_prompts_do_not_share():
    examples = [question(f"<|n{row}|>") for row in range(3)]
    tokens = [("born", "<unk>", f"n{row}", "m", "|", ">", "?")[: 7 if row else 8] for row in range(3)]
    tokens[2] = ("born", "<unk>", "n2", "|", ">", "?")
    assert alias_spans(examples, tokens) == [(2, 4), (2, 4), (2, 3)]


def corpus() -> Corpus:
    def of(subset: str, *attributes: str) -> tuple[Example, ...]:
        return tuple(question(f"{subset}{row}", each, subset) for row, each in enumerate(attributes))

    return Corpus(
        1,
        {},
        (
            EvalSet("validation", "D1cons_QA1", of("D1cons_QA1", "born", "died", "died")),
            EvalSet("train_qa", "D1cons_QA1", of("D1cons_QA1", "died", "born", "born")),
            EvalSet("validation", "QA3", (*of("QA3", "died", "died"), question("QA30", "died", "QA3", "again QA30"))),
            EvalSet("definitions", "QA3", (Example("t a", " e", ("e",), "definition", "QA3", "a", "e"),)),
        ),
    )


def test_seeds_agree_on_the_kind_of_question_whatever_is_trained():
    assert attribute_of_most(corpus(), ["D1cons_QA1"]) == "born"
    assert attribute_of_most(corpus(), ["D1cons_QA1", "QA3"]) == "died"
    with pytest.raises(SaysoError, match="there are no questions about QA7"):
        attribute_of_most(corpus(), ["QA7"])


def test_an_alias_is_asked_once():
    found = asked(corpus(), ["validation"], ["D1cons_QA1", "QA3"], "died")
    assert [item.prompt for item in found] == ["died D1cons_QA11 ?", "died D1cons_QA12 ?", "died QA30 ?", "died QA31 ?"]


def test_a_subset_without_such_questions_is_one_line():
    with pytest.raises(SaysoError) as error:
        asked(corpus(), ["validation"], ["QA3"], "bron")
    assert str(error.value) == "no question about 'bron' of QA3 in validation; there is: died"
    with pytest.raises(
        SaysoError, match="no question about 'born' of QA7 in validation or train_qa; it has no questions"
    ):
        asked(corpus(), ["validation", "train_qa"], ["QA7"], "born")
