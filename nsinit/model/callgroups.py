"""Groups of system calls by what they are for, to be named in `seccomp`: "@mount", "@io". Pure.

Names of every architecture are mixed: those that a machine does not have mean nothing there. Each
call is in one group at least (a test looks); groups may be made of groups. The names of the groups
are those that systemd users know, where the meaning is the same; the lists are our own.
"""

from __future__ import annotations

from typing import Final

_TEXTS: Final = {
    # What any program needs to be executed, to start, to sleep, to use memory and to end.
    "default": """
        execve exit exit_group rt_sigreturn sigreturn restart_syscall rt_sigprocmask rt_sigaction
        brk mmap mmap2 munmap mprotect mremap madvise arch_prctl set_thread_area get_thread_area
        set_tid_address set_robust_list get_robust_list rseq futex futex_time64 futex_waitv
        futex_wake futex_wait futex_requeue sched_yield sched_getaffinity membarrier getrandom
        getpid getppid gettid getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32
        getresuid getresuid32 getresgid getresgid32 getgroups getgroups32 getpgid getpgrp getsid
        getrlimit ugetrlimit prlimit64 uname olduname oldolduname time gettimeofday clock_gettime
        clock_gettime64 clock_getres clock_getres_time64 nanosleep clock_nanosleep
        clock_nanosleep_time64 pause getcpu write uretprobe uprobe map_shadow_stack
    """,
    "basic-io": """
        read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek _llseek
        close close_range dup dup2 dup3
    """,
    "io-event": """
        poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 epoll_create
        epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
        eventfd eventfd2
    """,
    "io": """
        @basic-io @io-event pipe pipe2 fcntl fcntl64 ioctl sendfile sendfile64 splice tee vmsplice
        copy_file_range readahead fadvise64 fadvise64_64 sync_file_range
    """,
    "aio": """
        io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64
        @io-uring
    """,
    "io-uring": "io_uring_setup io_uring_enter io_uring_register",
    "file-system": """
        open openat openat2 creat close access faccessat faccessat2 stat stat64 oldstat fstat
        fstat64 oldfstat lstat lstat64 oldlstat newfstatat fstatat64 statx statfs statfs64 fstatfs
        fstatfs64 getcwd chdir fchdir mkdir mkdirat rmdir link linkat symlink symlinkat unlink
        unlinkat rename renameat renameat2 readlink readlinkat mknod mknodat chmod fchmod fchmodat
        fchmodat2 umask utime utimes futimesat utimensat utimensat_time64 truncate truncate64
        ftruncate ftruncate64 fallocate getdents getdents64 readdir fcntl fcntl64 flock
        inotify_init inotify_init1 inotify_add_watch inotify_rm_watch setxattr lsetxattr fsetxattr
        getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr removexattr lremovexattr
        fremovexattr setxattrat getxattrat listxattrat removexattrat file_getattr file_setattr
        mmap mmap2 munmap cachestat name_to_handle_at statmount listmount
    """,
    "chown": "chown chown32 fchown fchown32 lchown lchown32 fchownat",
    "sync": "sync fsync fdatasync syncfs msync sync_file_range",
    "network-io": """
        socket socketpair bind listen accept accept4 connect shutdown getsockname getpeername
        getsockopt setsockopt sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg
        recvmmsg_time64 socketcall
    """,
    "ipc": """
        ipc msgget msgsnd msgrcv msgctl semget semop semctl semtimedop semtimedop_time64 shmget
        shmat shmdt shmctl mq_open mq_unlink mq_timedsend mq_timedsend_time64 mq_timedreceive
        mq_timedreceive_time64 mq_notify mq_getsetattr memfd_create pipe pipe2
        process_vm_readv process_vm_writev
    """,
    "process": """
        clone clone3 fork vfork execve execveat wait4 waitid waitpid kill tkill tgkill setpgid
        setsid getpriority getrusage times prctl capget kcmp pidfd_open pidfd_send_signal
        rt_sigqueueinfo rt_tgsigqueueinfo process_mrelease sysinfo
    """,
    "signal": """
        rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigtimedwait
        rt_sigtimedwait_time64 sigaction sigprocmask sigpending sigsuspend signal sgetmask ssetmask
        sigaltstack signalfd signalfd4 pause
    """,
    "timer": """
        alarm getitimer setitimer timer_create timer_settime timer_settime64 timer_gettime
        timer_gettime64 timer_getoverrun timer_delete timerfd_create timerfd_settime
        timerfd_settime64 timerfd_gettime timerfd_gettime64 times
    """,
    "memory": """
        mlock mlock2 mlockall munlock munlockall mincore mseal memfd_create memfd_secret
        remap_file_pages msync
    """,
    "pkey": "pkey_alloc pkey_free pkey_mprotect",
    "resources": """
        setrlimit prlimit64 setpriority ioprio_get ioprio_set sched_setaffinity sched_setattr
        sched_getattr sched_setparam sched_getparam sched_setscheduler sched_getscheduler
        sched_get_priority_max sched_get_priority_min sched_rr_get_interval
        sched_rr_get_interval_time64 @numa
    """,
    "numa": """
        mbind get_mempolicy set_mempolicy set_mempolicy_home_node migrate_pages move_pages
    """,
    "setuid": """
        setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid
        setresuid32 setresgid setresgid32 setgroups setgroups32 setfsuid setfsuid32 setfsgid
        setfsgid32 capset
    """,
    "sandbox": """
        seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self
        lsm_get_self_attr lsm_set_self_attr lsm_list_modules
    """,
    "mount": """
        mount umount umount2 pivot_root chroot open_tree open_tree_attr move_mount fsopen fsconfig
        fsmount fspick mount_setattr
    """,
    "namespace": "unshare setns sethostname setdomainname",
    "module": "init_module finit_module delete_module create_module query_module get_kernel_syms",
    "clock": """
        settimeofday stime clock_settime clock_settime64 adjtimex clock_adjtime clock_adjtime64
    """,
    "reboot": "reboot kexec_load kexec_file_load",
    "swap": "swapon swapoff",
    "raw-io": "iopl ioperm modify_ldt",
    "cpu-emulation": "modify_ldt vm86 vm86old",
    "debug": """
        ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd process_madvise perf_event_open
        userfaultfd lookup_dcookie
    """,
    "bpf": "bpf",
    "keyring": "add_key request_key keyctl",
    "accounting": "acct quotactl quotactl_fd",
    "privileged": """
        @mount @namespace @module @clock @reboot @swap @raw-io @bpf @accounting @setuid @chown
        open_by_handle_at fanotify_init fanotify_mark syslog vhangup personality nice
    """,
    "obsolete": """
        _sysctl afs_syscall bdflush break create_module epoll_ctl_old epoll_wait_old ftime
        get_kernel_syms getpmsg gtty idle lock lookup_dcookie mpx nfsservctl prof profil putpmsg
        query_module security stty sysfs tuxcall ulimit uselib ustat vserver
    """,
    # What most network and batch services do with: everything that no privilege is needed for.
    "service": """
        @default @io @aio @file-system @chown @sync @network-io @ipc @process @signal @timer
        @memory @pkey @resources @setuid @sandbox personality nice
    """,
}

GROUPS: Final = tuple(f"@{name}" for name in _TEXTS)


def members(group: str) -> frozenset[str]:
    """The calls of a group, as "@mount"; KeyError if there is no such group."""
    found: set[str] = set()
    for word in _TEXTS[group.removeprefix("@")].split():
        found |= members(word) if word.startswith("@") else {word}
    return frozenset(found)


def calls(words: tuple[str, ...]) -> frozenset[str]:
    """The calls that a list of names and groups means."""
    return frozenset(
        name for word in words for name in (members(word) if word.startswith("@") else (word,))
    )
