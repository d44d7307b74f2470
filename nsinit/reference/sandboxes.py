"""The keys of `[sandbox]` and of the tables in it."""

from __future__ import annotations

from typing import Final

from nsinit.reference.key import Key, Texts
from nsinit.reference.services import SECURITY

_LINK: Final = {
    "parent": Key(
        "The host's interface that a macvlan is on, or that is moved in.", '"eth0"', "none"
    ),
    "address": Key(
        "10.231.9.2/24, or auto. Of IPv4 and IPv6; auto is the next that is free.",
        '["10.231.9.2/24", "fd90::2/64"]',
        "auto on a bridge, else none",
    ),
    "gateway": Key(
        "By whom to reach everybody else; none: nobody.",
        '"10.231.9.1"',
        "the bridge's address, of the first interface",
    ),
    "mac": Key("Its hardware address.", '"02:00:00:00:00:01"', "chosen by the kernel"),
    "mtu": Key("How much it sends at once (bytes).", "1400", "that of the bridge"),
}

TEXTS: Final[Texts] = {
    "Sandbox": {
        "names and namespaces": {
            "name": Key(
                "What nsinit list, enter, stop ... call it.",
                '"shop"',
                "made from that of the file or the command",
            ),
            "hostname": Key("Its host name.", '"shop"', "that of the host"),
            "domainname": Key("Its NIS domain name.", '"test"', "that of the host"),
            "namespaces": Key(
                'pid,net: new ones; net=shared, ipc=sandbox:NAME, uts=/run/x. By kind: "new",'
                ' "shared", a path, a pid, or "sandbox:NAME".',
                '{ net = "new", ipc = "sandbox:bank" }',
                "new ipc, uts, pid and mount; for an ordinary user also user",
            ),
            "users": Key(
                "Whose ids those inside are; KEY=VALUE,... for more.",
                '"auto"',
                '"keep" for root, "root" for others',
            ),
            "time_offsets": Key(
                "monotonic, boottime: how far they are from the host's.",
                "{ boottime = 86400 }",
                "none",
            ),
        },
        "files": {
            "image": Key("Its layers are the root; see nsinit image --help.", '"shop:1"', "none"),
            "bundle": Key("An OCI bundle; its process is the main service.", '"bundle"', "none"),
            "rootfs": Key("The root.", '"rootfs"', "that of the host"),
            "overlay": Key(
                "lower, upper, work, ephemeral: the root is an overlay.",
                '{ lower = ["rootfs"], ephemeral = true }',
                "none",
            ),
            "readonly": Key("Nobody can write to the root.", "true"),
            "mounts": Key(
                "Or type=tmpfs,target=/x; once for each mount. In a file"
                ' "SOURCE:TARGET[:OPTION,...]", or tables.',
                '["/srv/data:/data:ro", { type = "tmpfs", target = "/srv" }]',
            ),
            "propagation": Key(
                "private, slave, shared: of mounts between it and the host.",
                '"slave"',
                '"private"',
            ),
            "masked_paths": Key(
                "Nobody can see what is there.", '["/proc/kcore"]', "docker's list"
            ),
            "readonly_paths": Key(
                "Nobody can write to what is there.", '["/proc/sys"]', "docker's list"
            ),
            "devices": Key("Devices of the host to have in /dev.", '["/dev/fuse"]'),
            "sysctls": Key("Those of its own namespaces.", '{ "net.core.somaxconn" = 1024 }'),
            "sealed": Key("Init runs from a copy that nobody can write.", "true"),
        },
        "network and limits": {
            "network": Key(
                "none, host, bridge, macvlan, pasta, slirp4netns or sandbox:NAME. Or a table.",
                '{ mode = "bridge", publish = ["8080:80"] }',
                "that of the host",
            ),
            "resources": Key(
                "All of these in one. A cgroup of its own, with these limits.",
                '{ memory = "256M", cpu = 1.5, pids = 100 }',
                "no group",
            ),
            "resources_optional": Key("Warn of what can't be limited here, and go on.", "true"),
            "cgroup_parent": Key(
                "The cgroup to make its own in.", '"/machines"', "that of the launcher"
            ),
        },
        "what its services may do": SECURITY,
    },
    "Users": {
        "": {
            "map": Key(
                "root: you are root inside, and there is no other id; auto: root and subordinate"
                " ids; keep: who you are; none: nobody is anybody.",
                '"auto"',
                '"keep" for root, "root" for others',
            ),
            "uid_map": Key(
                "Rows of inside, outside, how many, instead of `map`.",
                '["0 1000 1", "1:100000:65536"]',
                "by `map`",
            ),
            "gid_map": Key(
                "The same for groups.", "[{ inside = 0, outside = 1000, size = 1 }]", "by `map`"
            ),
            "setgroups": Key(
                "Whether those inside can leave groups.",
                '"deny"',
                "as far as the kernel allows it",
            ),
            "subordinate": Key(
                "Whose ranges of /etc/subuid and /etc/subgid `auto` takes.",
                '"web"',
                "those of the caller",
            ),
            "nested": Key("Whether more user namespaces can be made inside.", "false"),
        }
    },
    "Clocks": {
        "": {
            "monotonic": Key("Seconds that CLOCK_MONOTONIC is ahead of the host's.", "60"),
            "boottime": Key("Seconds that CLOCK_BOOTTIME is ahead of the host's.", "86400"),
        }
    },
    "Mount": {
        "": {
            "target": Key("Where it is put.", '"/data"', "must be given"),
            "type": Key(
                "What it is: a file system, or a file, directory or link that is made.",
                '"tmpfs"',
                '"bind", with a `content` "file"',
            ),
            "source": Key("What is mounted, or what a link leads to.", '"/srv/data"', "none"),
            "options": Key("Options as of mount(8).", '["ro", "nosuid", "size=16m"]'),
            "content": Key("What is in a file that is made.", '"nameserver 192.0.2.53\\n"', "none"),
            "mode": Key("Mode bits of what is made.", '"0644"', "0644, of directories 0755"),
            "idmap": Key(
                "Rows of inside, outside, how many: whose the files are to be.",
                '"1000:0:1"',
                "none",
            ),
            "optional": Key("Leave it out where the source is missing.", "true"),
        }
    },
    "Overlay": {
        "": {
            "lower": Key(
                "Directories; the first lies over the others.",
                '["rootfs"]',
                "must be given, unless there is an image",
            ),
            "upper": Key("The directory that takes what is written.", '"upper"', "none"),
            "work": Key(
                "An empty directory beside `upper`.", '"work"', "`upper` with .work behind it"
            ),
            "ephemeral": Key("What is written is in memory, and gone at the end.", "true"),
        }
    },
    "Network": {
        "": {
            "mode": Key(
                "How it is connected.",
                '"bridge"',
                "bridge where a key is given that needs one",
            ),
            "join": Key(
                'Be in the network of another: "sandbox:NAME", a path or a pid.',
                '"sandbox:bank"',
                "none",
            ),
            "bridge": Key(
                "The bridge to be on (nsinit0). It is made if there is none.", '"br0"', "nsinit0"
            ),
            "subnet": Key(
                "Of a bridge that is made: 10.231.9.0/24.",
                '["10.231.90.0/24", "fd90::/64"]',
                "one that is free",
            ),
            **_LINK,
            "interfaces": Key(
                "Several interfaces, instead of one by the keys beside it.",
                '[{ bridge = "br0" }, { type = "macvlan", parent = "eth0" }]',
                "one, eth0",
            ),
            "dns": Key("Name servers.", '["10.231.90.1"]', "those of the host"),
            "dns_search": Key("Domains that names are looked for in.", '"shop.test"', "none"),
            "hosts": Key("Lines of /etc/hosts.", '{ db = "10.231.90.3" }'),
            "nat": Key("Let it out under the host's address.", "true"),
            "publish": Key(
                "Lead ports of the host to it: [ADDRESS:]PORT:TO[/udp]. Both may be ranges.",
                '["8080:80", "127.0.0.1:5353:53/udp"]',
                "none",
            ),
        }
    },
    "Interface": {
        "": {
            "name": Key("What it is called inside.", '"lan"', "eth0, eth1 ... by its place"),
            "type": Key(
                "What it is; phys moves an interface of the host in.", '"macvlan"', "as the mode"
            ),
            "bridge": Key("The bridge that it is on.", '"br0"', "nsinit0"),
            **_LINK,
        }
    },
    "Resources": {
        "": {
            "cpu": Key("CPUs' worth of time: 0.2, 20%.", '"20%"', "no limit"),
            "cpu_weight": Key(
                "Share among those who compete, 1 to 10000, usually 100.", "400", "100"
            ),
            "cpuset": Key("The CPUs to run on: 0-3,5.", '"0-3,5"', "all"),
            "memory": Key("Beyond it something is killed: 64M.", '"64M"', "no limit"),
            "memory_high": Key("Beyond it everything is slowed down.", '"48M"', "no limit"),
            "swap": Key("Swap besides.", "0", "no limit"),
            "pids": Key("Processes and threads.", "100", "no limit"),
            "io": Key(
                "weight, limits: what is read from disks, and written.",
                '{ limits = [{ device = "/dev/sda", write = "10MB" }] }',
                "no limit",
            ),
            "device_access": Key(
                'Devices that may be used: default,c 10:229 rw. "default" is what every /dev has.',
                '["default", "c 10:229 rw"]',
                "all",
            ),
        }
    },
    "Io": {
        "": {
            "weight": Key("Share among those who compete, 1 to 10000.", "50", "100"),
            "limits": Key(
                "How much per second, by device.", '[{ device = "8:0", read_ops = 100 }]'
            ),
        }
    },
    "IoLimit": {
        "": {
            "device": Key('A node, "8:0", or what is on the disk.', '"/dev/sda"', "must be given"),
            "read": Key("Bytes per second.", '"10MB"', "no limit"),
            "write": Key("Bytes per second.", '"10MB"', "no limit"),
            "read_ops": Key("Operations per second.", "100", "no limit"),
            "write_ops": Key("Operations per second.", "100", "no limit"),
        }
    },
}
