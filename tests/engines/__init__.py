"""nsinit inside a real Docker engine."""
