"""Limits by control groups: what the keys of `resources` come to, and the groups that have them."""
