"""Faults in what is seen: propagation, /proc, the root, what is mounted in it, what is hidden."""

from __future__ import annotations

from typing import Final

from .fault import PLANNED, Fault

_HOSTILE: Final = (
    "sandbox/test_hostile_root.py::"
    "test_sandbox_is_refused_when_links_of_the_root_are_in_the_way"
)  # fmt: skip
_PROPAGATION: Final = (
    "sandbox/test_root.py::test_propagation_is_as_asked_when_the_hosts_mounts_are_shared"
)
_UNREACHED: Final = (
    "sandbox/test_root.py::test_host_is_out_of_reach_when_the_root_was_changed[rootful]"
)
_UPPER: Final = (
    "sandbox/test_overlay.py::test_upper_layer_has_the_changes_when_the_sandbox_has_ended[rootful]"
)
_DEVICES: Final = "sandbox/test_devices.py"
_HOSTILE_ROOT: Final = "sandbox/test_hostile_root.py"
_MOUNTS: Final = "sandbox/test_mounts.py"
_OVERLAY: Final = "sandbox/test_overlay.py"
_PID: Final = "sandbox/test_pid.py"
_ROOT: Final = "sandbox/test_root.py"
_LAYERS_STAY_AS_THEY: Final = (
    "sandbox/test_overlay.py::test_layers_stay_as_they_are_when_nothing_is_to_be_kept[rootful-]"
)
_SANDBOX_IS_REFUSED_WHEN: Final = (
    "sandbox/test_overlay.py::test_sandbox_is_refused_when_there_are_files_in_the_work_directory"
    "[rootful-]"
)
_KEPT: Final = (
    "sandbox/test_hostile_root.py::"
    "test_device_of_the_machine_stays_as_it_is_when_root_changes_its_mode"
    '[rootful-users = {map = "keep"}]'
)

# fmt: off
FAULTS: Final = (
    # --- Propagation ------------------------------------------------------------------------------
    Fault("mounts-not-private", "isolation/basics.py",
        'libc.mount("", "/", "", libc.MS_REC | libc.MS_PRIVATE)', "creds.last_cap()",
        "the /proc of the sandbox covers that of a host whose mounts are shared", (17,),
        (f"{_PID}::test_proc_of_the_host_is_as_before_when_the_sandbox_has_ended[rootful]",),
        PLANNED),
    Fault("root-not-private", "isolation/rootfs.py",
        "steps: list[Step] = [Propagation(first)]", "steps: list[Step] = []",
        "all that is mounted for a root shows on a host whose mounts are shared", (17, 18, 20),
        ("sandbox/test_root.py::test_mounts_are_the_sandboxes_when_it_runs[rootful]",
         f"{_PROPAGATION}[private]")),
    Fault("slave-as-private", "isolation/rootfs.py",
        'first = "private" if root.propagation == "private" else "slave"', 'first = "private"',
        "what the host mounts later is not seen though that was asked for", (20,),
        (f"{_PROPAGATION}[slave]",)),
    Fault("slave-as-shared", "isolation/rootfs.py",
        'first = "private" if root.propagation == "private" else "slave"',
        'first = "private" if root.propagation == "private" else "shared"',
        "what is mounted inside shows on the host", (17, 20),
        (f"{_PROPAGATION}[slave]",)),
    Fault("shared-as-slave", "isolation/rootfs.py",
        '    if root.propagation == "shared":\n        steps.append(Propagation("shared"))\n',
        "",
        "namespaces within the sandbox do not see each other's mounts", (20,),
        (f"{_PROPAGATION}[shared]",)),
    Fault("bindable", "isolation/mounting.py", '"unbindable": mounts.UNBINDABLE',
        '"unbindable": mounts.PRIVATE',
        "what was not to be bound again can be", (20,),
        ("sandbox/test_mounts.py::test_mounts_are_tagged_when_their_propagation_is_named[rootful]",)),
    # --- /proc ------------------------------------------------------------------------------------
    Fault("old-proc-allowed", "model/checks_sandbox.py",
        'if whose["mount"] != "new" and whose["pid"] == "new":', "if False:",
        "the processes of the host are seen, under pids that mean others inside", (14,),
        ("sandbox/test_pid.py::test_old_proc_is_refused_when_the_pid_namespace_is_new[rootful]",)),
    Fault("old-proc-kept", "isolation/basics.py",
        'libc.mount("proc", "/proc", "proc", libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC)',
        "creds.last_cap()",
        "the processes of the host are seen, under pids that mean others inside", (12, 15, 16),
        ("sandbox/test_pid.py::test_only_the_sandbox_is_seen_when_proc_is_read[rootful]",)),
    Fault("old-proc-bound", "isolation/rootfs.py",
        'found.append(Mount(type="proc", target="/proc", options=_SAFE))',
        'found.append(Mount(type="bind", source="/proc", target="/proc", options=_SAFE))',
        "the processes of the host are seen in a root of its own", (12, 14, 15, 16),
        ("sandbox/test_root.py::test_own_processes_are_seen_when_proc_is_new[rootful]",)),
    Fault("masked-proc-not-told", "isolation/mounting.py",
        'if number == errno.EPERM and kind in ("proc", "sysfs"):', "if False:",
        "in a container nobody learns why there is no /proc", (15,),
        ("sandbox/test_root.py::test_reason_is_told_when_proc_is_masked_already",)),
    # --- The change of root -----------------------------------------------------------------------
    Fault("chroot-only", "isolation/root.py",
        "            mounts.pivot_root_here()\n"
        "            os.fchdir(self._stage.store)\n"
        "            libc.umount2(\n"
        '                ".", libc.MNT_DETACH\n'
        "            )  # it lies over the old root, and would be taken for it\n"
        "            os.fchdir(old)\n"
        '            libc.mount("", ".", "", libc.MS_REC | libc.MS_SLAVE)\n'
        '            libc.umount2(".", libc.MNT_DETACH)\n',
        '            os.chroot(".")\n',
        "whoever has CAP_SYS_CHROOT is out again", (22,), (_UNREACHED,)),
    Fault("old-root-kept", "isolation/root.py",
        '            libc.mount("", ".", "", libc.MS_REC | libc.MS_SLAVE)\n'
        '            libc.umount2(".", libc.MNT_DETACH)\n', "",
        "the root of the host lies over that of the sandbox", (22,), (_UNREACHED,)),
    Fault("links-lead-out", "kernel/mounts.py",
        "mode: int = 0, resolve: int = RESOLVE_IN_ROOT", "mode: int = 0, resolve: int = 0",
        "links of a root make files and mounts on the host", (22,),
        (f"{_ROOT}::test_links_of_a_hostile_root_lead_nowhere_when_targets_are_looked_up[rootful]",)),
    Fault("magic-links", "kernel/mounts.py", "resolve | RESOLVE_NO_MAGICLINKS", "resolve",
        "links of /proc lead to what other processes have open", (),
        ("kernel/test_mounts.py::test_magic_link_is_refused_when_it_is_one",)),
    Fault("root-covered", "isolation/stage.py",
        "if os.path.samestat(found, os.fstat(self.root)):", "if False:",
        "a link lets a mount cover the root itself, and masks miss what they are to hide", (22,),
        (f"{_HOSTILE}[rootful-tmp-/-/tmp leads to the root itself]",)),
    Fault("places-not-checked", "isolation/root.py", "self._stage.check_places()", "os.getpid()",
        "init works with a /proc or /dev that a link of the root has chosen", (22,),
        (f"{_HOSTILE}[rootful-proc-/dev-a link or a mount has taken the place of its /proc]",)),
    Fault("null-by-its-name", "isolation/stage.py",
        "if stat.S_ISCHR(found.st_mode) and found.st_rdev == _NULL:", "if True:",
        "what is masked shows another file of the host (CVE-2025-31133)", (),
        (f"{_HOSTILE_ROOT}::test_cause_is_told_when_there_is_no_null_device_to_mask_files_by",)),
    Fault("device-by-its-name", "isolation/devices.py",
        "if os.fstat(theirs).st_rdev != number:", "if False:",
        "another device of the host is bound under a harmless name", (),
        ("sandbox/test_devices.py::test_cause_is_told_when_a_device_of_the_host_is_another",)),
    Fault("devices-in-root", "isolation/root.py", "            if self._nodev:",
        "            if False:",
        "devices in a root that came as an archive open those of the machine", (22, 63),
        (f"{_HOSTILE_ROOT}::test_device_in_the_root_is_none_when_root_opens_it[rootful]",)),
    Fault("devices-in-layers", "isolation/root.py",
        'mounts.make("overlay", options, mounts.NODEV)', 'mounts.make("overlay", options)',
        "devices in an image open those of the machine", (22, 63),
        (f"{_HOSTILE_ROOT}::test_device_in_the_root_is_none_when_root_opens_it[rootful]",)),
    # --- What is in it ----------------------------------------------------------------------------
    Fault("run-missing", "isolation/rootfs.py",
        '        Mount(type="tmpfs", target="/run", options=[*quiet, "mode=755"]),\n', "",
        "programs write below the /run of the image", (21,),
        ("sandbox/test_root.py::test_root_is_the_directory_when_a_rootfs_is_named[rootful]",)),
    Fault("shm-closed", "isolation/devices.py", '["mode=1777", "size=64m"]',
        '["mode=755", "size=64m"]',
        "only root has shared memory", (21,),
        ("sandbox/test_devices.py::test_devices_work_when_the_root_is_its_own[rootful]",)),
    Fault("zero-as-full", "isolation/devices.py", '"full": (1, 7)', '"full": (1, 5)',
        "a device is another than it is called", (21,),
        ("sandbox/test_devices.py::test_devices_work_when_the_root_is_its_own[rootful]",)),
    Fault("queues-of-the-host", "isolation/rootfs.py", 'queues="ipc" in root.own', "queues=True",
        "the message queues of the host are open inside", (10,),
        (f"{_DEVICES}::test_queues_are_left_out_when_the_ipc_namespace_is_shared[rootful]",)),
    Fault("files-writable", "isolation/mounting.py", 'sort_options(["ro", *options])',
        "sort_options(options)",
        "who may write to resolv.conf sends everybody's names elsewhere", (38, 50),
        (f"{_MOUNTS}::test_files_are_there_when_they_are_written_in_the_configuration[rootful]",)),
    Fault("resolver-missing", "isolation/rootfs.py",
        'resolve = root.connected or "net" not in root.own', "resolve = False",
        "no name is found inside", (38,),
        (f"{_MOUNTS}::test_hosts_and_resolver_are_given_when_the_root_has_none[rootful]",)),
    Fault("hosts-missing", "isolation/files.py",
        'if self._hostname is not None or self._is_empty("/etc/hosts"):',
        "if self._hostname is not None:",
        "localhost is not found inside", (38,),
        (f"{_MOUNTS}::test_hosts_and_resolver_are_given_when_the_root_has_none[rootful]",)),
    Fault("readonly-ignored", "isolation/mounting.py", '"ro": (mounts.RDONLY, 0)', '"ro": (0, 0)',
        "what was bound read-only can be written", (18,),
        ("sandbox/test_mounts.py::test_directory_is_shared_when_it_is_bound[rootful]",)),
    Fault("readonly-on-top-only", "isolation/mounting.py",
        """                recursive="bind" not in self._mount.options,""",
        "                recursive=False,",
        "what is mounted below a read-only bind can be written", (18,),
        ("sandbox/test_mounts.py::test_mounts_below_come_along_when_a_bind_is_recursive[rootful]",)),
    Fault("limits-taken-away", "kernel/mounts.py",
        "    if user_namespace >= 0:\n",
        "    clear |= 0x0E & ~add\n    if user_namespace >= 0:\n",
        "what the host has mounted nosuid or noexec is neither inside", (),
        (f"{_MOUNTS}::test_limits_of_a_mount_are_kept_when_it_is_bound_with_others[rootful]",)),
    Fault("targets-on-the-host", "isolation/stage.py",
        "if not self._create and os.fstat(above).st_dev not in self._devices:", "if False:",
        "directories are made on the host for what is mounted inside", (18,),
        ("sandbox/test_mounts.py::test_hosts_root_has_mounts_when_there_is_no_other[rootful]",)),
    Fault("targets-left", "process/steps.py", "        taken.undo()\n        raise\n",
        "        raise\n",
        "a sandbox that could not be made leaves what it has made", (),
        ("sandbox/test_root.py::test_targets_are_removed_when_the_sandbox_can_not_be_made[rootful]",)),
    Fault("idmap-shared", "isolation/idmapped.py", "tree, propagation=cut, ", "tree, ",
        "what is mounted below such a bind shows on a host whose mounts are shared", (17, 18),
        (f"{_MOUNTS}::test_host_sees_nothing_when_something_is_mounted_below_a_mapped_bind",)),
    # --- Layers -----------------------------------------------------------------------------------
    Fault("layers-upside-down", "isolation/root.py", "for path in self._lower]",
        "for path in reversed(self._lower)]",
        "what an image has changed comes back", (48, 50), (_UPPER,)),
    Fault("upper-thrown-away", "isolation/root.py",
        "        if self._held is not None:\n            self._held.forget()",
        "        if self._held is not None and self._held.forget():\n            pass",
        "what was to be kept is in memory, and lost", (48, 49, 50), (_UPPER,)),
    Fault("layers-written", "sandbox/root.py",
        "or (overlay is not None and upper is None and not overlay.ephemeral)", "or False",
        "what is written seems to be kept, and is lost", (48,),
        (_LAYERS_STAY_AS_THEY,)),
    Fault("layers-leak", "isolation/root.py", "            self._held.forget()\n", "",
        "init has descriptors that lead out of the root", (50,),
        ("sandbox/test_overlay.py::test_layers_are_named_when_the_mounts_are_listed[rootful]",)),
    Fault("upper-used-twice", "isolation/layers.py",
        "fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)", "os.fstat(fd)",
        "two sandboxes write to one layer, and what is in it then is undefined", (48,),
        (f"{_OVERLAY}::test_second_sandbox_is_refused_when_the_upper_layer_is_in_use[rootful]",)),
    Fault("work-emptied", "isolation/layers.py", "if not _OWN.issuperset(os.listdir(fd)):",
        "if False:",
        "the kernel removes files of somebody who named the wrong directory", (),
        (_SANDBOX_IS_REFUSED_WHEN,)),
    # --- Hidden -----------------------------------------------------------------------------------
    Fault("keys-seen", "isolation/paths.py", '    "/proc/keys",\n', "",
        "the keys of everybody on the machine are listed inside", (63,),
        ("sandbox/test_mounts.py::test_machine_is_hidden_when_the_root_is_its_own[rootful]",)),
    Fault("debug-seen", "isolation/paths.py", '    "/sys/kernel/debug",\n', "",
        "what the kernel tells root for debugging can be read inside", (63,),
        (f"{_MOUNTS}::test_file_systems_below_sys_are_hidden_when_the_host_has_some[rootful]",)),
    Fault("sysctls-written", "isolation/paths.py", '"/proc/irq", "/proc/sys", ', '"/proc/irq", ',
        "root inside sets what the whole machine does", (63,),
        ("sandbox/test_mounts.py::test_machine_is_hidden_when_the_root_is_its_own[rootful]",)),
    Fault("sys-written", "isolation/rootfs.py",
        'Mount(type="bind", source="/sys", target="/sys", options=["ro", *_SAFE])',
        'Mount(type="bind", source="/sys", target="/sys", options=_SAFE)',
        "root inside changes devices and groups of the machine", (63,),
        ("sandbox/test_mounts.py::test_machine_is_hidden_when_the_root_is_its_own[rootful]",)),
    Fault("cover-changed", "isolation/paths.py",
        "return _limited(cover, mounts.RDONLY | mounts.NOSUID | mounts.NOEXEC)", "return cover",
        "root inside changes the mode of the machine's /dev/null by what hides a file", (63,),
        (f"{_HOSTILE_ROOT}::test_device_of_the_machine_stays_as_it_is_when_root_changes_its_mode[rootful-]",)),
    Fault("devices-changed", "isolation/devices.py",
        "            mounts.set_attributes(tree, add=UNCHANGED)\n"
        "            mounts.attach(tree, directory, name)",
        "            mounts.attach(tree, directory, name)",
        "root inside changes the mode of devices of the machine", (63,),
        (_KEPT,)),
)
