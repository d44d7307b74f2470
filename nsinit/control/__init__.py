"""The control socket: one table of commands, HTTP/1.1 around it, and who may do what."""
