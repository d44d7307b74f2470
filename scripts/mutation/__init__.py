"""Seeded mistakes in nsinit/core, and whether its tests notice them."""
