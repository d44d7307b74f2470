"""What systemd knows and nsinit does not: why each key has no equal, or needs none. Pure."""

from __future__ import annotations

from typing import Final

from nsinit.convert.systemd.security import ARGUMENTS

# Units that are reached, or started, before nsinit is: to come after them is no news.
REACHED: Final = frozenset(
    f"{name}.target" for name in (
        "basic", "sysinit", "local-fs", "local-fs-pre", "remote-fs", "remote-fs-pre", "network",
        "network-pre", "network-online", "nss-lookup", "nss-user-lookup", "time-sync", "time-set",
        "multi-user", "graphical", "default", "sockets", "timers", "paths", "slices", "swap",
        "rpcbind", "remote-cryptsetup", "remote-veritysetup", "cryptsetup", "cryptsetup-pre",
        "veritysetup", "veritysetup-pre", "integritysetup", "integritysetup-pre", "getty",
        "getty-pre", "boot-complete", "first-boot-complete", "machines", "system-update-pre",
        "runlevel2", "runlevel3", "runlevel4", "runlevel5", "blockdev@", "ssh-access",
    )
) | frozenset((
    "systemd-journald.socket", "systemd-journald.service", "systemd-journald-dev-log.socket",
    "systemd-tmpfiles-setup.service", "systemd-tmpfiles-setup-dev.service", "-.mount",
    "systemd-udevd.service", "systemd-udev-trigger.service", "systemd-udev-settle.service",
    "systemd-sysusers.service", "systemd-sysctl.service", "systemd-modules-load.service",
    "systemd-remount-fs.service", "systemd-random-seed.service", "systemd-user-sessions.service",
    "systemd-networkd.service", "systemd-networkd-wait-online.service", "systemd-logind.service",
    "networking.service", "system.slice", "-.slice", "user.slice", "machine.slice",
    "plymouth-quit.service", "plymouth-quit-wait.service", "systemd-hostnamed.service",
    "syslog.socket",
    "rc-local.service",
))  # fmt: skip
# Targets of which nothing is part of an ordinary boot.
NOT_AT_BOOT: Final = frozenset(
    f"{name}.target" for name in (
        "shutdown", "umount", "final", "poweroff", "reboot", "halt", "kexec", "soft-reboot",
        "exit", "rescue", "emergency", "sleep", "suspend", "hibernate", "hybrid-sleep",
        "suspend-then-hibernate", "system-update", "initrd", "initrd-fs", "initrd-root-fs",
        "initrd-root-device", "initrd-switch-root", "initrd-usr-fs", "sigpwr", "printer",
        "bluetooth", "smartcard", "sound", "usb-gadget", "ctrl-alt-del", "runlevel0", "runlevel1",
        "runlevel6", "factory-reset",
    )
)  # fmt: skip

_NO_KEY: Final = "nsinit has no key for it"
_LATER: Final = "a service is started whatever the condition"
_JOBS: Final = "nsinit has no jobs"
_IMAGE: Final = "a root of its own is a directory"
_NET: Final = "a service can't be kept from addresses"
_JOURNAL: Final = "there is no journal"
_SAME: Final = "weights are the same at all times"
_OOMD: Final = "there is no systemd-oomd"

# By section and key: why it has no equal. A switch that is off is not told.
REASONS: Final[dict[str, dict[str, str]]] = {
    "Unit": {
        **dict.fromkeys(("PropagatesReloadTo", "ReloadPropagatedFrom"),
                        "a reload is of one service"),
        **dict.fromkeys(("PropagatesStopTo", "StopPropagatedFrom"), "a stop is of one service"),
        "JoinsNamespaceOf": "namespaces are joined by a path or a process",
        "Upholds": "what depends on it does not start it again",
        "OnSuccess": "nothing is started by a success",
        "OnFailureJobMode": _JOBS, "OnSuccessJobMode": _JOBS,
        "StopWhenUnneeded": "a service that nobody needs goes on",
        "JobTimeoutAction": _JOBS, "JobTimeoutRebootArgument": _JOBS,
        "JobTimeoutSec": _JOBS, "JobRunningTimeoutSec": _JOBS,
        "StartLimitAction": "a restart limit ends in the state failed",
        "FailureAction": "the machine is not nsinit's to end",
        "SuccessAction": "the machine is not nsinit's to end",
        "FailureActionExitStatus": "init ends with the code of the service",
        "SuccessActionExitStatus": "init ends with the code of the service",
        "RebootArgument": "the machine is not nsinit's to end",
        "RefuseManualStart": "who may start what is a matter of the control socket's access",
        "RefuseManualStop": "who may stop what is a matter of the control socket's access",
        "SurviveFinalKillSignal": "init ends with everything that it started",
    },
    "Service": {
        **ARGUMENTS,
        "ExitType": "the end of the main process is that of the service",
        "OOMPolicy": "the kernel's kill of the main process ends the service, others are told",
        "RuntimeMaxSec": "a service has no longest life",
        "RuntimeRandomizedExtraSec": "a service has no longest life",
        "TimeoutAbortSec": "after ABRT there is the last wait of the stop sequence",
        "TimeoutStartFailureMode": "a timeout of the start ends in the stop sequence",
        "TimeoutStopFailureMode": "a timeout of the stop ends in KILL",
        "RestartMode": "dependents see each end of a service",
        "RestartSteps": "nsinit doubles the delay, up to restart_max_delay",
        "RestartMaxDelaySec": "nsinit doubles the delay, up to restart_max_delay",
        "RestartKillSignal": "a restart stops as any stop does",
        "RootDirectoryStartOnly": "all commands of a service have one root",
        "NonBlocking": "sockets are handed on as they are made",
        "OpenFile": "pass_fds hands on what nsinit was started with",
        "USBFunctionDescriptors": _NO_KEY, "USBFunctionStrings": _NO_KEY,
        "RootImage": _IMAGE, "RootImageOptions": _IMAGE, "RootEphemeral": _IMAGE,
        "RootHash": _IMAGE, "RootHashSignature": _IMAGE, "RootVerity": _IMAGE,
        "RootImagePolicy": _IMAGE, "MountImagePolicy": _IMAGE, "ExtensionImagePolicy": _IMAGE,
        "MountImages": _IMAGE, "ExtensionImages": _IMAGE, "ExtensionDirectories": _IMAGE,
        "RootMStack": _IMAGE,
        "ExecSearchPath": "programs are looked for in PATH",
        "PAMName": "there is no PAM", "UtmpIdentifier": "there is no utmp",
        "UtmpMode": "there is no utmp", "SetLoginEnvironment": _NO_KEY,
        "PrivateUsers": "a service has no user namespace of its own",
        "PrivateBPF": _NO_KEY, "BPFDelegateCommands": _NO_KEY, "BPFDelegateMaps": _NO_KEY,
        "BPFDelegatePrograms": _NO_KEY, "BPFDelegateAttachments": _NO_KEY,
        "ProtectProc": "/proc is the one of nsinit", "ProcSubset": "/proc is the one of nsinit",
        "BindLogSockets": "there is no journal",
        "MountFlags": "what is mounted for a service is private to it",
        "SecureBits": _NO_KEY, "SELinuxContext": _NO_KEY, "AppArmorProfile": _NO_KEY,
        "SmackProcessLabel": _NO_KEY, "KeyringMode": "the keyring is the one of nsinit",
        "RestrictFileSystems": "it takes a program of BPF", "Personality": _NO_KEY,
        "SystemCallLog": 'action = "log" is for what a filter refuses',
        "CoredumpFilter": _NO_KEY, "TimerSlackNSec": _NO_KEY, "NUMAPolicy": _NO_KEY,
        "NUMAMask": _NO_KEY, "CPUSchedulingResetOnFork": _NO_KEY,
        "LimitLOCKS": "the kernel has no such limit",
        "IgnoreSIGPIPE": "a service gets the default disposition of every signal",
        "LoadCredential": "see environment.NAME = {file = PATH}",
        "LoadCredentialEncrypted": "credentials are not decrypted", "ImportCredential": _NO_KEY,
        "SetCredential": _NO_KEY, "SetCredentialEncrypted": "credentials are not decrypted",
        "StandardInputText": "the input of a service is empty",
        "StandardInputData": "the input of a service is empty",
        "LogLevelMax": _JOURNAL, "LogExtraFields": _JOURNAL, "LogNamespace": _JOURNAL,
        "LogFilterPatterns": _JOURNAL, "LogRateLimitBurst": _JOURNAL,
        "LogRateLimitIntervalSec": _JOURNAL, "SyslogFacility": _JOURNAL, "SyslogLevel": _JOURNAL,
        "SyslogLevelPrefix": _JOURNAL,
        "TTYReset": _NO_KEY, "TTYVHangup": _NO_KEY, "TTYVTDisallocate": _NO_KEY,
        "TTYRows": _NO_KEY, "TTYColumns": _NO_KEY,
        "TimeoutCleanSec": _NO_KEY,
        "MemoryMin": _NO_KEY, "MemoryLow": _NO_KEY, "DefaultMemoryLow": _NO_KEY,
        "DefaultMemoryMin": _NO_KEY, "MemoryZSwapMax": _NO_KEY, "MemoryZSwapWriteback": _NO_KEY,
        "StartupMemoryHigh": _NO_KEY, "StartupMemoryMax": _NO_KEY, "StartupMemoryLow": _NO_KEY,
        "StartupMemorySwapMax": _NO_KEY, "StartupMemoryZSwapMax": _NO_KEY,
        "MemoryLimit": "use MemoryMax", "CPUShares": "use CPUWeight",
        "StartupCPUShares": "use CPUWeight", "StartupCPUWeight": _SAME, "StartupIOWeight": _SAME,
        "StartupAllowedCPUs": "CPUs are the same at all times",
        "AllowedMemoryNodes": _NO_KEY, "StartupAllowedMemoryNodes": _NO_KEY,
        "CPUQuotaPeriodSec": "the period is 100 ms",
        "IODeviceWeight": _NO_KEY, "IODeviceLatencyTargetSec": _NO_KEY,
        "BlockIOWeight": "use IOWeight", "StartupBlockIOWeight": "use IOWeight",
        "BlockIODeviceWeight": "use IOWeight", "BlockIOReadBandwidth": "use IOReadBandwidthMax",
        "BlockIOWriteBandwidth": "use IOWriteBandwidthMax",
        "IPAddressAllow": _NET, "IPAddressDeny": _NET, "IPIngressFilterPath": _NET,
        "IPEgressFilterPath": _NET, "BPFProgram": _NET, "NFTSet": _NET,
        "SocketBindAllow": "see landlock.bind for TCP", "SocketBindDeny": "see landlock.bind",
        "RestrictNetworkInterfaces": _NET,
        "Slice": "each service has a group beside the others'", "Delegate": _NO_KEY,
        "DelegateSubgroup": _NO_KEY, "DisableControllers": _NO_KEY,
        "ManagedOOMSwap": _OOMD, "ManagedOOMPreference": _OOMD, "ManagedOOMMemoryPressure": _OOMD,
        "ManagedOOMMemoryPressureLimit": _OOMD, "ManagedOOMMemoryPressureDurationSec": _OOMD,
        "MemoryPressureWatch": _NO_KEY, "MemoryPressureThresholdSec": _NO_KEY,
        "CoredumpReceive": _NO_KEY, "MemoryKSM": _NO_KEY, "MemoryTHP": _NO_KEY,
        "PermissionsStartOnly": "write + before the commands that are for root",
        "ListenUSBFunction": _NO_KEY,
        "UserNamespacePath": "a service has no user namespace of its own",
        "RefreshOnReload": _NO_KEY, "LUOSession": _NO_KEY,
    },
    "Install": {
        "UpheldBy": "what depends on it does not start it again",
    },
    "Socket": {
        "ListenSequentialPacket": "a socket is tcp, udp, unix or unix-dgram",
        "ListenFIFO": "a socket is tcp, udp, unix or unix-dgram",
        "ListenSpecial": "a socket is tcp, udp, unix or unix-dgram",
        "ListenNetlink": "a socket is tcp, udp, unix or unix-dgram",
        "ListenMessageQueue": "a socket is tcp, udp, unix or unix-dgram",
        "ListenUSBFunction": "a socket is tcp, udp, unix or unix-dgram",
        "SocketProtocol": "a socket is tcp or udp",
        "DirectoryMode": "directories of sockets are made with mode 0755",
        "Symlinks": "no link to a socket is made",
        "MaxConnectionsPerSource": "max_connections counts all",
        **dict.fromkeys(("ExecStartPre", "ExecStartPost", "ExecStopPre", "ExecStopPost"),
                        "sockets have no hooks: see those of the service"),
    },
    "Timer": {
        "WakeSystem": "nsinit does not wake a machine",
        "OnClockChange": "nothing is run by a change of the clock",
        "OnTimezoneChange": "nothing is run by a change of the time zone",
        "FixedRandomDelay": "the delay is another each time",
        "RandomizedOffsetSec": "the delay is another each time",
    },
    "Path": {},
}  # fmt: skip
CONDITION: Final = _LATER
SOCKET_OPTION: Final = "it is no option of nsinit's sockets"

# What makes no difference, and why; "" is not worth a word.
HARMLESS: Final[dict[str, dict[str, str]]] = {
    "Unit": {
        "SourcePath": "", "DefaultDependencies": "", "CollectMode": "", "IgnoreOnIsolate": "",
        "AllowIsolate": "", "Following": "",
        "RequiresMountsFor": "what is mounted is there before nsinit starts",
        "WantsMountsFor": "what is mounted is there before nsinit starts",
        "DebugInvocation": "",
    },
    "Service": {
        **dict.fromkeys(
            ("CPUAccounting", "MemoryAccounting", "TasksAccounting", "IOAccounting",
             "IPAccounting", "BlockIOAccounting"), "",
        ),
        "GuessMainPID": "",
        "SyslogIdentifier": "lines have the name of the service",
        "NotifyAccess": "all processes of the service are believed",
        "MountAPIVFS": "", "RemoveIPC": "", "Sockets": "", "FileDescriptorStorePreserve": "",
        "FsckPassNo": "", "SysVStartPriority": "", "SysVRunLevels": "",
    },
    "Install": {"Alias": "", "Also": "", "DefaultInstance": "", "WantedBy": "", "RequiredBy": ""},
    "Socket": {
        "FlushPending": "", "RemoveOnStop": "init removes its sockets when it ends",
        "TriggerLimitIntervalSec": "what does not serve is left alone by restart_limit",
        "TriggerLimitBurst": "what does not serve is left alone by restart_limit",
        "PollLimitIntervalSec": "", "PollLimitBurst": "", "TimeoutSec": "", "Writable": "",
    },
    "Timer": {"AccuracySec": "timers go off in time", "RemainAfterElapse": "",
              "DeferReactivation": ""},
    "Path": {"MakeDirectory": "", "DirectoryMode": "", "TriggerLimitIntervalSec": "",
             "TriggerLimitBurst": ""},
}  # fmt: skip
# Switches: what is off is not missed.
SWITCHES: Final = frozenset((
    "RefuseManualStart", "RefuseManualStop", "StopWhenUnneeded", "LockPersonality", "NonBlocking",
    "MemoryDenyWriteExecute", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID",
    "RootDirectoryStartOnly", "PrivateUsers", "CPUSchedulingResetOnFork", "TTYReset", "TTYVHangup",
    "TTYVTDisallocate", "Delegate", "WakeSystem", "OnClockChange", "OnTimezoneChange",
    "FixedRandomDelay", "SurviveFinalKillSignal", "RootEphemeral", "PermissionsStartOnly",
    "PrivateBPF", "MemoryKSM", "BindLogSockets", "RefreshOnReload", "CoredumpReceive",
))  # fmt: skip
# What nsinit does with the value that is told here.
SAME: Final[dict[str, tuple[str, ...]]] = {
    "IgnoreSIGPIPE": ("no", "false", "0", "off"),
    "SyslogLevelPrefix": ("yes", "true", "1", "on"),
    "MemoryZSwapWriteback": ("yes", "true", "1", "on"),
    "ExitType": ("main",),
    "OOMPolicy": ("continue",),
    "ProtectProc": ("default",),
    "ProcSubset": ("all",),
    "TimeoutStartFailureMode": ("terminate",),
    "TimeoutStopFailureMode": ("kill",),
    "MountFlags": ("private", "slave"),
    "KeyringMode": ("inherit",),
    "OnFailureJobMode": ("replace",),
    "FailureAction": ("none",),
    "SuccessAction": ("none",),
    "StartLimitAction": ("none",),
    "RuntimeMaxSec": ("infinity",),
    "IOSchedulingClass": ("none",),
    "ManagedOOMSwap": ("auto",),
    "ManagedOOMMemoryPressure": ("auto",),
    "ManagedOOMPreference": ("none",),
    "MemoryMin": ("0",),
    "MemoryLow": ("0",),
    "UtmpMode": ("init",),
    "DirectoryMode": ("0755", "755"),
}
