"""Images as Docker and the OCI write them: read, unpacked into layers, and kept in a store.

Runs outside of sandboxes only, and is imported only when an image is used. What is in an image may
be anybody's: nothing of it is trusted, neither its sizes nor its names nor its links.
"""
