"""Where the time of a training step goes: share of each kind of operation, one seed and eight side by side."""

from __future__ import annotations

import time

KINDS = {
    "matrix products": ("mm", "addmm", "bmm", "baddbmm", "matmul", "linear"),
    "loss (softmax over the vocabulary)": ("_log_softmax", "_log_softmax_backward_data", "nll_loss", "nll_loss2d"),
    "layer norms": ("native_layer_norm", "native_layer_norm_backward"),
    "attention (softmax)": ("_softmax", "_softmax_backward_data"),
    "activation": ("gelu", "gelu_backward"),
    "embedding": ("embedding", "embedding_dense_backward", "index", "index_select", "index_put_", "gather"),
    "copies and fills": ("copy_", "fill_", "cat", "clone", "zero_", "contiguous", "_to_copy"),
}


def main() -> None:
    """Print milliseconds a step and seed, and the share of each kind of operation in it."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    from sayso.data.build import build_corpus
    from sayso.paper.pocket_settings import POCKET

    torch.set_num_threads(1)
    for count in (1, 8):
        corpora = [build_corpus(POCKET, seed) for seed in range(count)]
        learner = POCKET.model.build(corpora)
        documents = [corpus.documents(("X1",)) for corpus in corpora]
        steps = -(-len(documents[0]) // POCKET.train.batch_size)
        learner.fit(documents, POCKET.train, stage="warm", epochs=1)
        start = time.perf_counter()
        learner.fit(documents, POCKET.train, stage="timed", epochs=2)
        per_step = (time.perf_counter() - start) / (2 * steps * count)
        with profile(activities=[ProfilerActivity.CPU]) as profiled:
            learner.fit(documents, POCKET.train, stage="profiled", epochs=1)
        own = {event.key.removeprefix("aten::"): event.self_cpu_time_total for event in profiled.key_averages()}
        total = sum(own.values())
        print(f"{count} side by side: {1e3 * per_step:.1f} ms a step and seed (batch {POCKET.train.batch_size})")
        left = total
        for kind, names in KINDS.items():
            spent = sum(own.get(name, 0.0) for name in names)
            left -= spent
            print(f"  {100 * spent / total:5.1f}%  {kind}")
        print(f"  {100 * left / total:5.1f}%  everything else (elementwise, optimizer, calls)")
