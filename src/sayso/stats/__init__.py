"""What records say, and how sure that is: comparisons, corrections, verdicts. No files, no pictures."""
