"""nsinit: a mini-init, process supervisor and sandbox launcher for Linux.

This file is imported by every command, so it imports nothing.
"""

__version__ = "0.1.0"
