"""Records as tables, statistics, charts and one page to read. Never imports torch."""
