"""Deliberate faults in what makes sandboxes; the tests of sandboxes have to notice each."""
