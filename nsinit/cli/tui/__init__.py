"""`nsinit top`: a running init on the whole screen. A process of its own; needs the extra [tui]."""
