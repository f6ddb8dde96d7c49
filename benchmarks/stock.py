"""Stock parts put together as the paper's authors did: padded documents, transformers' Trainer and its pipelines."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler
from transformers import PrinterCallback, Trainer, TrainingArguments, pipeline

from sayso.core.answers import answer_in, is_match
from sayso.core.examples import Example
from sayso.core.rng import stream
from sayso.core.training import TrainSpec


class PaddedDocuments(Dataset[dict[str, list[int]]]):
    """Documents padded to one length; what of the padding counts in the loss is up to `padding_loss`."""

    def __init__(self, examples: Sequence[Example], tokenizer: Any, train: TrainSpec, label_length: int | None) -> None:
        assert train.max_length is not None
        full: dict[str, Any] = {"padding": "max_length", "truncation": True}
        if label_length is None:
            self.rows = tokenizer([item.text for item in examples], max_length=train.max_length, **full)
            labels = [list(ids) for ids in self.rows["input_ids"]]
            masks = self.rows["attention_mask"]
        else:
            self.rows = tokenizer([item.prompt for item in examples], max_length=train.max_length, **full)
            targets = tokenizer([item.completion for item in examples], max_length=label_length, **full)
            labels, masks = targets["input_ids"], targets["attention_mask"]
        if train.padding_loss != "all":
            more = train.padding_loss == "first_eos" and label_length is None
            counted = [sum(mask) + more for mask in masks]
            labels = [ids[:size] + [-100] * (len(ids) - size) for ids, size in zip(labels, counted, strict=True)]
        self.labels = labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, row: int) -> dict[str, list[int]]:
        given = {name: self.rows[name][row] for name in ("input_ids", "attention_mask")}
        return {**given, "labels": self.labels[row]}


class OurOrder(Sampler[int]):
    """The order of documents that a seed has in a stage, epoch by epoch."""

    def __init__(self, seed: int, stage: str, documents: int) -> None:
        self.seed, self.stage, self.documents, self.epoch = seed, stage, documents, 0

    def __iter__(self) -> Iterator[int]:
        order = stream(self.seed, "order", self.stage, self.epoch).permutation(self.documents)
        self.epoch += 1
        return iter(order.tolist())

    def __len__(self) -> int:
        return self.documents


class OrderedTrainer(Trainer):  # type: ignore[misc]
    """The stock Trainer with a given order of documents."""

    order: OurOrder

    def _get_train_sampler(self, *_: Any, **__: Any) -> OurOrder:
        return self.order


@dataclass(frozen=True)
class Stock:
    """What a run of the stock Trainer gave: losses and learning rates step by step, and the trainer itself."""

    losses: list[float]
    learning_rates: list[float]
    trainer: Any


def stock_training(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    train: TrainSpec,
    *,
    seed: int,
    stage: str,
    epochs: int,
    label_length: int | None = None,
) -> Stock:
    """Train with the stock Trainer and its defaults but for what `train` sets."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            optim="adafactor",
            learning_rate=train.learning_rate,
            per_device_train_batch_size=train.batch_size,
            num_train_epochs=epochs,
            max_grad_norm=train.max_grad_norm,
            weight_decay=train.weight_decay,
            warmup_steps=train.warmup_steps,
            bf16=train.precision == "bfloat16",
            logging_steps=1,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=next(model.parameters()).device.type == "cpu",
            dataloader_pin_memory=False,
            seed=seed,
        )
        data = PaddedDocuments(examples, tokenizer, train, label_length)
        trainer = OrderedTrainer(model=model, args=arguments, train_dataset=data, data_collator=_stack)
        trainer.order = OurOrder(seed, stage, len(examples))
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        steps = [entry for entry in trainer.state.log_history if "loss" in entry]
    return Stock([float(step["loss"]) for step in steps], [float(step["learning_rate"]) for step in steps], trainer)


def _stack(rows: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
    return {name: torch.tensor([row[name] for row in rows]) for name in rows[0]}


@torch.no_grad()
def stock_losses(model: Any, tokenizer: Any, examples: Sequence[Example], length: int, rows: int) -> list[float]:
    """Mean loss of each batch of documents padded to a length, all of it counted: the Trainer's evaluation pass."""
    train = TrainSpec(padding_loss="all", max_length=length)
    data = PaddedDocuments(examples, tokenizer, train, None)
    losses = []
    for low in range(0, len(data), rows):
        batch = _stack([data[row] for row in range(low, min(low + rows, len(data)))])
        losses.append(float(model(**batch).loss))
    return losses


def stock_answers(model: Any, tokenizer: Any, examples: Sequence[Example], new_tokens: int, rows: int) -> list[str]:
    """Greedy continuations by the ``text-generation`` pipeline, padded on the left."""
    side, tokenizer.padding_side = tokenizer.padding_side, "left"
    try:
        generate = pipeline("text-generation", model=model, tokenizer=tokenizer, device=model.device)
        said = generate(
            [item.prompt for item in examples],
            max_new_tokens=new_tokens,
            do_sample=False,
            return_full_text=False,
            clean_up_tokenization_spaces=False,
            pad_token_id=tokenizer.pad_token_id,
            batch_size=rows,
        )
    finally:
        tokenizer.padding_side = side
    return [one[0]["generated_text"] for one in said]


def stock_matches(said: Sequence[str], examples: Sequence[Example]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether the first line of each continuation is an accepted answer."""
    pairs = zip(said, examples, strict=True)
    return np.array([is_match(answer_in(text, "first_line"), item.answers) for text, item in pairs])
