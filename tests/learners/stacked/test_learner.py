import itertools
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.examples import Example
from sayso.core.learner import MatrixPeak, Scores
from sayso.core.measure import Moment
from sayso.core.training import TrainSpec
from sayso.data.build import build_corpus
from sayso.learners import matrix_peak
from sayso.learners.stacked.architectures import config_for
from sayso.learners.stacked.batching import Tokens
from sayso.learners.stacked.learner import StackedLearner
from sayso.learners.stacked.replicas import Replicas
from tests.conftest import make_tiny
from tests.learners.conftest import ARCHITECTURES, AUTO_CLASS, example, learner_of, loss_of

TINY = make_tiny()
SEEDS = (3, 4, 5)
CORPORA = {seed: build_corpus(TINY, seed) for seed in SEEDS}
BOTH_KINDS = pytest.mark.parametrize("architecture", ["gpt_neox", "t5"])
EVERY_ARCHITECTURE = pytest.mark.parametrize("architecture", ARCHITECTURES)
BOTH_OPTIMIZERS = pytest.mark.parametrize("optimizer", ["adafactor", "adamw"])
FAST = TrainSpec(learning_rate=1e-2, batch_size=16)


def learner(*seeds: int, architecture: str = "gpt_neox") -> StackedLearner:
    return StackedLearner([CORPORA[seed] for seed in seeds], architecture, ARCHITECTURES[architecture])


def documents(seeds: tuple[int, ...], part: str = "X1") -> list[tuple[Example, ...]]:
    return [CORPORA[seed].train[part] for seed in seeds]


def everything(seed: int) -> list[Example]:
    return [one for item in CORPORA[seed].eval_sets for one in item.examples]


def weights(model: StackedLearner, replica: int) -> dict[str, torch.Tensor]:
    return {name: tensor[replica].detach().clone() for name, tensor in model._models.parameters.items()}


def assert_same_weights(one: StackedLearner, other: StackedLearner) -> None:
    for name, tensor in one._models.parameters.items():
        assert torch.equal(tensor, other._models.parameters[name]), name


def losses(model: StackedLearner, batch: Any, train: TrainSpec) -> torch.Tensor:
    """Each replica's mean loss on all its documents."""
    tokens, counted, _ = model._training_tensors(batch, train)
    return model._loss(tokens, counted, int(counted.sum(2).amax()), counted.sum((1, 2)))


def as_transformers(model: StackedLearner, replica: int, folder: Path) -> tuple[Any, Any]:
    """A replica as transformers reads it back: an oracle that shares no code with the learner."""
    model.save_replica(replica, folder)
    network = AUTO_CLASS[model._models.module.config.model_type].from_pretrained(
        folder, local_files_only=True, attn_implementation="eager"
    )
    return network.eval(), AutoTokenizer.from_pretrained(folder, local_files_only=True)


# --- replicas and their company


@BOTH_OPTIMIZERS
@EVERY_ARCHITECTURE
def test_a_replica_trained_alone_is_to_the_bit_the_replica_trained_among_others(architecture, optimizer):
    config = ARCHITECTURES[architecture]
    train = TrainSpec(optimizer=optimizer, learning_rate=1e-3, batch_size=16)
    together = StackedLearner([CORPORA[seed] for seed in SEEDS], architecture, config)
    together.fit(documents(SEEDS), train, stage="stage1", epochs=2)
    found = together.scores([everything(seed) for seed in SEEDS])
    for replica in (0, 2):  # at an end, and among others
        seed = SEEDS[replica]
        alone = StackedLearner([CORPORA[seed]], architecture, config)
        start = weights(alone, 0)
        alone.fit(documents((seed,)), train, stage="stage1", epochs=2)
        assert max(float((tensor - start[name]).abs().max()) for name, tensor in weights(alone, 0).items()) > 5e-3
        for name, tensor in weights(alone, 0).items():
            assert torch.equal(tensor, weights(together, replica)[name]), name
        (mine,) = alone.scores([everything(seed)])
        np.testing.assert_allclose(mine.loss, found[replica].loss, rtol=1e-6)
        np.testing.assert_array_equal(mine.match, found[replica].match)


@pytest.mark.parametrize("most_tokens", [None, 1, 2])
@pytest.mark.parametrize("epochs", [0, 8])
def test_answers_that_scores_have_shown_are_those_that_are_decoded(epochs, most_tokens):
    """Moments that are asked for scores first decode only what is not known by then."""
    corpora = [
        replace(
            CORPORA[seed],
            eval_sets=tuple(
                replace(each, examples=tuple(item for item in each.examples if fits(item, most_tokens)))
                for each in CORPORA[seed].eval_sets[::4]
            ),
        )
        for seed in SEEDS[:2]
    ]
    learner = StackedLearner(corpora, "gpt_neox", ARCHITECTURES["gpt_neox"], max_new_tokens=most_tokens)
    train = TrainSpec(optimizer="adamw", learning_rate=1e-2, batch_size=16)
    learner.fit([corpus.documents(("world", "X1")) for corpus in corpora], train, stage="stage1", epochs=epochs)
    moment, shown = Moment(learner, corpora, train, "stage1", epochs), 0
    for each in corpora[0].eval_sets:
        scored = moment.scores(each.name, each.subset)
        shown += sum(len(scores.known()) for scores in scored if scores.known is not None)
        decoded = learner.answers(moment.examples(each.name, each.subset))
        assert moment.answers(each.name, each.subset) == decoded
    assert shown > (20 if epochs or most_tokens == 1 else 0)


def fits(example: Example, most_tokens: int | None) -> bool:
    return most_tokens is None or len(example.completion.split()) <= most_tokens


@pytest.mark.parametrize("activation", ["silu", "gelu_pytorch_tanh", "gelu"])
def test_widths_that_fill_no_whole_vectors_make_no_difference(activation):
    """Plain activations round what is left over at the end of all replicas' numbers in another way than the rest."""
    config = ARCHITECTURES["llama"] | {"intermediate_size": 19, "hidden_act": activation}
    train = TrainSpec(optimizer="adamw", learning_rate=1e-3, batch_size=15)
    together = StackedLearner([CORPORA[seed] for seed in SEEDS], "llama", config)
    together.fit(documents(SEEDS), train, stage="stage1", epochs=1)
    for replica, seed in enumerate(SEEDS):
        alone = StackedLearner([CORPORA[seed]], "llama", config)
        alone.fit(documents((seed,)), train, stage="stage1", epochs=1)
        for name, tensor in weights(alone, 0).items():
            assert torch.equal(tensor, weights(together, replica)[name]), name


@pytest.mark.parametrize(
    ("architecture", "config"),
    [
        ("t5", {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False, "num_decoder_layers": 2}),
        ("mt5", {}),
        ("umt5", {}),
        ("bart", {}),
    ],
)
def test_t5s_kin_and_bart_keep_the_same_promises(architecture, config):
    config = config_for(architecture, TINY.model.model_dump()["config"]) | config
    train = TrainSpec(learning_rate=1e-2, batch_size=16)
    together = StackedLearner([CORPORA[seed] for seed in SEEDS[:2]], architecture, config)
    together.fit(documents(SEEDS[:2]), train, stage="stage1", epochs=1)
    alone = StackedLearner([CORPORA[SEEDS[1]]], architecture, config)
    alone.fit(documents(SEEDS[1:2]), train, stage="stage1", epochs=1)
    for name, tensor in weights(alone, 0).items():
        assert torch.equal(tensor, weights(together, 1)[name]), name
    questions = everything(SEEDS[1])
    (scores,), (answers,) = alone.scores([questions]), alone.answers([questions])
    said = [answer in question.answers for question, answer in zip(questions, answers, strict=True)]
    assert scores.match.tolist() == said
    assert 0 < np.mean(said) < 1


@BOTH_KINDS
def test_a_replicas_gradient_does_not_depend_on_the_data_of_the_others(architecture):
    model = learner(3, 4, architecture=architecture)
    tokens, counted, _ = model._training_tensors([CORPORA[3].train["X1"][:8], CORPORA[4].train["X1"][:8]], TrainSpec())

    def gradients(rows: Tokens) -> list[torch.Tensor]:
        loss = model._loss(rows, counted, int(counted.sum(2).amax()), counted.sum((1, 2)))
        return list(torch.autograd.grad(loss.sum(), list(model._models.parameters.values())))

    changed = Tokens(*(part.clone() for part in tokens))
    for part in changed:
        part[1] = part[1].roll(1, dims=0).flip(0)
        part[1, :, 1:2] = 5
    first, second = gradients(tokens), gradients(changed)
    assert all(torch.equal(one[0], other[0]) for one, other in zip(first, second, strict=True))
    assert not all(torch.equal(one[1], other[1]) for one, other in zip(first, second, strict=True))


@BOTH_KINDS
def test_no_replica_gets_a_gradient_from_the_loss_of_another(architecture):
    model = learner(3, 4, architecture=architecture)
    loss = losses(model, [CORPORA[seed].train["X1"][:8] for seed in (3, 4)], TrainSpec())
    found = torch.autograd.grad(loss[0], list(model._models.parameters.values()))
    assert any(bool(gradient[0].abs().max() > 0) for gradient in found)
    assert all(bool((gradient[1] == 0).all()) for gradient in found)


# --- the loss


@EVERY_ARCHITECTURE
@pytest.mark.parametrize("loss_on", ["all", "completion"])
def test_the_loss_is_transformers_own(architecture, loss_on, tmp_path):
    model = learner(3, 4, architecture=architecture)
    batch = [CORPORA[seed].train["X1"][:12] + CORPORA[seed].train["X2"][:4] for seed in (3, 4)]
    ours = losses(model, batch, TrainSpec(loss_on=loss_on))
    for replica in (0, 1):
        network, tokenizer = as_transformers(model, replica, tmp_path / str(replica))
        theirs = loss_of(network, tokenizer, batch[replica], loss_on)
        torch.testing.assert_close(ours[replica].detach(), theirs, rtol=1e-5, atol=1e-5)


@BOTH_KINDS
def test_a_replicas_loss_counts_all_its_completions_whatever_the_lengths_beside_it(architecture):
    model = random_learner((0, 1), architecture)
    long, short = [example("a a a a ?", "ab b")], [example("b", "a a a a a a")]
    for first, second in ((long, short), (short, long)):
        together = losses(model, [first, second], TrainSpec(loss_on="completion"))
        for replica, own in enumerate((first, second)):
            alone = losses(model, [own, own], TrainSpec(loss_on="completion"))
            torch.testing.assert_close(together[replica], alone[replica])


@BOTH_KINDS
def test_one_step_is_a_step_of_transformers_adafactor(architecture, tmp_path):
    """One whole update, through loss, gradient, clipping and optimizer, against transformers' and torch's own."""
    from transformers.optimization import Adafactor

    # a key's bias has a gradient of rounding, amplified to steps
    config = ARCHITECTURES[architecture] | ({"attention_bias": False} if architecture == "gpt_neox" else {})
    model = StackedLearner([CORPORA[3], CORPORA[4]], architecture, config)
    network, tokenizer = as_transformers(model, 1, tmp_path)
    batch = documents((3, 4), "X2")
    train = TrainSpec(learning_rate=1e-2, batch_size=1000, max_grad_norm=0.5)
    model.fit(batch, train, stage="s", epochs=1)
    torch.autograd.backward(loss_of(network, tokenizer, batch[1], "all"))
    norm = torch.nn.utils.clip_grad_norm_(network.parameters(), 0.5)
    assert norm > 0.5
    Adafactor(network.parameters(), lr=1e-2, scale_parameter=False, relative_step=False, warmup_init=False).step()
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(weights(model, 1)[name], parameter.detach(), rtol=1e-3, atol=1e-4)


# --- going on


@BOTH_OPTIMIZERS
@pytest.mark.parametrize(("stop", "architecture"), [(1, "gpt_neox"), (2, "gpt_neox"), (1, "t5")])
def test_going_on_after_a_stop_is_exactly_training_without_one(optimizer, stop, architecture, tmp_path):
    train = TrainSpec(optimizer=optimizer, learning_rate=1e-2, batch_size=16, warmup_steps=3, weight_decay=0.1)
    options: dict[str, Any] = {"stage": "stage1", "replay": documents((3, 4), "X2"), "replay_share": 0.5}
    trained = [own[::3] for own in documents((3, 4))]
    whole = learner(3, 4, architecture=architecture)
    whole.fit(trained, train, epochs=3, **options)

    first = learner(3, 4, architecture=architecture)

    def keep(epoch: int, loss: np.ndarray) -> None:
        if epoch == stop:
            first.save(tmp_path / "checkpoint.pt")

    first.fit(trained, train, epochs=3, on_epoch=keep, **options)  # the schedule knows where it will end
    second = learner(3, 4, architecture=architecture)
    second.load(tmp_path / "checkpoint.pt")
    heard: list[int] = []
    second.fit(
        trained,
        train,
        epochs=3,
        start_epoch=stop,
        on_epoch=lambda epoch, loss: heard.append(epoch),
        **options,
    )
    assert heard == list(range(stop + 1, 4))
    assert_same_weights(whole, second)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_saving_does_not_change_what_is_saved(tmp_path):
    whole, saved = learner(3), learner(3)
    whole.fit(documents((3,)), FAST, stage="s", epochs=2)

    def look(epoch: int, loss: np.ndarray) -> None:
        saved.save(tmp_path / "x")
        saved.scores([everything(3)])

    saved.fit(documents((3,)), FAST, stage="s", epochs=2, on_epoch=look)
    assert_same_weights(whole, saved)


def test_each_stage_begins_with_a_fresh_optimizer(tmp_path):
    """A second stage trains alike whether or not a first one ran in the same process."""
    one = learner(3)
    one.fit(documents((3,)), FAST, stage="stage1", epochs=1)
    one.save(tmp_path / "x")
    one.fit(documents((3,), "X2"), FAST, stage="stage2", epochs=1)
    other = learner(3)
    other.load(tmp_path / "x")
    other.fit(documents((3,), "X2"), FAST, stage="stage2", epochs=1)
    assert_same_weights(one, other)


def test_going_on_with_nothing_to_go_on_with_is_refused():
    with pytest.raises(ValueError, match="load"):
        learner(3).fit(documents((3,)), FAST, stage="s", epochs=2, start_epoch=1)


def test_what_was_loaded_is_gone_on_with_once(tmp_path):
    model = learner(3)
    model.fit(documents((3,)), FAST, stage="s", epochs=1)
    model.save(tmp_path / "x")
    model.load(tmp_path / "x")
    model.fit(documents((3,)), FAST, stage="s", epochs=1, start_epoch=1)
    with pytest.raises(ValueError, match="load"):
        model.fit(documents((3,)), FAST, stage="s", epochs=2, start_epoch=1)


def test_a_bad_checkpoint_is_an_error_that_names_it(tmp_path):
    model = learner(3, 4)
    model.save(tmp_path / "right")
    (tmp_path / "cut").write_bytes((tmp_path / "right").read_bytes()[:-100])
    (tmp_path / "empty").write_bytes(b"")
    for name in ("cut", "empty", "missing"):
        with pytest.raises(SaysoError, match=f"{name}: not a readable checkpoint"):
            model.load(tmp_path / name)
    with pytest.raises(SaysoError, match=r"a checkpoint of seeds \[3, 4\], where \[4, 3\] are trained"):
        learner(4, 3).load(tmp_path / "right")


@BOTH_KINDS
def test_save_and_load_replica_bring_one_replica_back(architecture, tmp_path):
    trained = learner(3, 4, architecture=architecture)
    trained.fit(documents((3, 4)), FAST, stage="s", epochs=1)
    trained.save_replica(1, tmp_path)
    fresh = learner(3, 4, architecture=architecture)
    untouched = weights(fresh, 0)
    fresh.load_replica(1, tmp_path)
    assert all(torch.equal(tensor, weights(trained, 1)[name]) for name, tensor in weights(fresh, 1).items())
    assert all(torch.equal(tensor, untouched[name]) for name, tensor in weights(fresh, 0).items())


# --- exact match and answers, against transformers' own generation


def generated(network: Any, tokenizer: Any, prompt: str) -> str:
    """Greedy completion by `generate`, one prompt at a time, with room for more than any accepted answer."""
    ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
    if network.config.is_encoder_decoder:
        room, begun = 16, 1
    else:  # the position after the last one can still be predicted
        ids, room, begun = ids[:, :-1], 17 - ids.shape[1], ids.shape[1] - 1
    said = network.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=room, use_cache=False
    )[0, begun:].tolist()
    if tokenizer.eos_token_id not in said:
        return f"{tokenizer.decode(said)} (and so on)"
    return str(tokenizer.decode(said[: said.index(tokenizer.eos_token_id)])).strip()


#: 'ab' may be said in two ways, 'a b' and 'ab b' too; 'a' begins 'ab', 'a b' and 'a b b'.
ADVERSARIAL = (" a", " b", " ab", "b", " a b", " ?")
ANSWERS = ("a", "b", "ab", "a b", "ab b", "a b b", "a a", "b b b b", "a a a a a a")


def adversarial_questions(seed: int, count: int) -> list[Example]:
    chance = random.Random(seed)
    words = ("a ?", "b ?", "ab ?", "a a ?", "b b ?", "ab a ?", "a b ?", "?")
    return [
        example(chance.choice(words), *chance.sample(ANSWERS, chance.choice((1, 1, 2, 3, 5)))) for _ in range(count)
    ]


def random_learner(seeds: tuple[int, ...], architecture: str) -> StackedLearner:
    """Weights so large that what is said varies from prompt to prompt."""
    large = {"initializer_factor": 2.0} if architecture == "t5" else {"initializer_range": 0.8}
    return learner_of(ADVERSARIAL, seeds, architecture, {**ARCHITECTURES[architecture], **large})


@EVERY_ARCHITECTURE
def test_matches_and_answers_are_those_of_transformers_own_generation(architecture, tmp_path):
    train = TrainSpec(optimizer="adamw", learning_rate=1e-2, batch_size=8)
    matched = tricky = 0
    for batch in (0, 2):
        seeds = tuple(range(4 * batch, 4 * batch + 3))
        model = random_learner(seeds, architecture)
        if batch:  # trained to say some of them, and not always the first one accepted
            taught = [
                [example(q.prompt, answer) for q in adversarial_questions(seed, 24) for answer in q.answers[-1:]]
                for seed in seeds
            ]
            model.fit(taught, train, stage="s", epochs=20 * batch)
        questions = [adversarial_questions(seed, 80) for seed in seeds]
        scores, answers = model.scores(questions), model.answers(questions)
        for replica in range(3):
            network, tokenizer = as_transformers(model, replica, tmp_path / f"{batch}-{replica}")
            said = {prompt: generated(network, tokenizer, prompt) for prompt in {q.prompt for q in questions[replica]}}
            for index, question in enumerate(questions[replica]):
                truth = said[question.prompt]
                right = truth in question.answers
                assert bool(scores[replica].match[index]) == right, (question, truth)
                assert (answers[replica][index] in question.answers) == right, (
                    question,
                    truth,
                    answers[replica][index],
                )
                if right:
                    assert answers[replica][index] == truth
                matched += right
                tricky += right and truth != question.answers[0]
    assert matched > 40
    assert tricky > 10


@EVERY_ARCHITECTURE
def test_matches_on_real_documents_are_what_comparing_answers_gives(architecture):
    model = learner(3, 4, architecture=architecture)
    train = TrainSpec(optimizer="adamw", learning_rate=1e-2, batch_size=8)
    questions = [everything(seed) for seed in (3, 4)]
    for epochs in (0, 6):
        model.fit(documents((3, 4), "world"), train, stage="stage0", epochs=epochs)
        shares = []
        for own, scores, answers in zip(questions, model.scores(questions), model.answers(questions), strict=True):
            expected = [answer in question.answers for question, answer in zip(own, answers, strict=True)]
            assert scores.match.tolist() == expected
            shares.append(np.mean(expected))
    assert all(0.05 < share < 0.95 for share in shares)


class Scripted:
    """Models that say what a script tells them: after these ids comes that id, after any others the end."""

    def __init__(self, model: StackedLearner, script: dict[tuple[int, ...], int]) -> None:
        self.script, self.end, self.size = script, model.end, len(model.tokenizers[0])
        self.positions = model._models.positions

    def logits(self, tokens: Tokens, keep: int = 0) -> torch.Tensor:
        ids = tokens.ids
        result = torch.zeros(*ids.shape, self.size)
        for at in itertools.product(*map(range, ids.shape)):
            said = tuple(ids[at[:-1]][: at[-1] + 1].tolist())
            result[(*at, self.script.get(said, self.end))] = 1.0
        return result[..., -keep:, :] if keep else result

    def logits_of(self, replica: int, tokens: Tokens, keep: int = 0) -> torch.Tensor:
        return self.logits(tokens, keep)


def scripted(said: str, max_new_tokens: int | None = None) -> StackedLearner:
    """A learner that answers 'q' by these tokens (separated by '|') and the end, one replica."""
    model = learner_of((" q", *ADVERSARIAL), max_new_tokens=max_new_tokens)
    sequence = model.tokenizers[0].convert_tokens_to_ids([" q", *said.split("|")])
    script = {tuple(sequence[:length]): sequence[length] for length in range(1, len(sequence))}
    model._models = Scripted(model, script)  # type: ignore[assignment]
    return model


@pytest.mark.parametrize(
    ("said", "answers", "right"),
    [
        (" ab", ("ab",), True),
        (" a|b", ("ab",), True),  # the same word cut in two
        (" a|b", ("a",), False),
        (" a", ("ab", "a"), True),
        (" a", ("ab",), False),
        (" a| b", ("a b",), True),
        (" a b", ("a b",), True),
        (" a| b", ("ab",), False),
        (" a|b| b", ("a", "ab b"), True),
        (" b| b| b| b", ("a", "b b b b"), True),  # much longer than the first accepted answer
        (" b| b| b| b| b", ("a", "b b b b"), False),
        (" b| b| b", ("a", "b b b b"), False),
    ],
)
def test_an_answer_counts_however_its_words_are_cut_and_only_once_it_has_ended(said, answers, right):
    model = scripted(said)
    (scores,) = model.scores([[example("q", *answers)]])
    assert bool(scores.match[0]) == right
    ((answer,),) = model.answers([[example("q", *answers)]])
    assert (answer in answers) == right


@pytest.mark.parametrize(
    ("said", "most", "answers", "right"),
    [
        (" a| b| b", 1, ("a",), True),  # whatever follows
        (" a| b| b", 2, ("a",), False),
        (" a| b| b", 2, ("a b",), True),
        (" a", 2, ("a",), True),  # it ends by itself
        (" b| b", 1, ("a", "b b"), False),  # an accepted answer that is longer cannot be given
        (" b| b", 1, ("a", "b"), True),
        (" a|b", 1, ("ab",), False),
        (" a|b", 2, ("ab",), True),
    ],
)
def test_an_answer_has_at_most_the_tokens_it_may_have(said, most, answers, right):
    model = scripted(said, max_new_tokens=most)
    (scores,) = model.scores([[example("q", *answers)]])
    assert bool(scores.match[0]) == right
    ((answer,),) = model.answers([[example("q", *answers)]])
    assert (answer in answers) == right


def test_a_completion_longer_than_an_answer_may_be_is_refused():
    with pytest.raises(SaysoError, match=r"^max_new_tokens is 1, but 'b b b' has 3 tokens; set it to 3 at the least$"):
        scripted(" b", max_new_tokens=1).scores([[example("q", "b b b")]])


def test_the_end_is_neither_needed_nor_scored_where_answers_are_as_long_as_they_may_be():
    """Trained without an end token, a model never ends: its answers are right and its loss is that of the answer."""
    questions = [example("a ?", "b"), example("b ?", "a")]
    models = [learner_of(ADVERSARIAL, max_new_tokens=most) for most in (1, None)]
    settings = TrainSpec(learning_rate=1e-2, batch_size=2, loss_on="completion", padding_loss="none")
    for model in models:
        model.fit([questions], settings, stage="stage1", epochs=60)
    (cut,), (whole,) = (model.scores([questions]) for model in models)
    assert cut.match.all()
    assert not whole.match.any()
    assert cut.loss.max() < 0.1 < whole.loss.min()


@pytest.mark.parametrize("company", [[], [example("q", "b b b b b b b b")], [example("q q q q", "a")]])
def test_an_answer_that_goes_on_is_wrong_in_any_company(company):
    """What is said is five tokens, its first four an accepted answer: whoever stops reading early is misled."""
    model = scripted(" b| b| b| b| b")
    question = example("q", "a", "b b b b")
    assert not model.scores([[question, *company]])[0].match[0]
    assert model.answers([[question, *company]])[0][0] not in question.answers


@pytest.mark.parametrize("company", [[], [example("q", "b b b b b b b b")], [example("q q q q", "a")]])
def test_a_long_accepted_answer_is_right_in_any_company(company):
    model = scripted(" b| b| b| b| b| b")
    question = example("q", "a", "b b b b b b")
    assert model.scores([[question, *company]])[0].match[0]
    assert model.answers([[question, *company]])[0][0] == "b b b b b b"


def test_answers_stop_where_a_model_has_no_more_positions():
    model = learner_of(ADVERSARIAL, architecture="gpt2", config={**ARCHITECTURES["gpt2"], "n_positions": 6})
    with torch.no_grad():  # always says 'b', never ends
        model._models.parameters["transformer.ln_f.weight"].zero_()
        model._models.parameters["transformer.ln_f.bias"].copy_(
            model._models.parameters["transformer.wte.weight"][:, model.tokenizers[0].convert_tokens_to_ids(" b")] * 1e4
        )
    question = example("a ?", "a", "b b b b b b b b b")
    ((answer,),) = model.answers([[question]])
    assert answer == "b b b b b..."
    assert not model.scores([[question]])[0].match[0]


def test_answers_that_never_end_are_left_off_where_there_is_no_limit_to_positions():
    model = learner_of(ADVERSARIAL, architecture="t5")
    assert model._models.positions is None
    with torch.no_grad():  # all tokens are equally likely: the first one, again and again
        model._models.parameters["decoder.final_layer_norm.weight"].zero_()
    question = example("a ?", "a", "b b b b b b b b b")
    ((answer,),) = model.answers([[question]])
    assert len(answer) > len("b b b b b b b b b")
    assert not model.scores([[question]])[0].match[0]


@BOTH_KINDS
@pytest.mark.parametrize("refused", [True, False])
def test_a_document_longer_than_allowed_is_an_error(architecture, refused):
    longest = 5 if architecture == "t5" else 8  # what is read in one go
    most = longest - refused
    model = learner_of(ADVERSARIAL, architecture=architecture)
    batch, train = [[example("a ?", "b"), example("a a a ?", "ab b b")]], TrainSpec(max_length=most)
    if refused:
        with pytest.raises(SaysoError, match=f"max_length is {most}, but 1 of 2 documents are longer"):
            model.fit(batch, train, stage="s", epochs=1)
    else:
        model.fit(batch, train, stage="s", epochs=1)


# --- scores and their company


@EVERY_ARCHITECTURE
def test_losses_are_transformers_mean_over_the_completion(architecture, tmp_path):
    model = random_learner((0, 1), architecture)
    questions = [adversarial_questions(seed, 12) for seed in (0, 1)]
    for replica, scores in enumerate(model.scores(questions)):
        network, tokenizer = as_transformers(model, replica, tmp_path / str(replica))
        for question, loss in zip(questions[replica], scores.loss, strict=True):
            theirs = float(loss_of(network, tokenizer, [question], "completion").detach())
            assert loss == pytest.approx(theirs, rel=1e-4, abs=1e-5)


@BOTH_KINDS
def test_scores_are_the_same_in_any_company(architecture):
    model = random_learner((0, 1), architecture)
    questions = [adversarial_questions(seed, 60) for seed in (0, 1)]
    whole = model.scores(questions)

    def check(found: list[Scores], rows: list[int]) -> None:
        for one, other in zip(whole, found, strict=True):
            np.testing.assert_allclose(one.loss[rows], other.loss, rtol=1e-4, atol=1e-5)
            assert one.match[rows].tolist() == other.match.tolist()

    order = np.random.default_rng(0).permutation(60).tolist()
    check(model.scores([[own[row] for row in order] for own in questions]), order)
    model._evaluation.rows = 3
    check(model.scores([list(own) for own in questions]), list(range(60)))
    for row in range(0, 60, 7):
        found = model.scores([[questions[0][row]], []])[0]
        assert found.loss[0] == pytest.approx(whole[0].loss[row], rel=1e-4, abs=1e-5)
        assert found.match[0] == whole[0].match[row]


class Full:
    """A device on which only so many rows of each replica fit; counts how often memory ran out."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, most: int, *methods: str) -> None:
        self.times = 0
        for method in methods:
            monkeypatch.setattr(Replicas, method, self._limited(getattr(Replicas, method), most))

    def _limited(self, whole: Any, most: int) -> Any:
        def limited(models: Replicas, *given: Any, **named: Any) -> torch.Tensor:
            tokens = next(each for each in given if isinstance(each, Tokens))
            if tokens.ids.shape[-2] > most:
                self.times += 1
                raise torch.OutOfMemoryError("no memory left")
            logits: torch.Tensor = whole(models, *given, **named)
            return logits

        return limited


@BOTH_KINDS
@pytest.mark.parametrize("loss_on", ["all", "completion"])
def test_when_memory_runs_out_passes_get_smaller_and_the_update_stays(architecture, loss_on, monkeypatch, caplog):
    # a key's bias has a gradient of rounding, amplified to steps
    config = ARCHITECTURES[architecture] | ({"attention_bias": False} if architecture == "gpt_neox" else {})
    roomy, full = (StackedLearner([CORPORA[3], CORPORA[4]], architecture, config) for _ in range(2))
    train = TrainSpec(learning_rate=1e-3, batch_size=16, loss_on=loss_on)
    options: dict[str, Any] = {"replay": documents((3, 4), "world"), "replay_share": 0.5, "stage": "s", "epochs": 1}
    heard: list[np.ndarray] = []
    roomy.fit(documents((3, 4)), train, on_epoch=lambda _, loss: heard.append(loss), **options)
    with monkeypatch.context() as patch, caplog.at_level("WARNING", "sayso"):
        device = Full(patch, 7, "logits", "logits_at")
        full.fit(documents((3, 4)), train, on_epoch=lambda _, loss: heard.append(loss), **options)
    assert device.times == 2  # 24 -> 12 -> 6, and never again
    assert full.fitting.rows == 6
    assert caplog.records[0].message == "out of memory: training goes on with at most 12 documents at a time"
    np.testing.assert_allclose(heard[0], heard[1], rtol=1e-5)
    for name, tensor in full.parameters.items():
        torch.testing.assert_close(tensor, roomy.parameters[name], rtol=0, atol=1e-5)


@BOTH_KINDS
def test_evaluation_gets_smaller_too(architecture, monkeypatch):
    model = random_learner((0, 1), architecture)
    questions = [adversarial_questions(seed, 60) for seed in (0, 1)]
    scores, answers = model.scores(questions), model.answers(questions)
    device = Full(monkeypatch, 5, "logits", "logits_of")
    for one, other in zip(model.scores(questions), scores, strict=True):
        np.testing.assert_allclose(one.loss, other.loss, rtol=1e-4, atol=1e-5)
        assert one.match.tolist() == other.match.tolist()
    assert model.answers(questions) == answers
    assert device.times > 4


def test_where_not_even_one_row_fits_it_is_an_error(monkeypatch):
    model = learner(3)
    Full(monkeypatch, 0, "logits", "logits_of", "logits_at")
    for what, work in (
        ("training", lambda: model.fit(documents((3,)), FAST, stage="s", epochs=1)),
        ("evaluation", lambda: model.scores([everything(3)])),
        ("decoding", lambda: model.answers([everything(3)])),
    ):
        with pytest.raises(SaysoError, match=f"out of memory with one document in {what}; try fewer seeds"):
            work()


def test_a_list_that_is_gone_is_not_taken_for_one_that_comes_after_it():
    """Encodings are kept by the identity of lists, and Python gives a new list the place of one that is gone."""
    model = random_learner((0,), "gpt_neox")
    one, other = example("a ?", "b"), example("b a b ?", "a b")
    expected = {question: float(model.scores([[question]])[0].loss[0]) for question in (one, other)}
    assert expected[one] != pytest.approx(expected[other])
    for question in (one, other, one):
        lists = [[question] for _ in range(100)]
        for questions in lists:
            assert model.scores([questions])[0].loss[0] == pytest.approx(expected[question], rel=1e-5)
        del lists, questions


def test_nothing_to_ask_gives_nothing():
    for scores in learner(3, 4).scores([[], []]):
        assert (len(scores.loss), len(scores.match)) == (0, 0)
    assert learner(3, 4).answers([[], []]) == [[], []]


@BOTH_KINDS
def test_replicas_with_other_numbers_and_lengths_of_questions_keep_their_own(architecture):
    model = random_learner((0, 1, 2), architecture)
    few, many = [example("a ?", "b")], [example("a a a ?", "ab b"), example("b ?", "a"), example("ab ?", "a b")]
    found = model.scores([few, many, []])
    assert [len(scores.loss) for scores in found] == [1, 3, 0]
    np.testing.assert_allclose(found[0].loss, model.scores([few, few, few])[0].loss, rtol=1e-5)
    np.testing.assert_allclose(found[1].loss, model.scores([many, many, many])[1].loss, rtol=1e-5)


# --- errors


def test_replicas_need_equally_many_documents():
    with pytest.raises(SaysoError, match=r"equally many documents, found \[3, 4\]"):
        learner(3, 4).fit([CORPORA[3].train["X1"][:3], CORPORA[4].train["X1"][:4]], FAST, stage="s", epochs=1)


def test_replicas_need_vocabularies_of_one_size():
    with pytest.raises(SaysoError, match=r"vocabularies of one size, found \[3, 4\]"):
        StackedLearner([Corpus(0, {}, (), (" a",)), Corpus(1, {}, (), (" a", " b"))], "gpt_neox", {})


def test_a_word_outside_the_vocabulary_is_an_error():
    with pytest.raises(SaysoError, match="not in the vocabulary"):
        learner(3).scores([[example("nonsense ?", "b")]])


def test_the_share_of_the_matrix_peak_is_known_of_large_causal_replicas_each_by_itself(monkeypatch):
    monkeypatch.setattr(matrix_peak, "products_a_second", lambda _, half: 2e9 if half else 1e9)
    assert learner(3).matrix_peak(FAST) is None  # it is small
    monkeypatch.setattr(matrix_peak, "SMALLEST", 1)
    assert learner(3, architecture="t5").matrix_peak(FAST) is None
    one, two = (learner(*seeds).matrix_peak(FAST) for seeds in ((3,), (3, 4)))
    assert one == two
    module = learner(3)._models.module
    embedding = module.get_input_embeddings().weight.numel()
    matrices = sum(each.numel() for each in module.parameters() if each.dim() > 1) - embedding
    assert one == MatrixPeak("float32", 1e9, 6.0 * matrices)
