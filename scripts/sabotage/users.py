"""Faults in who is who: id maps, groups, and user namespaces within."""

from __future__ import annotations

from typing import Final

from .fault import Fault

_PLAN: Final = "unit/sandbox/test_plan.py"
_USERS: Final = "sandbox/test_users.py"
_USERS_RANGES: Final = "sandbox/test_users_ranges.py"
_INIT_BECOMES_SOMEBODY_WHEN: Final = (
    "sandbox/test_users.py::test_init_becomes_somebody_when_root_is_not_mapped"
    '[rootful-{uid_map = "5 900000 10", gid_map = "3 900010 10"}-first1]'
)
_MAP_IS_SEEN_IN: Final = (
    "sandbox/test_users.py::test_map_is_seen_in_proc_when_it_is_written"
    "[rootless-{{inside = 0, outside = {0}}}]"
)
_NO_USER_NAMESPACE_IS: Final = (
    "sandbox/test_users_nested.py::test_no_user_namespace_is_made_when_forbidden"
    "[rootful-nsenter -U -t 1 true-Permission denied]"
)
_REASON_IS_TOLD_WHEN: Final = (
    "sandbox/test_users_ranges.py::test_reason_is_told_when_ranges_cannot_be_mapped"
    '[{uid_map = "0 1 1", gid_map = []}-more1-uid range [0-1) -> [1-2) not allowed]'
)
_ROOT_INSIDE_IS_THE: Final = (
    "sandbox/test_users_ranges.py::test_root_inside_is_the_first_of_the_range_when_root_starts_it"
    '[{map = "auto", subordinate = "ann"}]'
)

# fmt: off
FAULTS: Final = (
    Fault("gids-as-uids", "isolation/idmaps.py", '{"gid": gids, "uid": uids}',
        '{"gid": uids, "uid": uids}',
        "groups are mapped that nobody asked for", (29,),
        ("sandbox/test_users.py::test_gid_is_65534_when_only_uids_are_mapped[rootful]",)),
    Fault("map-turned-round", "model/idmaps.py", 'f"{self.inside} {self.outside} {self.size}"',
        'f"{self.outside} {self.inside} {self.size}"',
        "inside and outside are exchanged", (25,),
        ("sandbox/test_users.py::test_service_is_10000_when_it_is_mapped_so[rootful]",)),
    Fault("map-misread", "model/idmaps.py", 'parts = [value["inside"], value["outside"],',
        'parts = [value["outside"], value["inside"],',
        "inside and outside are exchanged in one spelling", (26,),
        (_MAP_IS_SEEN_IN,)),
    Fault("map-unasked", "sandbox/users.py", '        case "none":\n            return ()',
        '        case "none":\n            return (Row(0, own, 1),)',
        "there is a root where nobody was to be anybody", (28,),
        ("sandbox/test_users.py::test_everybody_is_65534_when_there_is_no_map[rootful]",)),
    Fault("map-error-lost", "kernel/idmaps.py",
        "        seam.write(fd, text.encode())  # its result counts: file objects lose errors at "
        "close\n",
        "        seam.write(fd, text.encode())\n    except OSError:\n        pass\n",
        "a map that the kernel refused counts as written", (27,),
        ("kernel/test_idmaps.py::test_second_write_is_refused_when_a_map_is_there",)),
    Fault("map-in-parts", "kernel/idmaps.py", '    _write(f"/proc/{pid}/{which}_map", text)',
        '    for line in text.splitlines():\n        _write(f"/proc/{pid}/{which}_map", line)',
        "the second row of a map is refused by the kernel", (27,),
        ("kernel/test_idmaps.py::test_kernel_and_check_agree_when_a_map_is_an_edge_case",)),
    Fault("setgroups-left", "sandbox/users.py",
        'deny = only_own or users.setgroups == "deny"', "deny = only_own",
        "groups can be left inside though that was forbidden: a file may open to somebody", (),
        ("sandbox/test_users_ranges.py::test_setgroups_is_denied_when_asked_for",)),
    Fault("setgroups-not-denied", "sandbox/users.py",
        'deny = only_own or users.setgroups == "deny"', 'deny = users.setgroups == "deny"',
        "the kernel takes no group map from an ordinary user without it", (25,),
        (f"{_PLAN}::test_setgroups_is_denied_when_the_maps_are_an_ordinary_users",
         "sandbox/test_users.py::test_service_is_10000_when_it_is_mapped_so[rootless]")),
    Fault("groups-kept", "sandbox/users.py",
        "drop_groups_before=caller.may_map and caller.setgroups and not drop",
        "drop_groups_before=False",
        "the groups of the machine's root open its files inside", (),
        ("sandbox/test_users.py::test_groups_of_root_are_left_when_they_cannot_be_left_inside",)),
    Fault("root-as-root", "sandbox/users.py", "begin = [] if root else [Row(0, own, 1)]",
        "begin = [Row(0, own, 1)]",
        "root inside is the machine's root", (30, 31),
        (_ROOT_INSIDE_IS_THE,)),
    Fault("init-stays-root", "isolation/idmaps.py",
        "            seam.setresuid(self.uid, self.uid, self.uid)", "            os.getuid()",
        "init goes on owning the files of the machine's root", (30, 31),
        (_ROOT_INSIDE_IS_THE,)),
    Fault("nobody-stays-root", "sandbox/users.py", "    return min(row.inside for row in rows)",
        "    return None",
        "init goes on owning the files of the machine's root where 0 is not mapped", (),
        (_INIT_BECOMES_SOMEBODY_WHEN,)),
    Fault("helper-not-heard", "isolation/newidmap.py", "    if ended.code == 0:\n",
        "    if ended.code is not None:\n",
        "a map that newuidmap refused counts as written", (27,),
        (_REASON_IS_TOLD_WHEN,)),
    Fault("range-not-helped", "sandbox/users.py", "    if caller.may_map or not rows:\n",
        "    if True:\n",
        "an ordinary user gets no range though it was granted", (31,),
        (f"{_USERS_RANGES}::test_services_have_users_of_their_own_when_rootless_with_ranges",)),
    Fault("user-namespace-last", "sandbox/launch.py",
        "        pid, pidfd = _clone_into(plan, flags, exit_signal)\n",
        "        pid, pidfd = _clone_into(plan, flags & ~libc.CLONE_NEWUSER, exit_signal)\n"
        "        if pid == 0 and flags & libc.CLONE_NEWUSER:\n"
        "            libc.unshare(libc.CLONE_NEWUSER)\n",
        "the other namespaces belong to one in which root inside has no power", (32,),
        (f"{_USERS}::test_other_namespaces_belong_to_the_user_namespace_when_made[rootful]",)),
    Fault("limit-not-told", "kernel/namespaces.py",
        '_sysctl("user/max_user_namespaces") == "0"', '_sysctl("user/max") == "0"',
        "whoever has user namespaces forbidden does not learn by what", (24,),
        ("sandbox/test_users.py::test_reason_is_told_when_user_namespaces_are_forbidden",)),
    Fault("nested-allowed", "isolation/idmaps.py", 'seam.write(fd, b"0")', 'seam.write(fd, b"9")',
        "more user namespaces can be made inside, with more of the kernel in reach", (),
        (_NO_USER_NAMESPACE_IS,)),
    Fault("nested-by-root", "isolation/idmaps.py",
        "        creds.set_caps(caps.effective & ~gone, caps.permitted & ~gone, "
        "caps.inheritable & ~gone)\n", "",
        "init can raise the limit again, and give that power away", (),
        ("sandbox/test_users_nested.py::test_limit_is_the_sandboxes_own_when_it_is_set",)),
)
