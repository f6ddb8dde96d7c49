"""Every architecture of transformers that continues or answers texts, tried on tiny models from loading to answers.

Each is made from its configuration with small sizes (`benchmarks.family_configs`). Losses and gradient of the way it
is read are compared with plain calls of the whole model on each document alone; then it is trained a little, asked, and
its exact match compared with what transformers generates after each question; saved and read back; trained with
low-rank additions. `python -m benchmarks families` prints a line each and writes the table of `docs/models.md`.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.family_configs import PAD, START, left_out, make

TABLE = Path(__file__).parents[1] / "docs" / "models.md"
#: What is known of some beside what they say themselves.
KNOWN = {
    "youtu": "its loading sets the pad token's row of the embedding to 0, which is also one of the output layer",
}
#: How far loss and gradient may be off to be called the same, relative.
SAME = 1e-5
#: Questions each model is asked, and ways each is scored.
ASKED, WAYS = 10, 10


@dataclass
class Found:
    """What came of one architecture. `off`: how far loss and gradient are from plain ones, relative."""

    architecture: str
    kind: str = ""
    reader: str = ""
    off: tuple[float, float] = (0.0, 0.0)
    asked: int = 0
    right: int = 0
    differ: int = 0
    by_forward_pass: bool = False
    again: str = ""
    lora: str = ""
    note: str = ""
    seconds: float = 0.0

    @property
    def works(self) -> bool:
        """Whether it is read, trained and asked as transformers does by itself."""
        return bool(self.asked) and not self.differ and max(self.off) < SAME and self.again == "yes"


def survey(architecture: str) -> Found:
    """Try one architecture, and take the time."""
    begun = time.perf_counter()
    found = tried(architecture)
    found.seconds = time.perf_counter() - begun
    return found


def tried(architecture: str) -> Found:
    """Try one architecture; see above for what."""
    import torch
    import transformers

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.simplefilter("ignore")
    logging.getLogger("sayso").addHandler(logging.NullHandler())
    found = Found(architecture)
    try:
        if (reason := left_out(architecture)) is not None:
            found.reader, found.note = "not tried", reason
            return found
        model = make(architecture)
    except Exception as error:
        found.reader, found.note = "not tried", _line(error)
        return found
    found.kind = "seq2seq" if model.config.is_encoder_decoder else "causal"
    try:
        found.reader, *off, found.note = read(model)
        found.off = (off[0], off[1])
        if found.reader != "refused":
            with tempfile.TemporaryDirectory() as folder:
                end_to_end(model, Path(folder), found)
    except Exception as error:
        found.reader, found.note = "FAILED", _line(error)
    return found


def end_to_end(model: Any, folder: Path, found: Found) -> None:
    """Train, ask, save and read back a model from its folder, and train it with low-rank additions."""
    import numpy as np
    from tests.adversarial import by_forward_pass, disagreements, trained_learner
    from tests.tokenizer_kinds import byte_pairs, save_fast

    seq2seq = model.config.is_encoder_decoder
    special = ["<|endoftext|>", "<pad>", "<start>"]
    tokenizer = byte_pairs(special, f"$A {special[0]}" if seq2seq else None)
    save_fast(tokenizer, folder, eos_token=special[0], pad_token=special[1], additional_special_tokens=special[2:])
    model.save_pretrained(folder)
    learner, documents = trained_learner(str(folder), "first_line", 3, 24, 6)
    try:
        found.asked, found.right, differ = disagreements(learner, documents[:ASKED], WAYS)
    except Exception as error:
        differ, found.note = [error], f"{found.note}; generate fails: {_line(error)}".removeprefix("; ")
    if differ and not seq2seq:  # transformers gives some other positions in `generate` than their forward pass takes
        found.asked, found.right, differ = disagreements(learner, documents[:ASKED], WAYS, says=by_forward_pass)
        found.by_forward_pass = True
    found.differ = len(differ)
    (loss,) = learner.scores([documents])
    learner.save_replica(0, folder / "again")
    learner.model.get_input_embeddings().weight.data.zero_()
    learner.load_replica(0, folder / "again")
    (again,) = learner.scores([documents])
    found.again = "yes" if np.allclose(loss.loss, again.loss, rtol=1e-5) else "differs"
    found.lora = low_rank(str(folder), documents)


def low_rank(name: str, documents: list[Any]) -> str:
    """Which layers low-rank additions go to, or why to none."""
    from sayso.core.corpus import Corpus
    from sayso.core.errors import SaysoError
    from sayso.core.training import TrainSpec
    from sayso.learners.single.learner import build
    from sayso.learners.specs import HFModel, LoRA

    said = ""
    for layers in (None, "all-linear"):
        spec = HFModel(name=name, lora=LoRA(rank=2, target_modules=layers), max_new_tokens=6)
        try:
            learner = build([Corpus(1, {}, ())], spec)
            before = float(learner.scores([documents])[0].loss.mean())
            learner.fit([documents], TrainSpec(batch_size=8, learning_rate=1e-2), stage="s", epochs=1)
        except SaysoError as error:
            said = _line(error).replace(name, "m")
            continue
        after = float(learner.scores([documents])[0].loss.mean())
        if abs(after - before) > 1e-3:
            return "yes" if layers is None else "all-linear"
        said = f"loss {before:.3f} before, {after:.3f} after"
    return f"no: {said}"


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What is said on the way."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("sayso").addHandler(handler)
    try:
        yield said
    finally:
        logging.getLogger("sayso").removeHandler(handler)


def read(model: Any) -> tuple[str, float, float, str]:
    """How one model is read, how far its loss and gradient are off, and what was said about it."""
    import numpy as np
    import torch

    from sayso.core.errors import SaysoError
    from sayso.learners.encoding import Document
    from sayso.learners.single.proving import choose_reader
    from sayso.learners.single.reader import takes

    with _heard() as said:
        try:
            reader = choose_reader(model, "m", list(range(10, 370, 15)), PAD, torch.device("cpu"))
        except SaysoError as error:
            return "refused", 0.0, 0.0, str(error)
    draw = np.random.default_rng(0)
    start, none = model.config.is_encoder_decoder, np.array([], dtype=np.int64)
    begins = draw.integers(5, 380, size=12)
    documents = []
    for row in range(8):
        own = draw.integers(5, 380, size=4 + row % 3)
        if start:
            context, ids = draw.integers(5, 380, size=6 + row % 4), np.concatenate([[START], own])
            documents.append(Document(context, ids, 1, len(ids), 1))
        else:
            ids = np.concatenate([begins[: 12 - row % 2], own])
            documents.append(Document(none, ids, len(ids) - 3, len(ids), 1))
    reader.overhead = 4.0
    plan = reader.plan(documents, [len(item.ids) for item in documents], None, share=reader.shares)
    parameters = [each for each in model.parameters() if each.requires_grad]
    losses, gradients = [], []
    memory = {"use_cache": False} if "use_cache" in takes(model) else {}
    for way in ("ours", "plain"):
        if way == "ours":
            loss = sum((reader.loss(documents, parts) for parts in plan), torch.zeros(()))
        else:
            loss = torch.zeros(())
            for item in documents:
                read = torch.as_tensor(item.ids[None, :-1])
                given = {"input_ids": torch.as_tensor(item.context[None]), "decoder_input_ids": read}
                logits = model(**(given if start else {"input_ids": read}), **memory).logits[0]
                loss = loss + torch.nn.functional.cross_entropy(
                    logits.float(), torch.as_tensor(item.ids[1:]), reduction="sum"
                )
        found = torch.autograd.grad(loss, parameters, allow_unused=True)
        losses.append(float(loss))
        gradients.append(torch.cat([torch.zeros(0), *(each.flatten() for each in found if each is not None)]).double())
    off = float((gradients[0] - gradients[1]).norm() / gradients[1].norm())
    kept = {(True, True): "kept", (True, False): "kept, one length", (False, True): "anew", (False, False): "anew"}
    how = reader.name + (", shared" if reader.shares else "") + ", " + kept[reader.remembers, reader.places]
    return how, abs(losses[0] / losses[1] - 1), off, " ".join(said)


def all_of_them() -> list[str]:
    """Model types of transformers that are causal or sequence-to-sequence language models."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
    )

    return sorted({**MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, **MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES})


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def table(rows: list[Found]) -> str:
    """The table of `docs/models.md`."""
    import peft
    import torch
    import transformers

    tried = [row for row in rows if row.reader != "not tried"]
    refused = [row for row in tried if row.reader == "refused"]
    works = [row for row in tried if row.works]
    worst = [max((row.off[at] for row in works), default=0.0) for at in (0, 1)]
    asked = sum(row.asked for row in works)
    versions = f"transformers {transformers.__version__}, torch {torch.__version__}, peft {peft.__version__}"
    lines = [
        "# Families of models",
        "",
        f"Made by `python -m benchmarks families` with {versions}.",
        "",
        "Every model type that transformers knows as a causal or sequence-to-sequence language model, made small with",
        f"random weights: {len(works)} of {len(tried)} that were tried are read and trained as transformers does by",
        f"itself, {len(refused)} are refused in one line. For those that work, losses are within {worst[0]:.0e} and",
        f"gradients within {worst[1]:.0e} of plain calls of the whole model on each document alone, and exact match",
        f"equals what is said token by token in all of {asked:,} questions. (With real kinds of tokenizers:",
        "`python -m benchmarks exact-match`.)",
        "",
        "- **read**: `packed` puts documents into one row, `bucketed` those of about one length side by side; both",
        "  compute no padding and no logit without need, and `shared` beginnings of documents once. `plain` calls the",
        "  whole model as anybody would. Answers are decoded with keys and values `kept`, or only side by side where",
        "  of `one length`, or `anew` at each token.",
        "- **training**: losses and gradient are those of plain calls.",
        "- **answers**: exact match is that of `generate`; or of the model's own `forward pass`, token by token, where",
        "  `generate` gives it other positions than the forward pass takes (RoBERTa and its kin count from the number",
        "  of their padding token), so that it would say what was never trained, or where `generate` fails.",
        "- **LoRA**: `yes` with the layers peft chooses, `all-linear` where these must be asked for by",
        "  `--set model.lora.target_modules=all-linear`.",
        "",
        "| family | kind | read | training | answers | saved and read back | LoRA | note |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in tried:
        note = "; ".join(part for part in (_note(row.note), KNOWN.get(row.architecture)) if part)
        same = "same" if max(row.off) < SAME else f"off by {max(row.off):.0e}"
        said = "forward pass" if row.by_forward_pass else "same"
        said = said if not row.differ else f"{row.differ} of {row.asked} differ"
        cells = [same, said, row.again, row.lora] if row.asked else [""] * 4
        lines.append("| " + " | ".join([row.architecture, row.kind, row.reader, *cells, note]) + " |")
    lines += ["", "Not tried:", ""]
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row.reader == "not tried":
            reasons.setdefault(row.note, []).append(row.architecture)
    lines += [f"- {', '.join(names)}: {reason}." for reason, names in sorted(reasons.items())]
    return "\n".join(lines) + "\n"


def _note(said: str) -> str:
    """What was said, as a cell: without the model's name, and not long."""
    short = said.replace("model m: ", "").replace("model m ", "").replace("|", "\\|")
    return short if len(short) <= 160 else f"{short[:157]}..."


def main() -> None:
    """Print a line for each, and write the table."""
    context = multiprocessing.get_context("spawn")
    rows: list[Found] = []
    with context.Pool(os.cpu_count(), maxtasksperchild=20) as pool:
        for row in pool.imap_unordered(survey, all_of_them()):
            rows.append(row)
            asked = f"{row.asked - row.differ}/{row.asked}"
            off = f"{row.seconds:5.1f} s {row.off[0]:.0e} {row.off[1]:.0e}"
            print(
                f"{row.architecture:26} {row.reader:28} {off} {asked:8} {row.again:8} {row.lora[:40]:10} {row.note}",
                flush=True,
            )
    rows.sort(key=lambda row: row.architecture)
    TABLE.write_text(table(rows), encoding="utf-8")
    counts = Counter("works" if row.works else row.reader.split(",")[0] for row in rows)
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
