"""How jobs are run: one job from start to finish, and where jobs run."""
