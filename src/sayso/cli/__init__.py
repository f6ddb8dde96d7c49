"""The command line: what its words mean, what it shows, how it ends."""
