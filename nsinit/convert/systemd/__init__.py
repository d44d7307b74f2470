"""Systemd's units as services: what `nsinit convert --from systemd` reads."""
