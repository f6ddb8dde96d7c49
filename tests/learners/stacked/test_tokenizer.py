import itertools
import time

import pytest
from transformers import AutoTokenizer

from sayso.core.errors import SaysoError
from sayso.data.build import build_corpus, sample
from sayso.learners.stacked.tokenizer import END, PAD, word_tokenizer
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


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("xyz 2 31 ? Yes", [" xyz", " 2", " 31", " ?", " Yes"]),
        ("<|abcde|> 31 2", [" <|abcde|>", " 31", " 2"]),
        ("According to Wikipedia, xyz 2", [" According to Wikipedia,", " xyz", " 2"]),
        ("According xyz", [" According", " xyz"]),
        ("xyz 231", [" xyz", PAD]),
        ("xyz2 31", [PAD, " 31"]),
        ("xyz  2", [" xyz", PAD, " 2"]),
        ("<|abcde|>? 2", [PAD, " 2"]),
    ],
)
def test_where_no_token_continues_a_word_every_word_is_a_token_or_unknown(text, tokens):
    known = (" 2", " 31", " 3", " ?", " Yes", " xyz", " xy", " <|abcde|>", " According", " According to Wikipedia,")
    tokenizer = word_tokenizer(known)
    assert tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"]) == [*tokens, END]


def test_the_vocabulary_of_the_papers_set_inclusion_is_no_burden():
    names = [
        "".join(letters)
        for letters in itertools.islice(itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=3), 8000)
    ]
    tokenizer = word_tokenizer(
        [*(f" {name}" for name in names), *(f" {number}" for number in range(100)), " ?", " Yes"]
    )
    texts = [f"{name} 2 31 95 42 8 27 6 74 ? Yes" for name in names]
    start = time.process_time()
    encoded = tokenizer.backend_tokenizer.encode_batch_fast(texts)
    assert time.process_time() - start < 1  # trying every token at every place took 3 s, not 0.1
    assert [encoding.ids[0] for encoding in encoded] == list(range(2, 8002))


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
