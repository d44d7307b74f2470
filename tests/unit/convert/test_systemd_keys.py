"""Every key of systemd's manual: it becomes a key of nsinit, a remark or an unsupported line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from nsinit.convert.kinds import Wishes, convert
from nsinit.convert.proof import prove, settle

if TYPE_CHECKING:
    import pathlib

TESTS: Final = (
    "ACPower Architecture CPUFeature CPUPressure CPUs Capability ControlGroupController Credential"
    " DirectoryNotEmpty Environment FileIsExecutable FileNotEmpty FirstBoot Group Host IOPressure"
    " KernelCommandLine KernelVersion Memory MemoryPressure NeedsUpdate OSRelease PathExists"
    " PathExistsGlob PathIsDirectory PathIsEncrypted PathIsMountPoint PathIsReadWrite"
    " PathIsSymbolicLink Security User Virtualization Firmware"
)
# Of systemd 252, and what came since; and one that nobody knows.
KEYS: Final[dict[str, str]] = {
    "Unit": (
        "After Before BindsTo Conflicts Description Documentation FailureAction"
        " FailureActionExitStatus JobRunningTimeoutSec JobTimeoutAction"
        " JobTimeoutRebootArgument JobTimeoutSec JoinsNamespaceOf OnFailure"
        " OnFailureJobMode OnSuccess OnSuccessJobMode PartOf PropagatesReloadTo"
        " PropagatesStopTo RebootArgument RefuseManualStart RefuseManualStop"
        " ReloadPropagatedFrom Requires RequiresMountsFor Requisite StartLimitAction"
        " StartLimitBurst StartLimitIntervalSec StopPropagatedFrom StopWhenUnneeded"
        " SuccessAction SuccessActionExitStatus Upholds Wants WantsMountsFor"
        " SurviveFinalKillSignal"
    ),
    "Install": "WantedBy RequiredBy UpheldBy",
    "Service": (
        "Type ExitType RemainAfterExit PIDFile BusName ExecStart ExecStartPre ExecStartPost"
        " ExecCondition ExecReload ExecStop ExecStopPost RestartSec RestartSteps RestartMaxDelaySec"
        " TimeoutStartSec TimeoutStopSec TimeoutAbortSec TimeoutSec TimeoutStartFailureMode"
        " TimeoutStopFailureMode RuntimeMaxSec RuntimeRandomizedExtraSec WatchdogSec Restart"
        " RestartMode SuccessExitStatus RestartPreventExitStatus RestartForceExitStatus"
        " RootDirectoryStartOnly NonBlocking NotifyAccess FileDescriptorStoreMax"
        " USBFunctionDescriptors USBFunctionStrings OOMPolicy OpenFile ReloadSignal"
        " KillMode KillSignal RestartKillSignal SendSIGHUP SendSIGKILL FinalKillSignal"
        " WatchdogSignal"
        " ExecSearchPath WorkingDirectory RootDirectory RootImage RootImageOptions RootEphemeral"
        " RootHash RootHashSignature RootVerity RootImagePolicy MountImagePolicy"
        " ExtensionImagePolicy ProtectProc ProcSubset BindPaths BindReadOnlyPaths"
        " MountImages ExtensionImages ExtensionDirectories User Group DynamicUser"
        " SupplementaryGroups PAMName CapabilityBoundingSet AmbientCapabilities NoNewPrivileges"
        " SecureBits SELinuxContext AppArmorProfile SmackProcessLabel LimitCPU LimitFSIZE LimitDATA"
        " LimitSTACK LimitCORE LimitRSS LimitNOFILE LimitAS LimitNPROC LimitMEMLOCK LimitLOCKS"
        " LimitSIGPENDING LimitMSGQUEUE LimitNICE LimitRTPRIO LimitRTTIME UMask CoredumpFilter"
        " KeyringMode OOMScoreAdjust TimerSlackNSec Personality IgnoreSIGPIPE Nice"
        " CPUSchedulingPolicy CPUSchedulingPriority CPUSchedulingResetOnFork CPUAffinity"
        " NUMAPolicy NUMAMask IOSchedulingClass IOSchedulingPriority ProtectSystem ProtectHome"
        " RuntimeDirectory StateDirectory CacheDirectory LogsDirectory ConfigurationDirectory"
        " TimeoutCleanSec ReadWritePaths ReadOnlyPaths InaccessiblePaths ExecPaths NoExecPaths"
        " TemporaryFileSystem PrivateTmp PrivateDevices PrivateNetwork NetworkNamespacePath"
        " PrivateIPC IPCNamespacePath PrivatePIDs PrivateUsers PrivateBPF ProtectHostname"
        " ProtectClock ProtectKernelTunables ProtectKernelModules ProtectKernelLogs"
        " ProtectControlGroups RestrictAddressFamilies RestrictFileSystems RestrictNamespaces"
        " LockPersonality MemoryDenyWriteExecute RestrictRealtime RestrictSUIDSGID"
        " PrivateMounts MountFlags SystemCallFilter SystemCallErrorNumber SystemCallArchitectures"
        " SystemCallLog Environment EnvironmentFile PassEnvironment UnsetEnvironment StandardInput"
        " StandardOutput StandardError StandardInputText StandardInputData LogLevelMax"
        " LogExtraFields LogRateLimitIntervalSec LogRateLimitBurst LogFilterPatterns LogNamespace"
        " SyslogIdentifier SyslogFacility SyslogLevel SyslogLevelPrefix TTYPath TTYReset TTYVHangup"
        " TTYRows TTYColumns TTYVTDisallocate LoadCredential LoadCredentialEncrypted"
        " ImportCredential SetCredential SetCredentialEncrypted UtmpIdentifier UtmpMode"
        " CPUWeight StartupCPUWeight CPUQuota CPUQuotaPeriodSec AllowedCPUs StartupAllowedCPUs"
        " AllowedMemoryNodes StartupAllowedMemoryNodes MemoryMin MemoryLow MemoryHigh MemoryMax"
        " MemorySwapMax MemoryZSwapMax TasksMax IOWeight StartupIOWeight IODeviceWeight"
        " IOReadBandwidthMax IOWriteBandwidthMax IOReadIOPSMax IOWriteIOPSMax"
        " IODeviceLatencyTargetSec IPAddressAllow IPAddressDeny IPIngressFilterPath"
        " IPEgressFilterPath BPFProgram SocketBindAllow SocketBindDeny RestrictNetworkInterfaces"
        " NFTSet DeviceAllow DevicePolicy Slice Delegate DelegateSubgroup DisableControllers"
        " ManagedOOMSwap ManagedOOMMemoryPressure ManagedOOMMemoryPressureLimit"
        " ManagedOOMPreference CPUShares StartupCPUShares MemoryLimit BlockIOWeight"
        " StartupBlockIOWeight BlockIODeviceWeight BlockIOReadBandwidth BlockIOWriteBandwidth"
        " MemoryPressureWatch MemoryPressureThresholdSec CoredumpReceive"
        " Frobnicate"
    ),
    "Socket": (
        "ListenStream ListenDatagram ListenSequentialPacket ListenFIFO ListenSpecial ListenNetlink"
        " ListenMessageQueue ListenUSBFunction SocketProtocol BindIPv6Only Backlog BindToDevice"
        " SocketUser SocketGroup SocketMode DirectoryMode Accept MaxConnectionsPerSource"
        " KeepAlive KeepAliveTimeSec KeepAliveIntervalSec KeepAliveProbes NoDelay Priority"
        " DeferAcceptSec ReceiveBuffer SendBuffer IPTOS IPTTL Mark ReusePort SmackLabel"
        " SmackLabelIPIn SmackLabelIPOut SELinuxContextFromNet PipeSize"
        " MessageQueueMaxMessages MessageQueueMessageSize FreeBind Transparent Broadcast"
        " PassCredentials PassSecurity PassPacketInfo Timestamping TCPCongestion ExecStartPre"
        " ExecStartPost ExecStopPre ExecStopPost RemoveOnStop Symlinks"
        " FileDescriptorName TriggerLimitIntervalSec TriggerLimitBurst User"
    ),
    "Timer": (
        "OnActiveSec OnBootSec OnStartupSec OnUnitActiveSec OnUnitInactiveSec OnCalendar"
        " RandomizedDelaySec FixedRandomDelay OnClockChange OnTimezoneChange Persistent"
        " WakeSystem AccuracySec Frobnicate"
    ),
    "Path": "PathExists PathExistsGlob PathChanged PathModified DirectoryNotEmpty",
}
# For each, a value that asks for something; else "yes" is one.
ASKING = {
    **dict.fromkeys(("After", "Before", "BindsTo", "Requires", "Requisite", "Wants", "OnFailure",
                     "PartOf", "Upholds", "OnSuccess", "Conflicts"), "other.service"),
    **dict.fromkeys(("ExecStart", "ExecStartPre", "ExecStartPost", "ExecReload", "ExecStop",
                     "ExecStopPost", "ExecCondition"), "/bin/echo $X"),
    **dict.fromkeys(("MemoryMax", "MemoryHigh", "MemorySwapMax", "MemoryMin", "MemoryLow",
                     "LimitFSIZE", "LimitDATA", "LimitSTACK", "LimitCORE", "LimitRSS",
                     "LimitNOFILE", "LimitAS", "LimitNPROC", "LimitMEMLOCK", "LimitSIGPENDING",
                     "LimitMSGQUEUE"), "64K"),
    **dict.fromkeys(("RestartSec", "RestartMaxDelaySec", "TimeoutStartSec", "TimeoutStopSec",
                     "TimeoutSec", "WatchdogSec", "LimitCPU", "LimitRTTIME", "OnActiveSec",
                     "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec",
                     "RandomizedDelaySec", "StartLimitIntervalSec"), "7s"),
    **dict.fromkeys(("KillSignal", "RestartKillSignal", "FinalKillSignal", "WatchdogSignal",
                     "ReloadSignal"), "SIGUSR1"),
    **dict.fromkeys(("RuntimeDirectory", "StateDirectory", "CacheDirectory", "LogsDirectory",
                     "ConfigurationDirectory"), "app"),
    **dict.fromkeys(("ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths", "BindPaths",
                     "BindReadOnlyPaths", "TemporaryFileSystem", "WorkingDirectory", "ExecPaths",
                     "RootDirectory", "NoExecPaths", "EnvironmentFile", "TTYPath", "PathExists",
                     "PathChanged", "PathModified", "NetworkNamespacePath", "IPCNamespacePath",
                     "ListenFIFO", "DirectoryNotEmpty"), "/srv/app"),
    **dict.fromkeys(("IOReadBandwidthMax", "IOWriteBandwidthMax", "IOReadIOPSMax",
                     "IOWriteIOPSMax"), "/dev/sda 5M"),
    **dict.fromkeys(("SuccessExitStatus", "RestartPreventExitStatus", "RestartForceExitStatus"),
                    "TEMPFAIL 250"),
    **dict.fromkeys(("ProtectProc", "OOMPolicy", "ProcSubset", "ExitType", "KeyringMode",
                     "SystemCallArchitectures", "ManagedOOMSwap", "TimeoutStopFailureMode",
                     "TimeoutStartFailureMode", "ManagedOOMMemoryPressure"), "other"),
    "PIDFile": "/run/app.pid", "Restart": "always", "Type": "notify", "KillMode": "mixed",
    "SendSIGKILL": "no", "User": "nobody", "Group": "daemon", "SupplementaryGroups": "adm",
    "CapabilityBoundingSet": "CAP_KILL", "AmbientCapabilities": "CAP_KILL", "UMask": "027",
    "OOMScoreAdjust": "5", "Nice": "5", "CPUSchedulingPolicy": "batch", "LimitNICE": "+5",
    "CPUSchedulingPriority": "5", "CPUAffinity": "0", "IOSchedulingClass": "idle",
    "IOSchedulingPriority": "7", "SystemCallFilter": "@mount", "Environment": "A=1",
    "PassEnvironment": "A", "StandardInput": "tty", "StandardOutput": "null", "LimitRTPRIO": "5",
    "StandardError": "null", "CPUWeight": "50", "CPUQuota": "20%", "AllowedCPUs": "0",
    "TasksMax": "50", "IOWeight": "50", "DeviceAllow": "/dev/null rw", "DevicePolicy": "closed",
    "FileDescriptorStoreMax": "5", "WantedBy": "other.service", "RequiredBy": "other.service",
    "ListenStream": "8080", "ListenDatagram": "8081", "BindIPv6Only": "no", "Backlog": "5",
    "SocketUser": "nobody", "SocketGroup": "daemon", "SocketMode": "0600",
    "SyslogLevelPrefix": "no",
    "FileDescriptorName": "web", "OnCalendar": "daily", "PrivateNetwork": "yes",
    "StartLimitBurst": "9", "DirectoryMode": "0700", "OnFailureJobMode": "fail",
    "RestartSteps": "5", "MountFlags": "shared", "SystemCallErrorNumber": "E2BIG",
}  # fmt: skip
# What these say counts only together with something else.
BESIDE = {
    "RestartSteps": "Restart=always\nRestartMaxDelaySec=50", "TimeoutStartSec": "Type=notify",
    "RestartMaxDelaySec": "Restart=always",
    "RestartSec": "Restart=always", "RestartPreventExitStatus": "Restart=always",
    "StartLimitBurst": "Restart=always", "StartLimitIntervalSec": "Restart=always",
    "PIDFile": "Type=forking", "TTYPath": "StandardInput=tty",
    "CPUSchedulingPriority": "CPUSchedulingPolicy=fifo",
    "SystemCallErrorNumber": "SystemCallFilter=~@mount",
}  # fmt: skip
# A service that is there to have everything, and what is beside it.
OTHER = "[Service]\nExecStart=/bin/other\n[Install]\nWantedBy=multi-user.target\n"
USUAL = {
    "socket": "ListenStream=/run/app.sock\nListenStream=127.0.0.1:90\n",
    "timer": "OnCalendar=weekly\n",
}
TYPES = {"Socket": "socket", "Timer": "timer", "Path": "path"}


def written(home: pathlib.Path, section: str, line: str, beside: str) -> str:
    """What is made of a line; the paths of the files are the same each time."""
    kind = TYPES.get(section)
    service = "[Service]\nExecStart=/bin/app\nType=oneshot\n" if section == "Path" else (
        "[Service]\nExecStart=/bin/app\n"
    )  # fmt: skip
    extra = f"[{section}]\n{line}\n"
    where = "Unit" if beside.startswith("StartLimit") else "Service"
    service += "" if kind else (f"[{where}]\n{beside}\n{extra}")
    (home / "app.service").write_text(service)
    (home / "other.service").write_text(OTHER)
    for one in TYPES.values():
        (home / f"app.{one}").unlink(missing_ok=True)
    if kind:
        usual = USUAL.get(kind, "")
        (home / f"app.{kind}").write_text(f"[{section}]\n{usual}{line}\n")
    return settle(convert([str(home)], Wishes({}), "systemd"), "nsinit.toml", {})


@pytest.mark.parametrize("section", KEYS)
def test_nothing_is_dropped_when_a_unit_has_any_key(tmp_path: pathlib.Path, section: str) -> None:
    """Each key of the manual, with a value that asks for something, changes the result."""
    dropped = []
    without: dict[str, str] = {}
    keys = KEYS[section].split()
    if section == "Unit":
        keys += [f"{kind}{test}" for kind in ("Condition", "Assert") for test in TESTS.split()]
    for key in keys:
        beside = BESIDE.get(key, "")
        if beside not in without:
            without[beside] = written(tmp_path, section, "", beside)
        line = f"{key}={ASKING.get(key, 'yes')}"
        text = written(tmp_path, section, line, beside)
        if text == without[beside]:
            dropped.append(line)
    assert not dropped
    prove(text, "nsinit.toml", {})


def test_nothing_is_told_when_a_switch_is_off(tmp_path: pathlib.Path) -> None:
    """Who says that something is not wanted misses nothing."""
    words = (
        "PrivateUsers LockPersonality MemoryDenyWriteExecute RestrictNamespaces RestrictRealtime"
        " RestrictSUIDSGID PrivateTmp PrivateDevices ProtectClock PrivateNetwork DynamicUser"
        " Delegate TTYReset IgnoreSIGPIPE RemainAfterExit ProtectSystem ProtectHome"
    )
    plain = written(tmp_path, "Service", "", "")
    lines = "\n".join(f"{key}=no" for key in words.split())
    assert written(tmp_path, "Service", lines, "") == plain
    kept = ("CapabilityBoundingSet", "ExecStart")  # these say something by saying nothing
    empty = "\n".join(f"{key}=" for key in KEYS["Service"].split() if key not in kept)
    assert written(tmp_path, "Service", empty, "") == plain
