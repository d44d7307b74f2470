"""Faults in what services and init may do: capabilities, filters, sessions, keys, descriptors."""

from __future__ import annotations

from typing import Final

from .fault import Fault

_DOCKERS: Final = (
    "sandbox/test_capabilities.py::test_root_has_dockers_capabilities_when_nothing_is_said[rootful]"
)
_INIT: Final = (
    "sandbox/test_capabilities.py::test_init_keeps_only_what_it_needs_when_it_runs[rootful]"
)
_DANGEROUS: Final = (
    "sandbox/test_filters.py::"
    "test_dangerous_calls_are_refused_when_a_service_is_in_a_sandbox[rootful]"
)
_TWO_SIDES: Final = "unit/model/test_callfilter.py::test_arguments_decide_when_a_call_has_two_sides"
_LANDLOCK: Final = (
    "sandbox/test_filters.py::test_service_reaches_only_what_landlock_allows[sandbox]"
)
_REPLACED: Final = "sandbox/test_hardening.py::test_all_is_closed_again_when_init_was_replaced"
_CALLFILTER: Final = "unit/model/test_callfilter.py"
_CAPABILITIES: Final = "sandbox/test_capabilities.py"
_FILTERS: Final = "sandbox/test_filters.py"
_HARDENING: Final = "sandbox/test_hardening.py"
_IMPORTS: Final = "unit/isolation/test_imports.py"
_OWN_ROOT: Final = "sandbox/test_own_root.py"
_PASS_FDS: Final = "sandbox/test_pass_fds.py"
_SEALED: Final = "sandbox/test_sealed.py"
_INTERFACE_IS_SET_UP: Final = (
    "sandbox/test_capabilities.py::test_interface_is_set_up_only_with_net_admin"
    "[rootful-, 'NET_ADMIN'-done]"
)
_ROOT_HAS_WHAT_WAS: Final = (
    "sandbox/test_capabilities.py::test_root_has_what_was_added_and_not_what_was_dropped"
    "[rootful--cap_drop = ['CAP_CHOWN', 'net_raw']-expected1]"
)
_DEVICE_IS_NOT_MADE: Final = (
    "sandbox/test_hostile_root.py::test_device_is_not_made_when_root_tries[rootful-/]"
)

# fmt: off
FAULTS: Final = (
    # --- Capabilities -----------------------------------------------------------------------------
    Fault("devices-made", "model/security.py",
        '"SETPCAP", "NET_BIND_SERVICE",', '"SETPCAP", "MKNOD", "NET_BIND_SERVICE",',
        "root inside makes the device of the host's disk, and reads it", (47, 63),
        (_DEVICE_IS_NOT_MADE, _DOCKERS)),
    Fault("clock-set", "model/security.py",
        '"SETPCAP", "NET_BIND_SERVICE",', '"SETPCAP", "SYS_TIME", "NET_BIND_SERVICE",',
        "root inside sets the clock of the host", (47, 63),
        ("sandbox/test_capabilities.py::test_clock_of_the_host_is_not_set_from_inside[rootful]",
         _DOCKERS)),
    Fault("added-is-not-given", "model/security.py",
        "return caps | _numbers(add, caps), asked", "return caps, asked",
        "cap_add gives nothing", (47,),
        (_INTERFACE_IS_SET_UP,)),
    Fault("dropped-is-kept", "model/security.py",
        "caps, asked = _less(drop, caps), _less(drop, asked)", "pass",
        "cap_drop takes nothing away", (47,),
        (_ROOT_HAS_WHAT_WAS,)),
    Fault("bounding-kept", "isolation/service.py",
        "ids.append(steps.DropBounding(excess))", "pass",
        "a set-user-ID program gets what the service was denied", (47,), (_DOCKERS,)),
    Fault("inheritable-full", "isolation/capabilities.py",
        "creds.set_caps(kept, kept, self.ambient | self.inheritable)",
        "creds.set_caps(kept, kept, kept)",
        "a program with file capabilities gets more than its user has (CVE-2022-24769)", (47,),
        (_DOCKERS,)),
    Fault("init-keeps-all", "isolation/init.py", "creds.set_caps(kept, kept, 0)", "pass",
        "whoever gets into init has every power over what the sandbox can reach", (47,), (_INIT,)),
    Fault("init-bounding-kept", "isolation/init.py",
        "creds.drop_bounding(mine.bounding & ~self.mask)", "pass",
        "init gets all its powers back by an exec", (47,), (_INIT,)),
    Fault("new-privs", "model/security.py",
        "return sandbox is not None or keys.seccomp", "return keys.seccomp",
        "set-user-ID programs give more than the service was to have", (47,), (_DOCKERS,)),
    # --- Init is closed ---------------------------------------------------------------------------
    Fault("init-dumpable", "isolation/init.py", "    if as_root:\n", "    if False:\n",
        "who has as much power as init writes to its program on the host (CVE-2019-5736)", (),
        (f"{_REPLACED}[rootful-sys_ptrace]",)),
    Fault("init-traced", "isolation/service.py",
        "creds.set_dumpable(dumpable=False)  # init itself: its program is a file of the host",
        "pass",
        "a service with CAP_SYS_PTRACE reads and changes init (CVE-2019-5736)", (),
        (f"{_HARDENING}::test_init_is_closed_when_a_service_has_every_capability[rootful]",)),
    Fault("child-dumpable", "isolation/capabilities.py",
        "        creds.set_dumpable(dumpable=False)  # until its exec this is a copy of init\n", "",
        "others of the same user look into what is still a copy of init", (),
        ("unit/isolation/test_capabilities.py::test_copy_of_init_is_closed_when_its_capabilities_go",)),
    Fault("not-sealed", "cli/launching.py", "    if sandbox.sealed:\n", "    if False:\n",
        "init runs from a file of the host that can be written", (),
        (f"{_SEALED}::test_program_of_init_can_not_be_written_when_sealed[rootful-False]",)),
    Fault("seal-can-be-written", "kernel/memory.py",
        "fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE", "fcntl.F_SEAL_GROW",
        "the copy of the interpreter can be changed by who opens it", (),
        ("kernel/test_memory.py::test_bytes_are_there_when_a_file_is_sealed",)),
    Fault("imports-allowed", "isolation/imports.py",
        '        """See the module."""\n        forbid()', '        """See the module."""',
        "what the root has in the place of Python's modules is run by init (CVE-2019-14271)", (),
        (f"{_OWN_ROOT}::test_modules_of_the_root_are_not_run_when_it_has_those_of_nsinit[rootful]",)),
    Fault("old-code", "isolation/shelf.py", "        if stamp != (", "        if not stamp and (",
        "init runs what a module was before it was replaced", (),
        (f"{_IMPORTS}::test_module_is_made_of_its_source_when_its_byte_code_is_old",)),
    Fault("nothing-held", "isolation/imports.py",
        '        """See the module."""\n        hold()', '        """See the module."""',
        "init does not find its own modules in a root without Python", (),
        (f"{_OWN_ROOT}::test_modules_of_the_root_are_not_run_when_it_has_those_of_nsinit[rootful]",)),
    # --- What the launcher was given --------------------------------------------------------------
    Fault("descriptors-kept", "cli/launching.py", "    close_inherited(keep)\n", "",
        "init has directories of the host by which one gets out (CVE-2024-21626)", (),
        (f"{_HARDENING}::test_launcher_and_init_hold_nothing_when_they_were_given_descriptors[rootful]",)),
    Fault("descriptors-passed", "kernel/fds.py",
        "libc.close_range(3, 0xFFFF_FFFF, libc.CLOSE_RANGE_CLOEXEC)", "os.getpid()",
        "every service has the descriptors that one of them was given", (),
        (f"{_PASS_FDS}::test_service_has_the_descriptor_when_it_is_named[rootful-[sandbox]\\n]",)),
    Fault("directory-outside", "isolation/capabilities.py", "if not is_below_root():", "if False:",
        "a service begins in a directory of the host, and goes on from there (CVE-2024-21626)", (),
        (f"{_OWN_ROOT}::test_service_is_refused_when_its_directory_is_one_of_the_host[rootful]",)),
    Fault("old-keyring", "isolation/init.py", "creds.join_new_keyring()", "pass",
        "the keys of who started the sandbox are used inside", (),
        ("sandbox/test_hardening.py::test_keys_of_the_launcher_are_not_found_inside[rootful]",)),
    Fault("old-session", "sandbox/launch.py", "            os.setsid()\n", "            pass\n",
        "init has the terminal of who started it, and ends with a ^C there", (),
        ("sandbox/test_hardening.py::test_init_has_a_session_of_its_own_when_it_runs[rootful]",)),
    # --- System calls -----------------------------------------------------------------------------
    Fault("no-filter", "model/security.py", "calls or sandbox.seccomp or BY_DEFAULT",
        "calls or sandbox.seccomp",
        "all of the kernel is in reach", (63,), (_DANGEROUS,)),
    Fault("clock-call", "model/defaultcalls.py",
        '"stime", "clock_settime", "clock_settime64"', '"stime", "clock_settime64"',
        "whoever has got CAP_SYS_TIME sets the clock of the host", (63,),
        (f"{_FILTERS}::test_clock_of_the_host_is_out_of_reach_when_a_service_would_set_it[rootful-default-EPERM]",)),
    Fault("clone3-allowed", "model/defaultcalls.py",
        '        entries.append(Entry(frozenset({"clone3"}), UNKNOWN))\n', "",
        "namespaces are made by the call whose flags no filter sees", (63,), (_DANGEROUS,)),
    Fault("user-namespaces-allowed", "model/defaultcalls.py",
        "0x0800_0000, 0x1000_0000, 0x2000_0000", "0x0800_0000, 0x2000_0000",
        "anybody inside gets every capability over parts of the kernel that open often", (63,),
        (_DANGEROUS, _TWO_SIDES)),
    Fault("typing-allowed", "model/defaultcalls.py", "(0x5412, 0x541C)", "(0x541C,)",
        "a program types into the terminal of who started it", (63,), (_DANGEROUS, _TWO_SIDES)),
    Fault("upper-half", "model/defaultcalls.py",
        '((index, "MASKED_EQ", _32_BITS, value),)', '((index, "EQ", value, 0),)',
        "bits that the kernel does not look at lead around the filter", (), (_TWO_SIDES,)),
    Fault("new-calls-allowed", "model/defaultcalls.py",
        'CallFilter(tuple(entries), ALLOWED, arches, "table")',
        "CallFilter(tuple(entries), ALLOWED, arches)",
        "calls that nobody has looked at pass", (),
        (f"{_CALLFILTER}::test_unknown_calls_are_unknown_when_the_profile_is_the_default",)),
    Fault("mount-calls-allowed", "model/defaultcalls.py",
        '"@mount", "@namespace", "@accounting"', '"@namespace", "@accounting"',
        "the mount calls are in reach where something else has given the capability", (),
        (f"{_CALLFILTER}::test_call_is_refused_when_it_reaches_for_the_machine",)),
    Fault("other-machine", "model/defaultcalls.py",
        'arches = ("x86_64", "i386") if', 'arches = ("x86_64",) if',
        "programs of 32 bits are killed instead of being under the same rules", (),
        (f"{_CALLFILTER}::test_unknown_calls_are_unknown_when_the_profile_is_the_default",)),
    Fault("filter-too-late", "isolation/service.py", "last if no_new_privs else ids, tell",
        "last, tell",
        "without no_new_privs there is no power left to load the filter", (),
        (f"{_FILTERS}::test_filter_is_on_when_new_privileges_are_allowed[rootful]",)),
    # --- Landlock ---------------------------------------------------------------------------------
    Fault("rules-not-in-force", "isolation/reach.py",
        "        landlock.restrict_self(self.rules.fd)\n", "",
        "a service reaches every file and port", (), (_LANDLOCK,)),
    Fault("reading-allowed", "isolation/reach.py",
        "_READ: Final = landlock.READ_FILE | landlock.READ_DIR", "_READ: Final = landlock.READ_DIR",
        "a service reads every file", (), (_LANDLOCK,)),
    Fault("ports-allowed", "isolation/reach.py", "net |= bit if ports is not None else 0",
        "net |= 0",
        "a service serves on every port", (), (_LANDLOCK,)),
    Fault("signals-allowed", "isolation/reach.py",
        "return fs, net, sum(_SCOPES[word] for word in set(asked.scope or []))",
        "return fs, net, 0",
        "a service signals the others", (), (_LANDLOCK,)),
)
