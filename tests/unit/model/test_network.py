"""The keys of a network: what is read, what is filled in, and what is refused."""

from __future__ import annotations

import pytest

from nsinit.errors import ConfigError
from nsinit.model.find import with_options
from nsinit.model.load import Loaded, load, parse_source
from nsinit.model.network import Interface, Network, links
from nsinit.model.options import combine, sandbox_options
from nsinit.model.sandboxes import Sandbox, origins
from nsinit.model.types import Names

REST = '\n[services.a]\ncommand = "x"\n'


def loaded(text: str) -> Loaded:
    """A sandbox in a configuration that is complete."""
    return load([parse_source("n.toml", f"[sandbox]\n{text}{REST}")], {"GATE": "10.0.0.9"})


def box(text: str) -> Sandbox:
    """The same, when it is right."""
    made = loaded(text).config.sandbox
    assert made is not None
    return made


def network(text: str) -> Network:
    """Its network."""
    made = box(text).network
    assert made is not None
    return made


def told(text: str) -> list[str]:
    """What is told about a network."""
    try:
        found = loaded(text)
    except ConfigError as error:
        return [f"{p.path.removeprefix('sandbox.network.')}: {p.message}" for p in error.problems]
    return [f"{p.path}: {p.message}" for p in found.warnings]


@pytest.mark.parametrize(
    ("text", "way", "net"),
    [
        ('network = "none"', "none", "new"),
        ('network = "host"', "host", "shared"),
        ('network = "bridge"', "bridge", "new"),
        ('network = "sandbox:web"', "join", "sandbox"),
        ('network = "/run/netns/x"', "join", "path"),
        ("network = 1234", "join", "pid"),
        ('network = "1234"', "join", "pid"),
        ('network = {address = "10.0.0.2/24"}', "bridge", "new"),
        ('network = {subnet = "10.0.0.0/24"}', "bridge", "new"),
        ('network = {mode = "join"}\nnamespaces = {net = 5}', "join", "pid"),
        ('network = {dns = "10.0.0.1"}\nnamespaces = {net = "new"}', None, "new"),
    ],
)
def test_mode_says_which_namespace_when_it_is_read(text: str, way: str, net: str) -> None:
    """In its short forms too; what has something to plug in is on a bridge."""
    made = box(text)
    assert made.network is not None
    assert (made.network.way, origins(made)["net"].way) == (way, net)


def test_what_is_left_out_is_filled_in_when_there_are_interfaces() -> None:
    """Names, types, the bridge; only the first has a route for all else."""
    assert links(network('network = "bridge"')) == [
        Interface(name="eth0", type="bridge", bridge="nsinit0", address=Names(("auto",)))
    ]
    text = """network = {bridge = "br0", interfaces = [
        {address = "10.0.0.2/24", mtu = 1400},
        {type = "macvlan", parent = "eth0", name = "lan"},
        {gateway = "10.0.0.1", bridge = "br1"},
        {type = "phys", parent = "eth1"},
    ]}"""
    assert links(network(text)) == [
        Interface(
            name="eth0", type="bridge", bridge="br0", address=Names(("10.0.0.2/24",)), mtu=1400
        ),
        Interface(name="lan", type="macvlan", parent="eth0", gateway=Names(("none",))),
        Interface(
            name="eth2",
            type="bridge",
            bridge="br1",
            address=Names(("auto",)),
            gateway=Names(("10.0.0.1",)),
        ),
        Interface(name="eth3", type="phys", parent="eth1", gateway=Names(("none",))),
    ]
    assert links(network('network = "none"')) == []
    assert links(None) == []


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ('"bridgex"', [
            ('mode: expected one of "none", "host", "bridge", "macvlan", "pasta", "slirp4netns",'
            " \"join\", got 'bridgex'"),
        ]),
        ('{address = "10.0.0.2"}', [('address[0]: the length of its prefix is missing:'
                                    ' "10.0.0.2/24"')]),
        ('{address = "fd00::2"}', [('address[0]: the length of its prefix is missing:'
                                   ' "fd00::2/64"')]),
        ('{address = "10.0.0.300/24"}', [('address[0]: expected an address such as "10.0.0.2/24",'
                                         " got '10.0.0.300/24'")]),
        ('{address = "10.0.0.0/24"}', ["address[0]: 10.0.0.0 is the subnet itself"]),
        ('{address = "10.0.0.255/24"}',
         ["address[0]: 10.0.0.255 is the broadcast address of its subnet"]),
        ('{address = "127.0.0.2/8"}', [("address[0]: 127.0.0.2 can't be the address of an"
                                       " interface")]),
        ('{address = ["10.0.0.2/24", "10.0.0.2/24", "10.0.0.2/16"]}',
         ["address[1]: 10.0.0.2 is there twice"]),
        ('{address = ["auto", "10.0.0.2/24"]}', ['address: "auto": stands alone']),
        ('{address = "10.0.0.2/24", gateway = "10.0.1.1"}',
         ["gateway[0]: 10.0.1.1 is in no subnet of the interface: 10.0.0.0/24"]),
        ('{address = "10.0.0.2/24", gateway = "10.0.0.2"}',
         ["gateway[0]: is the address of the sandbox itself"]),
        ('{address = "10.0.0.2/24", gateway = ["10.0.0.1", "10.0.0.3", "x"]}',
         ["gateway[1]: there are two of IPv4",
          "gateway[2]: expected an address or \"none\", got 'x'"]),
        ('{bridge = "a-name-that-is-too-long"}',
         ["bridge: the name of an interface has 1 to 15 bytes"]),
        ('{bridge = "a/b", mac = "01:00:00:00:00:01", mtu = 10}', [
            "bridge: 'a/b' can't be the name of an interface",
            'mac: expected one such as "02:00:00:00:00:01", got \'01:00:00:00:00:01\'',
            "mtu: expected a number from 68 to 65535, got 10",
        ]),
        ('"macvlan"', ["parent: a macvlan needs one: an interface of the host"]),
        ('{mode = "macvlan", parent = "eth0", address = "auto"}',
         ['address: "auto": a bridge is needed for that']),
        ('{mode = "bridge", parent = "eth0"}', ["parent: what is on a bridge has none"]),
        ('{interfaces = [{type = "phys", bridge = "b"}, {name = "eth0"}, {name = "lo"}]}', [
            "interfaces[0].bridge: a phys is on no bridge",
            "interfaces[0].parent: a phys needs one: the interface that is moved",
            "interfaces[1].name: there are two interfaces 'eth0'",
            "interfaces[2].name: is the loopback interface, which is there",
        ]),
        ('{interfaces = [{}], address = "10.0.0.2/24"}',
         ['address: stands in each of the "interfaces"']),
        ('{mode = "none", address = "10.0.0.2/24", bridge = "b"}', [
            "address: is of no use with the mode 'none'",
            "bridge: is of no use with the mode 'none'",
        ]),
        ('{subnet = ["10.0.0.0/30", "10.0.0.1/24", "10.0.0.0/31"]}', [
            "subnet[1]: expected \"10.0.0.0/24\", got '10.0.0.1/24'",
            "subnet[2]: expected \"10.0.0.0/24\", got '10.0.0.0/31'",
        ]),
        ('{mode = "macvlan", parent = "e", subnet = "10.0.0.0/24"}',
         ["subnet: is of a bridge, and there is none"]),
        ('{mode = "host", join = 5}', ["join: is of no use with the mode 'host'"]),
        ('{mode = "join"}', ["mode: says nothing of whose network it is"]),
        ('{join = "new"}',
         ["join: expected \"sandbox:NAME\", \"/path\" or a pid, got 'new'"]),
        ('"bridge"\nnamespaces = {net = "shared"}',
         ["sandbox.namespaces.net: the network needs a new one"]),
        ('"host"\nnamespaces = {net = "new"}',
         ["sandbox.namespaces.net: the network needs the host's"]),
        ("7\nnamespaces = {net = 8}", ["sandbox.namespaces.net: the network needs another one"]),
        ('{dns = ["8.8.8.8", "dns.google"], dns_search = ["a b"]}', [
            "dns[1]: expected an address, got 'dns.google'",
            "dns_search[0]: 'a b' is no domain",
        ]),
        ('{hosts = {"a b" = "10.0.0.1", db = ["10.0.0.2", "x"]}}', [
            "hosts.\"a b\": 'a b' is no name of a host",
            "hosts.db: expected an address, got 'x'",
        ]),
        ('{dns = "8.8.8.8"}\nnamespaces = {mount = "shared", pid = "shared"}',
         ["dns: others are in that mount namespace, and would see it"]),
        ("{}", ["sandbox.network: has no effect"]),
    ],
)  # fmt: skip
def test_mistake_is_told_when_a_network_makes_no_sense(text: str, problems: list[str]) -> None:
    """Each with where it is."""
    assert sorted(told(f"network = {text}")) == sorted(problems)


@pytest.mark.parametrize(
    ("file", "given", "made"),
    [
        ("", {"network": ["macvlan,parent=eth1"]}, {"mode": "macvlan", "parent": "eth1"}),
        ("", {"network": ["sandbox:a"]}, {"join": "sandbox:a"}),
        ("", {"dns": ["10.0.0.1"]}, {"dns": ("10.0.0.1",)}),
        ("", {"network": ["none"], "dns": ["10.0.0.1"]}, {"mode": "none", "dns": ("10.0.0.1",)}),
        ("", {"hosts": ["db=10.0.0.7"]}, {"hosts": {"db": ("10.0.0.7",)}}),
        ('network = "none"', {"dns": ["10.0.0.1"]}, {"mode": "none", "dns": ("10.0.0.1",)}),
        (
            'network = {bridge = "b", gateway = "${GATE}"}',
            {"address": ["10.0.0.3/24,fd00::3/64"]},
            {"bridge": "b", "gateway": ("10.0.0.9",), "address": ("10.0.0.3/24", "fd00::3/64")},
        ),
        ('network = {bridge = "b"}', {"network": ["none"]}, {"mode": "none"}),
    ],
)
def test_options_count_when_they_are_given(
    file: str, given: dict[str, list[str]], made: dict[str, object]
) -> None:
    """`--network` instead of the file's table, the others instead of a key in it."""
    known = sandbox_options()
    options = {known[key].path: combine(known[key], texts) for key, texts in given.items()}
    source = parse_source("n.toml", f"[sandbox]\n{file}{REST}")
    found = load(with_options([source], options), {"GATE": "10.0.0.9"}).config.sandbox
    assert found is not None
    assert found.network == Network(**made)  # type: ignore[arg-type]  # of any field


def test_option_is_named_when_its_value_is_wrong() -> None:
    """As for every other key."""
    source = parse_source("n.toml", REST)
    with pytest.raises(ConfigError) as caught:
        load(with_options([source], {"network.address": ["10.0.0.2"]}), {})
    assert str(caught.value).startswith("--address: [0]: the length of its prefix")
