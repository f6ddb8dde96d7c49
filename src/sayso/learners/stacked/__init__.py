"""Many small language models of transformers, side by side."""
