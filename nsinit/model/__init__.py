"""The configuration: TOML to frozen structs. Pure; only `load.read_file` opens a file."""
