"""Chaos: seeded programs that drive a real nsinit, and checks from outside."""
