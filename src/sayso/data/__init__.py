"""From facts to documents. Never imports torch."""
