"""Faults in what is new, shared or joined: namespaces and their names."""

from __future__ import annotations

from typing import Final

from .fault import PLANNED, Fault

_COMBINATIONS: Final = "sandbox/test_combinations.py"
_IPC: Final = "sandbox/test_ipc.py"
_JOINS: Final = "sandbox/test_joins.py"
_MOUNT_NAMESPACE: Final = "sandbox/test_mount_namespace.py"
_REFUSED: Final = "sandbox/test_uts.py::test_name_is_refused_when_it_would_be_anothers"
_NAMESPACES: Final = "unit/sandbox/test_namespaces.py"
_INIT_HAS_NO_DESCRIPTOR: Final = (
    "sandbox/test_joins.py::test_init_has_no_descriptor_of_a_namespace_when_it_has_joined_some"
    "[rootful]"
)
_NAMESPACE_IS_REFUSED_WHEN: Final = (
    "sandbox/test_joins.py::test_namespace_is_refused_when_it_is_none_of_that_kind"
    '[rootful-uts = "/proc/self/ns/net"-/proc/self/ns/net: it is a net namespace-/proc/1/ns/uts]'
)
_CLOCKS_DIFFER_BY_THE: Final = (
    "sandbox/test_time.py::test_clocks_differ_by_the_offsets_when_they_are_set[rootful-shared]"
)

# fmt: off
FAULTS: Final = (
    # --- New ones ---------------------------------------------------------------------------------
    Fault("net-not-made", "kernel/libc.py",
        "CLONE_NEWNET: Final = 0x4000_0000", "CLONE_NEWNET: Final = 0",
        "the interfaces and ports of the host are open inside", (1,),
        ("sandbox/test_combinations.py::test_one_namespace_is_new_when_alone[rootful-net]",)),
    Fault("uts-not-made", "kernel/namespaces.py", '"uts": libc.CLONE_NEWUTS', '"uts": 0',
        "the host gets the name of the sandbox", (5, 6, 8),
        ("sandbox/test_uts.py::test_names_are_the_sandboxs_own_when_set[rootful]",)),
    Fault("pid-not-made", "kernel/namespaces.py", '"pid": libc.CLONE_NEWPID', '"pid": 0',
        "every process of the host can be signalled", (11, 12, 62),
        ("sandbox/test_pid.py::test_process_has_two_numbers_when_sandboxed[rootful]",)),
    Fault("mounts-not-made", "kernel/namespaces.py", '"mount": libc.CLONE_NEWNS', '"mount": 0',
        "what is mounted for the sandbox covers what the host has", (18, 19),
        (f"{_MOUNT_NAMESPACE}::test_mount_stays_inside_and_file_does_not_when_made_inside[rootful]",),
        PLANNED),
    Fault("cgroup-not-made", "isolation/fresh.py", "libc.unshare(libc.CLONE_NEWCGROUP)",
        "os.getpid()",
        "the groups of the host are seen, and their paths", (1,),
        ("sandbox/test_combinations.py::test_one_namespace_is_new_when_alone[rootful-cgroup]",)),
    Fault("ipc-left-out", "model/sandboxes.py", '("ipc", "uts", "pid", "mount"), Origin',
        '("uts", "pid", "mount"), Origin',
        "queues and memory of the host are open to everybody inside", (9, 10, 56),
        ("sandbox/test_ipc.py::test_queue_of_the_host_is_not_seen_when_sandboxed[rootful]",
         f"{_IPC}::test_same_key_is_another_object_when_the_namespace_is_another[rootful]",
         "sandbox/test_combinations.py::test_namespaces_are_shared_when_not_listed[rootful]")),
    Fault("net-made-unasked", "model/sandboxes.py", '("ipc", "uts", "pid", "mount"), Origin',
        '("ipc", "uts", "pid", "mount", "net"), Origin',
        "a kind that is not listed is not shared: services lose the network", (56,),
        ("sandbox/test_combinations.py::test_namespaces_are_shared_when_not_listed[rootful]",)),
    Fault("listed-is-ignored", "model/sandboxes.py",
        'made[kind] = origin(value) or Origin("shared")',
        'made.setdefault(kind, origin(value) or Origin("shared"))',
        "what the file says of a kind does not replace the default", (56, 59),
        ("unit/sandbox/test_namespaces.py::test_kinds_are_shared_when_not_listed",)),
    Fault("own-instead", "kernel/namespaces.py",
        'return f"/proc/{pid}/ns/', 'return f"/proc/self/ns/',
        "who names a process to join gets its own namespace, without a word", (4, 59),
        (f"{_NAMESPACES}::test_kinds_have_their_flags_and_files_when_asked",
         f"{_JOINS}::test_one_namespace_is_the_owners_when_joined_alone[rootful]")),
    Fault("user-not-first", "kernel/namespaces.py",
        '    "user": libc.CLONE_NEWUSER,  # first: the others can then be made with its power\n'
        '    "ipc": libc.CLONE_NEWIPC,\n',
        '    "ipc": libc.CLONE_NEWIPC,\n    "user": libc.CLONE_NEWUSER,\n',
        "others are made, and told, before the one that gives the power for them", (58,),
        ("unit/sandbox/test_namespaces.py::test_kinds_have_their_flags_and_files_when_asked",)),
    Fault("all-supported", "kernel/namespaces.py",
        'return os.path.exists(path_of(kind, "self"))', "return True",
        "a kernel without a kind is not told from one that has it", (57,),
        ("kernel/test_namespaces.py::test_kind_is_supported_when_the_kernel_has_its_file",)),
    Fault("missing-kind-made", "sandbox/plan.py",
        '    if missing:\n        raise SandboxError(f"cannot make the sandbox: this',
        '    if False:\n        raise SandboxError(f"cannot make the sandbox: this',
        "a sandbox is made without what the kernel does not have", (57,),
        ("unit/sandbox/test_plan.py::test_sandbox_is_refused_when_the_kernel_lacks_a_namespace",)),
    Fault("clone-copies", "kernel/libc.py", "flags=flags | CLONE_PIDFD,",
        "flags=(flags & ~CLONE_FS) | CLONE_PIDFD,",
        "what parent and child were to share is two things", (2,),
        ("kernel/test_namespaces.py::test_process_shares_what_the_flags_say_when_cloned",)),
    Fault("unshare-keeps-files", "kernel/libc.py", "_libc.unshare(flags)",
        "_libc.unshare(flags & ~CLONE_FILES)",
        "descriptors stay common with who was left", (3,),
        ("kernel/test_namespaces.py::test_files_and_directory_are_ones_own_again_when_unshared",)),
    Fault("loopback-down", "isolation/fresh.py", 'interfaces.bring_up("lo")', "os.getpid()",
        "nothing reaches 127.0.0.1 in a network of its own", (33,),
        (f"{_COMBINATIONS}::test_only_a_loopback_is_there_and_up_when_the_network_is_new[rootful]",)),
    Fault("clocks-not-set", "isolation/fresh.py",
        "namespaces.set_clocks(self._proc.fd, self._offsets)", "os.getpid()",
        "clocks are those of the host", (),
        (_CLOCKS_DIFFER_BY_THE,)),
    # --- Names ------------------------------------------------------------------------------------
    Fault("name-of-the-host", "model/checks_sandbox.py", 'if whose["uts"] != "new":',
        'if whose["uts"] == "joined":',
        "a name without a uts namespace is given to the host", (7,),
        (f"{_REFUSED}[rootful-shared-hostname]",)),
    Fault("name-unasked", "sandbox/plan.py",
        "    if sandbox.hostname is not None:\n        steps.append(basics.HostName(",
        '    if "uts" in kinds:\n        steps.append(basics.HostName("x" or ',
        "the name of the host is not seen where none was set", (7,),
        ("sandbox/test_uts.py::test_name_of_the_host_is_seen_when_none_is_set[rootful]",)),
    Fault("no-underscore", "model/checks_sandbox.py", "if name is not None and not 0 <",
        'if name is not None and "_" in name or name is not None and not 0 <',
        "a name that the kernel takes is refused", (6,),
        ("sandbox/test_uts.py::test_names_are_the_sandboxs_own_when_set[rootful]",)),
    Fault("domain-as-host", "isolation/basics.py", "libc.setdomainname(self.name)",
        "libc.sethostname(self.name)",
        "the domain name goes to the wrong place", (8,),
        ("sandbox/test_uts.py::test_names_are_the_sandboxs_own_when_set[rootful]",)),
    # --- Joined ones ------------------------------------------------------------------------------
    Fault("setns-any-kind", "kernel/libc.py", "_libc.setns(fd, kind)", "_libc.setns(fd, 0)",
        "a file of another kind of namespace is entered", (4,),
        ("kernel/test_namespaces.py::test_namespace_is_entered_when_its_file_is_open",)),
    Fault("join-any-kind", "isolation/joins.py", "if found != self.join.kind:",
        "if found is None:",
        "the wrong namespace is entered, or the error comes when half is done", (4,),
        (_NAMESPACE_IS_REFUSED_WHEN,)),
    Fault("join-not-tried-again", "isolation/joins.py", "for one in (*users, *refused):",
        "for one in users:",
        "a namespace that needs the power of the user namespace is silently left out", (4, 51),
        ("sandbox/test_joins.py::test_one_namespace_is_the_owners_when_joined_alone[rootless]",)),
    Fault("join-made-anew", "sandbox/plan.py",
        "kinds = tuple(kind for kind in used if not found[kind].joined)", "kinds = tuple(used)",
        "a namespace that was joined is left again for a new one", (4, 52, 60),
        (f"{_NAMESPACES}::test_clone_has_flags_of_new_namespaces_alone_when_others_are_joined",
         f"{_JOINS}::test_all_namespaces_are_the_owners_when_joined_together[rootful]")),
    Fault("join-keeps-groups", "isolation/joins.py",
        "            with suppress(OSError):  # root's own groups would stay where setgroups is "
        "denied\n                seam.setgroups([])",
        "            pass",
        "groups of the machine's root are kept in somebody else's user namespace", (4,),
        (f"{_JOINS}::test_root_is_who_the_owner_is_when_it_joins_his_user_namespace[rootless]",)),
    Fault("join-leaks", "isolation/joins.py",
        "        for one in self._opened:\n            one.undo()", "        pass",
        "init has descriptors of namespaces by which it, or who traces it, gets out", (55,),
        (_INIT_HAS_NO_DESCRIPTOR,)),
    Fault("join-threaded", "sandbox/launch.py",
        "    try:\n        proc.die_with_parent(signal.SIGKILL)\n        if os.getppid()",
        "    import threading; threading.Thread(target=signal.pause, daemon=True).start()\n"
        "    try:\n        proc.die_with_parent(signal.SIGKILL)\n        if os.getppid()",
        "with threads the kernel lets nobody enter the user namespace of others", (4, 55),
        (f"{_JOINS}::test_all_namespaces_are_the_owners_when_joined_together[rootless]",)),
    Fault("join-dead-pids", "isolation/joins.py", "            if self._pid:\n",
        "            if False:\n",
        "a dead pid namespace is found out when half of the sandbox is made", (54,),
        ("sandbox/test_joins.py::test_pid_namespace_is_refused_when_it_is_dead",)),
    Fault("join-other-proc", "isolation/joins.py", "        if not fits:", "        if False:",
        "the /proc inside shows the processes of somebody else", (15, 54),
        (f"{_JOINS}::test_proc_is_refused_when_it_shows_others_than_the_joined_mounts[rootful]",)),
    Fault("join-grandchild", "sandbox/launch.py",
        "plan.flags if exit_signal else plan.flags | libc.CLONE_PARENT", "plan.flags",
        "init is nobody's child whom the launcher could wait for", (54,),
        # Where a pid namespace is joined the launcher may still get it, as a subreaper.
        ("sandbox/test_time.py::test_clocks_differ_by_the_offsets_when_they_are_set[rootful-shared]",)),
    # --- Looked at and kept -----------------------------------------------------------------------
    Fault("all-the-same", "cli/ns.py", '"same": one == two', '"same": True',
        "namespaces that differ are told to be the same", (51,),
        ("cli/test_ns.py::test_processes_are_compared_when_two_are_named",)),
    Fault("pin-own", "sandbox/pins.py",
        'libc.mount(namespaces.path_of(kind, pid), path, "", _MS_BIND)',
        'libc.mount(namespaces.path_of(kind, "self"), path, "", _MS_BIND)',
        "another namespace than the named one is kept", (52, 53),
        ("cli/test_ns.py::test_namespace_lives_on_when_a_file_holds_it[uts---uts]",)),
    Fault("pin-stays", "sandbox/pins.py", "libc.umount2(path, 0)", "seam.stat(path)",
        "a namespace that was let go lives on", (52, 53),
        ("cli/test_ns.py::test_namespace_lives_on_when_a_file_holds_it[uts---uts]",)),
    Fault("pin-dead", "sandbox/pins.py", 'if found is None or found.state in "ZX":',
        "if found is None:",
        "a pid namespace is kept in which nobody can be any more", (54,),
        ("cli/test_ns.py::test_pid_namespace_is_not_kept_when_its_first_process_is_dead",)),
)
