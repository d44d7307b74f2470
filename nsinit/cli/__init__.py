"""The command line: one file per verb. Knows no internals of init."""
