"""The nouns: specs of experiments, the documents they make, and the records they leave. Never imports torch."""
