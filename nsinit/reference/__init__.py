"""What every key of nsinit.toml means: for the JSON Schema, the key reference and the man pages.

Owns the one description of each key; types and defaults come from `nsinit.model`. No part of init
or of a launcher imports it: only what prints documents does.
"""
