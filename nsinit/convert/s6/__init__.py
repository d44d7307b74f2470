"""Service directories of s6, s6-rc, s6-overlay and runit: `nsinit convert --from s6`."""
