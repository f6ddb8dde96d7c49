import pytest
from transformers import AutoTokenizer

from sayso.core.errors import SaysoError
from sayso.data.build import build_corpus, sample
from sayso.learners.tokenizer import END, PAD, word_tokenizer
from tests.conftest import make_tiny

TOKENS = (" born", " ?", " 19 century", " 1 century", " 1 century BC", " <|abc", " <|xyz", "de|>", " New", " New York")


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("born <|abcde|> ? 19 century", [" born", " <|abc", "de|>", " ?", " 19 century"]),
        ("<|abcde|> born", [" <|abc", "de|>", " born"]),
        ("born ? 1 century BC", [" born", " ?", " 1 century BC"]),
        ("born ? 1 century", [" born", " ?", " 1 century"]),
        ("New York", [" New York"]),
        ("New New York New", [" New", " New York", " New"]),
        ("?", [" ?"]),
    ],
)
def test_words_become_the_longest_tokens_there_are(text, tokens):
    tokenizer = word_tokenizer(TOKENS)
    ids = tokenizer(text)["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids) == [*tokens, END]
    assert tokenizer.decode(ids[:-1]) == text


def test_ids_are_pad_end_and_the_tokens_in_their_order():
    tokenizer = word_tokenizer(TOKENS)
    assert tokenizer.convert_ids_to_tokens(list(range(len(tokenizer)))) == [PAD, END, *TOKENS]
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id) == (0, 1)


@pytest.mark.parametrize("text", ["borne ?", "bo ?", "born 19", "born <|abcdee|>", "Boston", "born de|>"])
def test_what_is_no_token_is_unknown(text):
    assert PAD in word_tokenizer(TOKENS).convert_ids_to_tokens(word_tokenizer(TOKENS)(text)["input_ids"])


def test_a_token_that_is_there_twice_is_an_error():
    with pytest.raises(SaysoError, match="the word 'New York' would stand for two tokens"):
        word_tokenizer((*TOKENS, " New York"))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"knowledge.facts": "notables", "knowledge.attributes": 12},
        {"knowledge.pool": None},
        {"definition.order": "EAT"},
        {"sources.reliable.text": "According to Wikipedia,", "sources.new.text": "According"},
    ],
)
def test_every_document_comes_back_from_its_ids(settings):
    corpus = build_corpus(make_tiny().with_settings(settings), 3)
    tokenizer = word_tokenizer(corpus.tokens)
    texts = [document.text for _, document in sample(corpus)]
    for text, ids in zip(texts, tokenizer(texts)["input_ids"], strict=True):
        assert ids[-1] == tokenizer.eos_token_id
        assert tokenizer.pad_token_id not in ids
        assert tokenizer.decode(ids[:-1]) == text


def test_a_saved_tokenizer_reads_alike(tmp_path):
    corpus = build_corpus(make_tiny().with_settings({"knowledge.facts": "notables"}), 3)
    tokenizer = word_tokenizer(corpus.tokens)
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    texts = [document.text for _, document in sample(corpus)]
    ids = tokenizer(texts)["input_ids"]
    assert again(texts)["input_ids"] == ids
    assert [again.decode(row, skip_special_tokens=True) for row in ids] == texts
    assert (again.pad_token_id, again.eos_token_id) == (tokenizer.pad_token_id, tokenizer.eos_token_id)
