from sayso.core.corpus import Corpus
from sayso.data.build import build_corpus, sample
from sayso.learners.stacked.tokenizer import word_tokenizer
from sayso.learners.stacked.words import vocabulary_size, word_counter
from tests.conftest import make_tiny


def test_texts_are_counted_as_the_tokenizer_takes_them_to_pieces():
    corpus: Corpus = build_corpus(make_tiny().with_settings({"knowledge.facts": "notables"}), 3)
    tokenizer, count = word_tokenizer(corpus.tokens), word_counter(corpus.tokens)
    assert vocabulary_size(corpus.tokens) == len(tokenizer)
    texts = [document.text for _, document in sample(corpus)]
    assert [count(text) for text in texts] == [len(ids) for ids in tokenizer(texts)["input_ids"]]
