import pytest

from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.training import TrainSpec
from sayso.learners.encoding import Encoder, Once, require_boundary
from sayso.learners.stacked.tokenizer import word_tokenizer
from tests.learners.conftest import example
from tests.tiny_models import question, tiny_tokenizer

CAUSAL = Encoder(tiny_tokenizer(), None)
SEQ2SEQ = Encoder(tiny_tokenizer(pad="<pad>"), 0)
#: A vocabulary of whole words, which adds spaces and ends by itself.
WORDS = word_tokenizer((" born", " ?", " A", " B", " A B", "b"))
PAD, END, BORN, ASK, A, B, A_B, PIECE = range(8)
LONG = question("<|abcde|>", 0, "queen of France")
SHORT = question("<|abcde|>", 3, "queen")


def test_a_causal_document_is_prompt_completion_and_end():
    tokenizer = tiny_tokenizer()
    (document,) = CAUSAL.encode([SHORT])
    prompt, text = tokenizer(SHORT.prompt)["input_ids"], tokenizer(SHORT.text)["input_ids"]
    assert document.ids.tolist() == [*text, tokenizer.eos_token_id]
    assert (document.start, document.real, document.first) == (len(prompt), len(text) + 1, 1)
    assert len(document.context) == 0


def test_a_sequence_to_sequence_document_is_read_and_written_apart():
    tokenizer = tiny_tokenizer(pad="<pad>")
    (document,) = SEQ2SEQ.encode([SHORT])
    assert document.context.tolist() == tokenizer(SHORT.prompt)["input_ids"]
    assert document.ids.tolist() == [0, *tokenizer(SHORT.completion)["input_ids"]]
    assert (document.start, document.first) == (1, 1)


@pytest.mark.parametrize(("padding", "more"), [("none", 0), ("first_eos", 1), ("all", None)])
def test_as_much_padding_counts_as_is_asked(padding, more):
    train = TrainSpec(padding_loss=padding, max_length=64)
    size = len(tiny_tokenizer()(SHORT.text)["input_ids"])
    (document,) = CAUSAL.for_training([SHORT], train)
    assert document.counted == (63 if more is None else size - 1 + more)
    label = len(tiny_tokenizer()(SHORT.completion)["input_ids"])
    (document,) = SEQ2SEQ.for_training([SHORT], train, label_length=20)
    assert document.counted == (20 if more is None else label + more)
    if padding == "all":
        assert document.ids[label + 1 :].tolist() == [1] + [0] * (19 - label)  # the end, then pads


def test_only_the_completion_counts_where_that_is_asked():
    (document,) = CAUSAL.for_training([SHORT], TrainSpec(loss_on="completion"))
    assert document.first == document.start


def test_documents_too_long_are_counted_and_the_first_is_named():
    most = CAUSAL.encode([SHORT])[0].real
    with pytest.raises(SaysoError, match=r"but 2 of 3 documents are longer \(up to \d+ tokens\)") as error:
        CAUSAL.for_training([SHORT, LONG, LONG], TrainSpec(max_length=most))
    assert repr(LONG.text) in str(error.value)
    assert "\n" not in str(error.value)
    most = SEQ2SEQ.encode([SHORT])[0].counted
    with pytest.raises(SaysoError, match=rf"label_length is {most}, but 1 of 2 completions are longer"):
        SEQ2SEQ.for_training([SHORT, LONG], TrainSpec(), label_length=most)


def test_a_document_of_just_the_length_is_not_too_long():
    size = len(tiny_tokenizer()(LONG.text)["input_ids"])
    (document,) = CAUSAL.for_training([LONG], TrainSpec(max_length=size, padding_loss="all"))
    assert len(document.ids) == size
    with pytest.raises(SaysoError, match="longer"):
        CAUSAL.for_training([LONG], TrainSpec(max_length=size))  # its end would be one too many


def test_padded_answers_need_a_length():
    with pytest.raises(SaysoError, match="label_length, which must be given"):
        SEQ2SEQ.for_training([SHORT], TrainSpec(padding_loss="all", max_length=64))


def test_a_token_across_prompt_and_completion_is_an_error_only_where_it_matters():
    across = Example("Q: que", "en\n", ("en",), "question", "QA3", "x", "e")
    documents = CAUSAL.for_training([across], TrainSpec())
    assert not documents[0].whole
    with pytest.raises(SaysoError, match="partly prompt"):
        require_boundary([across], documents)
    with pytest.raises(SaysoError, match="partly prompt"):
        CAUSAL.for_training([across], TrainSpec(loss_on="completion"))


def test_nothing_gives_nothing():
    assert CAUSAL.encode([]) == []
    assert SEQ2SEQ.for_training([], TrainSpec()) == []


def test_documents_of_whole_words_are_encoded_alike():
    examples = [example("born A ?", "B"), example("born ?", "A B B", "B"), example("born", "B")]
    causal = Encoder(WORDS, None, words=True).encode(examples)
    assert [item.ids.tolist() for item in causal] == [[BORN, A, ASK, B, END], [BORN, ASK, A_B, B, END], [BORN, B, END]]
    assert [item.start for item in causal] == [3, 2, 1]
    seq2seq = Encoder(WORDS, PAD, words=True).encode(examples)
    assert [item.context.tolist() for item in seq2seq] == [[BORN, A, ASK, END], [BORN, ASK, END], [BORN, END]]
    assert [item.ids.tolist() for item in seq2seq] == [[PAD, B, END], [PAD, A_B, B, END], [PAD, B, END]]
    assert {item.start for item in seq2seq} == {1}


@pytest.mark.parametrize("start", [None, PAD])
@pytest.mark.parametrize("document", [example("born C ?", "B"), example("born A ?", "C"), example("bornA ?", "B")])
def test_an_unknown_word_is_an_error_that_shows_the_document(document, start):
    with pytest.raises(SaysoError, match="holds a word that is not in the vocabulary") as caught:
        Encoder(WORDS, start, words=True).encode([example("born", "A"), document])
    assert document.text in str(caught.value)


def test_a_word_that_is_partly_prompt_and_partly_completion_is_an_error():
    across = [example("born A", "B")]  # 'A B' is a token
    with pytest.raises(SaysoError, match="partly prompt"):
        require_boundary(across, Encoder(WORDS, None, words=True).encode(across))
    require_boundary(across, Encoder(WORDS, PAD, words=True).encode(across))  # read apart, written apart


def test_lists_are_encoded_once_and_never_taken_for_others():
    """Python gives a new list the place of one that is gone."""
    made: list[int] = []

    def count(lists):
        made.append(len(lists[0]))
        return made[-1]

    once = Once(count)
    kept = [[SHORT], [SHORT]]
    assert [once(kept), once(kept), once([kept[0], kept[1]])] == [1, 1, 1]
    assert made == [1]
    for size in (2, 3):
        lists = [[SHORT] * size for _ in range(50)]
        assert all(once([own]) == size for own in lists)
        del lists
