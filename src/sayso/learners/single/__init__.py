"""One big model of transformers."""
