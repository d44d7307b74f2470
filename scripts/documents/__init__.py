"""What `scripts/gen-docs` makes: documents that are kept beside the program they are made from.

Nothing in them depends on the day, the version or the machine, so that they change with what they
tell of and with nothing else.
"""
