"""Benchmarks of nsinit and its peers: one file per measurement, one per peer.

    command     the command line: chooses, prints
    catalogue   who is measured, and what
    rounds      one trial, again and again, every peer in turn
    stage       where it happens: the compiled programs, and one `Life` of one init after another
    records     what the programs write down, and waiting for it
    figures     medians, ratios
    goals       what is wanted of the figures, and whether they are so
    result      all of it as a file, and back
    curves      what each service more costs
    report      the tables that are printed
    plot, svg   pictures
    readme      those of the pages, and whether they are stale
    measure_*   what is measured: a `Trial` each, which finds the figures of one `Measure` or more
    lines       log lines that are lost
    talk        requests on a control socket
    size        memory, as several of them need it
    threads     time on processors and switches, likewise
    peer_*      who is measured: a `Peer` each
    floor       the programs of `peer_floor`: what nothing can be faster than

A new peer or measurement is a new file and one line in `catalogue`. Knows nothing of nsinit but its
command line, as of any peer.
"""
