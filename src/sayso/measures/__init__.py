"""Numbers read off a learner. Evaluation and mechanism analysis are one thing: a learner goes in, scores come out."""
