"""Configurations of other tools as nsinit.toml; of init itself nothing imports this."""
