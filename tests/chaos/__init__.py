"""A real init in trouble: whatever fails, and in whatever order things happen."""
