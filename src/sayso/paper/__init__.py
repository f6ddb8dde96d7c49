"""The paper as one table: its experiments with their pocket twins, its claims, its figures."""
