"""Feeds what nsinit reads from others with whatever it could be sent, a million times over.

`targets` says what is fed and what counts as an answer, `mutation` makes inputs, `rounds` runs
them in a process of its own each, `live` does the same to the sockets of a real init.
"""
