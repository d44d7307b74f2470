"""Thin wrappers over system calls: they name their errors and know no policy."""
