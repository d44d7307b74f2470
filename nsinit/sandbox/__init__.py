"""Sandboxes: namespaces made by a launcher on the host, and an init in them."""
