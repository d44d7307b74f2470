"""Bundles of the OCI runtime specification, in the words of nsinit. Pure."""
