"""The shape of every answer of the control socket: the one place that declares them.

The OpenAPI document, the types of the Python clients and the tests of real answers are made from
these. A key may be added, none renamed or taken away. Nothing here is loaded by an init that nobody
asks for the document, nor by `nsinit ctl`.
"""
