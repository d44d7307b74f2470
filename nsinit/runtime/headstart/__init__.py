"""The first services before the rest of init.

`nsinit compile FILE` writes down, in `FILE.plan`, which services the core starts at once, and how.
`nsinit run FILE` starts these with a handful of modules, and loads the rest of itself beside them:
reading and checking a configuration and importing what watches it takes several times longer than
a service needs to start. Then the core boots as ever, and finds what it starts there already.

A plan is a copy of what follows from a configuration, never a second truth: it holds every byte
that it was made from, and counts only as long as all of that is still so.

- `planfile`: what is in a plan, and whether it counts here and now.
- `begin`: starts its services.
- `foresee`: makes it, by asking the core.

The first two are what a boot waits for: they import nothing that takes long.
"""
