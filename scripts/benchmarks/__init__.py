"""Benchmarks of nsinit and its peers: one file per measurement, one per peer.

    command     the command line: chooses, runs the rounds in turn, prints
    stage       where it happens: the compiled programs, and one `Life` of one init after another
    rounds      one trial, again and again, every peer in turn
    records     what the programs write down, and waiting for it
    figures     medians, ratios, the table, JSON
    measure_*   what is measured: a `Trial` each, which finds the figures of one `Measure` or more
    size        memory, as several of them need it
    threads     time on processors and switches, likewise
    peer_*      who is measured: a `Peer` each
    floor       the programs of `peer_floor`: what nothing can be faster than

A new peer or measurement is a new file and one line in `command`. Knows nothing of nsinit but its
command line, as of any peer.
"""
