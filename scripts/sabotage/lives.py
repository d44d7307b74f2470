"""Faults in how a sandbox begins, is lived with, and ends."""

from __future__ import annotations

from typing import Final

from .fault import Fault

_KILLED: Final = (
    "sandbox/test_pid.py::"
    "test_nothing_is_left_when_init_is_killed_in_a_shared_pid_namespace[rootful]"
)
_NAMED: Final = (
    "sandbox/test_launch.py::test_step_is_named_when_it_fails"
    "[rootful-sethostname:EINVAL-cannot set the host name to inside: Invalid argument]"
)
_LEFT: Final = "unit/sandbox/test_state.py::test_dead_sandbox_is_removed_when_somebody_looks"
_DETACH: Final = "sandbox/test_detach.py"
_ENTER: Final = "sandbox/test_enter.py"
_JOINS: Final = "sandbox/test_joins.py"
_LIVING: Final = "sandbox/test_living.py"
_OVERLAY: Final = "sandbox/test_overlay.py"
_PID: Final = "sandbox/test_pid.py"
_USERS_RANGES: Final = "sandbox/test_users_ranges.py"
_FAILURE_IS_TOLD_BY: Final = (
    "sandbox/test_joins.py::test_failure_is_told_by_the_launcher_when_it_happens_on_the_way"
    "[rootful-unshare:EPERM]"
)
_SERVICES_ARE_STOPPED_WHEN: Final = (
    "test_sandbox.py::test_services_are_stopped_when_launcher_is_signalled[sandbox-15]"
)

# fmt: off
FAULTS: Final = (
    # --- Begins -----------------------------------------------------------------------------------
    Fault("failure-ignored", "sandbox/launch.py",
        "    except StepError as error:\n"
        "        _fail(theirs, str(error), error.remedy)\n"
        "    except Exception as error:",
        "    except StepError:\n        pass\n    except Exception as error:",
        "services run in a sandbox that is half made", (61,), (_NAMED,)),
    Fault("failure-not-told", "sandbox/launch.py",
        '        theirs.send(told.encode(errors="surrogatepass"))\n', "        theirs.send(b'')\n",
        "nobody learns why there is no sandbox", (55, 61),
        (_NAMED,
         _FAILURE_IS_TOLD_BY)),
    Fault("failure-in-background", "cli/detach.py",
        '            _say(caller, {"failed": error.message, "hint": error.hint, "code": code})\n',
        "",
        "who started a sandbox in the background does not learn why there is none", (61,),
        (f"{_DETACH}::test_error_reaches_the_caller_when_there_is_no_sandbox[rootful]",)),
    Fault("steps-not-undone", "sandbox/launch.py", "    finally:\n        taken.undo()\n",
        "    finally:\n        pass\n",
        "directories of a sandbox are left when it has ended", (),
        (f"{_OVERLAY}::test_sandbox_is_refused_when_a_layer_is_missing[rootful]",)),
    # --- One life ---------------------------------------------------------------------------------
    Fault("launcher-leaves-init", "kernel/proc.py",
        'libc.prctl(libc.PR_SET_PDEATHSIG, number, "parent death signal")',
        'libc.prctl(libc.PR_SET_PDEATHSIG, 0, "parent death signal")',
        "a sandbox without a launcher goes on, out of every list", (62, 64),
        ("test_sandbox.py::test_init_dies_when_launcher_is_killed[sandbox]",
         f"{_LIVING}::test_leftovers_are_removed_when_the_launcher_was_killed[rootful]")),
    Fault("death-signal-cleared", "sandbox/launch.py",
        "        proc.die_with_parent(deadly)  # once more: a change of ids clears it (prctl(2))\n",
        "",
        "a sandbox whose init has changed its ids survives its launcher", (64,),
        (f"{_USERS_RANGES}::test_init_dies_with_its_launcher_when_its_uid_changed",)),
    Fault("strays-live-on", "sandbox/launch.py", "_end_strays(others)\n                    return",
        "return",
        "what a killed init leaves in a shared pid namespace goes on", (62, 64), (_KILLED,)),
    Fault("strays-not-adopted", "sandbox/launch.py",
        "        libc.become_subreaper()  # for what a killed init leaves", "        pass  #",
        "what a killed init leaves is the host's, and nobody ends it", (62, 64), (_KILLED,)),
    Fault("orphans-not-adopted", "process/settle.py",
        "    if os.getpid() != 1:\n        libc.become_subreaper()\n", "",
        "orphans in a joined pid namespace are somebody else's", (52,),
        (f"{_JOINS}::test_all_namespaces_are_the_owners_when_joined_together[rootful]",)),
    Fault("orphans-not-reaped", "process/reaper.py", "        end = proc.reap()\n",
        "        ends = [one for one in map(proc.stat, proc.children() or ()) if one and one.state "
        "== 'Z']\n"
        "        orphans = bool(ends) and all(one.session != one.pid for one in ends)\n"
        "        end = None if orphans else proc.reap()\n",
        "zombies fill the pid namespace", (13,),
        (f"{_PID}::test_orphan_is_adopted_and_reaped_when_its_parent_did_not_wait[rootful]",)),
    Fault("signals-not-passed-on", "sandbox/launch.py", "_forward(one, init.pidfd)", "pass",
        "who stops the launcher kills the services", (62, 64),
        (_SERVICES_ARE_STOPPED_WHEN,)),
    Fault("killed-is-well", "sandbox/launch.py",
        "return end.status if end.status >= 0 else 128 - end.status", "return max(end.status, 0)",
        "a sandbox that was killed seems to have ended well", (62,),
        ("sandbox/test_pid.py::test_sandbox_ends_when_the_host_kills_its_init[rootful]",)),
    Fault("terminal-of-the-caller", "cli/detach.py",
        "        os.setsid()\n        reader", "        reader",
        "a sandbox in the background ends with the terminal it was started from", (62, 64),
        ("sandbox/test_detach.py::test_command_returns_when_every_service_is_ready[rootful]",)),
    # --- The list ---------------------------------------------------------------------------------
    Fault("pid-of-another", "process/alive.py",
        'found.started == started and found.state not in "ZX"', 'found.state not in "ZX"',
        "a process that got the pid of a dead init is signalled in its place", (62,),
        ("unit/sandbox/test_record.py::test_record_is_alive_while_its_process_is",)),
    Fault("record-of-others", "sandbox/record.py",
        "if found.st_uid not in (0, os.geteuid()) or", "if",
        "what another user has written names files that root removes", (62,),
        ("unit/sandbox/test_record.py::test_file_of_others_is_no_record",)),
    Fault("place-of-others", "sandbox/state.py",
        "ours = found.st_uid == os.geteuid() and not found.st_mode & 0o022", "ours = True",
        "another user puts records where ours are looked for", (),
        ("unit/sandbox/test_state.py::test_place_is_refused_when_others_can_write_there",)),
    Fault("lock-not-held", "sandbox/state.py",
        "fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)", "os.fstat(fd)",
        "a sandbox whose record can't be read is removed while it runs", (62,),
        ("unit/sandbox/test_state.py::test_list_goes_on_when_there_is_rubbish_in_it",)),
    Fault("leftovers-stay", "sandbox/state.py",
        "            leftovers.remove_outside(again)\n", "",
        "what a killed launcher has left on the host stays for ever", (62,),
        (f"{_LIVING}::test_leftovers_are_removed_when_the_launcher_was_killed[rootful]",)),
    Fault("leftovers-over-links", "sandbox/leftovers.py",
        "            found = seam.lstat(path)\n", "            found = seam.stat(path)\n",
        "what a link in a dead sandbox's directory leads to is removed", (62,), (_LEFT,)),
    Fault("leftovers-over-mounts", "sandbox/leftovers.py",
        "elif found.st_dev == device and depth < _DEPTH_MAX:", "elif depth < _DEPTH_MAX:",
        "what is mounted in a dead sandbox's directory is removed", (62,),
        ("sandbox/test_living.py::test_mounts_are_spared_when_leftovers_are_removed",)),
    Fault("leftovers-in-use", "sandbox/leftovers.py", "return not _is_answered(path)",
        "return True",
        "the socket of a sandbox that runs is removed", (62,), (_LEFT,)),
    Fault("pid-file-of-another", "sandbox/leftovers.py",
        'return kind == "file" or _first_line(path) == str(record.pid)', "return True",
        "the pid file of another program is removed", (62,), (_LEFT,)),
    # --- Entering ---------------------------------------------------------------------------------
    Fault("enter-as-root", "runtime/helpers.py",
        "in_place_of_init(helper.command, helper.user, around)",
        "in_place_of_init(helper.command, None, around)",
        "a command that was to run as somebody runs as root", (65,),
        ("sandbox/test_enter.py::test_command_has_another_user_when_asked_for[rootful]",)),
    Fault("enter-unconfined", "runtime/helpers.py",
        "        return spec, around, {**self._runs.variables, **helper.variables}",
        "        around = structs.replace(around, enclose=lambda *_: None)\n"
        "        return spec, around, {**self._runs.variables, **helper.variables}",
        "a command has init's powers and no filter", (65,),
        ("sandbox/test_enter.py::test_command_is_confined_when_it_enters[rootful]",)),
    Fault("enter-elsewhere", "runtime/helpers.py",
        "spec = structs.replace(spec, command=helper.command, pass_fds=[])",
        "spec = Service(command=Words(helper.command))",
        "a command in the place of a service has not its environment, user and directory", (65,),
        (f"{_ENTER}::test_command_has_the_place_of_a_service_when_one_is_named[rootful]",)),
    Fault("enter-goes-on", "control/execution.py",
        "            self._signal(bytes((signal.SIGHUP, signal.SIGCONT)))\n",
        "            pass\n",
        "commands whose caller has gone are left in the sandbox", (65,),
        ("sandbox/test_enter.py::test_command_goes_when_who_entered_is_killed[rootful]",)),
    Fault("enter-by-anybody", "control/access.py", "        if peer.uid in self._admins:\n",
        "        if True:\n",
        "every user of the host runs commands in root's sandboxes", (65,),
        ("sandbox/test_living.py::test_others_are_denied_when_they_stop_a_sandbox[rootful]",)),
)
