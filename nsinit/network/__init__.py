"""The host's side of a sandbox's network: by a process of its own, which ends when it stands."""
