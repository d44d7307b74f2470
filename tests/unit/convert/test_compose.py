"""docker compose files: what becomes of each key, how files are merged, what is refused."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.convert.kinds import Wishes, convert, recognize
from nsinit.convert.proof import prove, settle
from nsinit.errors import ConvertError

if TYPE_CHECKING:
    import pathlib

    from nsinit.convert.document import Document

# The keys of a service in the specification.
_KEYS = """
annotations attach build blkio_config cpu_count cpu_percent cpu_shares cpu_period cpu_quota
cpu_rt_runtime cpu_rt_period cpus cpuset cap_add cap_drop cgroup cgroup_parent command
configs container_name credential_spec depends_on deploy develop device_cgroup_rules
devices dns dns_opt dns_search domainname driver_opts entrypoint env_file environment
expose extends external_links extra_hosts gpus group_add healthcheck hostname image init
ipc isolation labels label_file links logging mac_address mem_limit mem_reservation
mem_swappiness memswap_limit models network_mode networks oom_kill_disable oom_score_adj
pid pids_limit platform ports post_start pre_stop privileged profiles provider pull_policy
read_only restart runtime scale secrets security_opt shm_size stdin_open
stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user
userns_mode uts volumes volumes_from working_dir
"""
KEYS = _KEYS.split()
ASKING = {
    "attach": "false", "cpu_shares": "512", "cpu_quota": "50000", "cpu_period": "50000",
    "cpus": "1.5", "cpuset": "0-1", "cap_add": "[CHOWN]", "cap_drop": "[ALL]", "command": "x",
    "configs": "[c]", "depends_on": "[other]", "deploy": "{mode: global}", "gpus": "all",
    "devices": "[/dev/a:/dev/b]", "entrypoint": "/e", "env_file": ".env", "expose": "[80]",
    "environment": "{A: 1}", "extends": "other", "extra_hosts": "[a=10.0.0.1]",
    "group_add": "[5]", "healthcheck": "{test: ok}", "init": "true", "links": "[other]",
    "logging": "{driver: none}", "mem_limit": "1g", "memswap_limit": "1g",
    "mem_reservation": "1g", "networks": "{n: {ipv4_address: 10.0.0.2}}", "network_mode": "none",
    "oom_kill_disable": "true", "oom_score_adj": "100", "pid": "x", "ipc": "private", "uts": "y",
    "pids_limit": "100", "ports": "['80:8080']", "post_start": "[{command: x}]",
    "pre_stop": "[{command: x}]", "privileged": "true", "profiles": "[p]", "read_only": "true",
    "restart": "always", "scale": "3", "secrets": "[s]", "security_opt": "[label=x]",
    "shm_size": "64m", "stdin_open": "true", "stop_grace_period": "20s", "stop_signal": "INT",
    "tmpfs": "/x", "tty": "true", "ulimits": "{nofile: 100}", "user": "nobody",
    "use_api_socket": "true", "volumes": "[v:/v]", "working_dir": "/w",
}  # fmt: skip
# What they ask for is so here anyway, or comes from nowhere but the command.
SILENT = {"expose", "init", "links", "cpu_period", "extends"}
REST = """
  other: {command: "true"}
secrets: {s: {file: ./s.txt}}
configs: {c: {content: hello}}
"""
SYSLOG = "{syslog-address: 'udp://10.0.0.1:514', syslog-facility: local0, tag: shop}"
DROPPED = "command: x\ncap_drop: [ALL]\ncap_add: [CAP_NET_RAW]\n"
POLICY = "{condition: on-failure, delay: 5s, max_attempts: 3, window: 120s}"
RESTARTS = {
    "restart_delay": "100ms", "restart_max_delay": "1m", "restart_reset": "10s",
    "restart_limit": "unlimited",
}  # fmt: skip


def document(
    path: pathlib.Path, text: str, env: dict[str, str] | None = None, **wishes: Any
) -> Document:
    """What a file means."""
    (path / "compose.yaml").write_text(text)
    return convert([str(path)], Wishes(env or {}, **wishes))


def written(path: pathlib.Path, text: str, env: dict[str, str] | None = None, **wishes: Any) -> str:
    """The same as TOML that passes the checks."""
    made = settle(document(path, text, env, **wishes), "compose.yaml", env or {})
    prove(made, "n.toml", env or {})
    return made.replace(f"{path}/", "")


def tables(path: pathlib.Path, text: str, env: dict[str, str] | None = None, **wishes: Any) -> Any:
    """All that it holds."""
    return tomllib.loads(written(path, text, env, **wishes))


def one(path: pathlib.Path, keys: str, env: dict[str, str] | None = None) -> Any:
    """The table of a service of which only this is said, but its command and `restart = "no"`."""
    text = "".join(f"    {line}\n" for line in keys.split("\n"))
    made = tables(path, f"services:\n  a:\n{text}", env)["services"]["a"]
    return {k: v for k, v in made.items() if (k, v) not in (("command", "x"), ("restart", "no"))}


@pytest.mark.parametrize("key", KEYS)
def test_no_key_is_dropped_when_it_asks_for_something(tmp_path: pathlib.Path, key: str) -> None:
    """It changes the services, or there is a line that names it."""
    keys = {"image": "i", "command": "c"}
    if key == "memswap_limit":
        keys["mem_limit"] = "512m"
    plain = written(tmp_path, _text(keys))
    made = written(tmp_path, _text(keys | {key: ASKING.get(key, "something")}))
    told = f"services.a.{key} = " in made or f"services.a.{key}." in made
    assert told or made != plain or key in SILENT
    assert not (told and "knows no such" in made)


def _text(keys: dict[str, str]) -> str:
    lines = "".join(f"    {key}: {value}\n" for key, value in keys.items())
    return f"services:\n  a:\n{lines}{REST}"


@pytest.mark.parametrize(
    ("keys", "made"),
    [
        ("command: x", {}),
        ("command: [sh, -c, 'echo $$HOME $${X}']", {
            "command": ["sh", "-c", "echo $HOME $${X}"]}),
        ("entrypoint: /e a\ncommand: ['b c']", {"command": ["/e", "a", "b c"]}),
        ("command: x\nenvironment: {A: 1, B: yes, C: 0644, D: true, E: }", {"environment": {
            "A": "1", "B": "yes", "C": "0644", "D": "true"}}),
        ("command: x\nenvironment: [A=1=2, B]", {"environment": {"A": "1=2"}}),
        ("command: x\nrestart: always", {"restart": "always", **RESTARTS}),
        ("command: x\nrestart: unless-stopped", {"restart": "always", **RESTARTS}),
        ("command: x\nrestart: on-failure:3", {
            "restart": "on-failure", **RESTARTS, "restart_limit": 3}),
        ("command: x\nstop_signal: SIGQUIT\nstop_grace_period: 1m30s", {
            "stop_signal": "SIGQUIT", "stop_timeout": "1m30s"}),
        ("command: x\nhealthcheck: {test: curl -f localhost, interval: 5s}", {"health": {
            "exec": ["/bin/sh", "-c", "curl -f localhost"], "interval": "5s", "timeout": "30s",
            "retries": 3, "action": "none"}}),
        ("command: x\nhealthcheck: {test: [CMD, a, b], retries: 5, start_period: 1.5s}", {
            "health": {"exec": ["a", "b"], "interval": "30s", "timeout": "30s", "retries": 5,
                       "start_period": "1.5s", "action": "none"}}),
        ("command: x\nhealthcheck: {test: [NONE]}", {}),
        ("command: x\nhealthcheck: {disable: true}", {}),
        (("command: x\ncap_drop: [ALL]\ncap_add: [CAP_NET_RAW]\n"
         "security_opt: [no-new-privileges, 'seccomp:unconfined']"), {
            "cap_drop": ["ALL"], "cap_add": ["NET_RAW"], "no_new_privs": True,
            "seccomp": "unconfined"}),
        ("command: x\nvolumes: [/a:/b, '/c:/d:ro', /same:/same]", {"mounts": [
            {"source": "/a", "target": "/b"},
            {"source": "/c", "target": "/d", "options": ["ro"]}]}),
        ("command: x\nvolumes: [{type: tmpfs, target: /t, tmpfs: {size: 1m}}]", {"mounts": [
            {"type": "tmpfs", "target": "/t", "options": ["size=1048576"]}]}),
        ("command: x\ncpus: 0.50\nmem_limit: 64m\nmemswap_limit: 128m\npids_limit: 100", {
            "resources": {"cpu": 0.5, "memory": "64MiB", "swap": "64MiB", "pids": 100}}),
        ("command: x\ndeploy: {replicas: 2, resources: {limits: {cpus: '2', memory: 1gb}}}", {
            "replicas": 2, "resources": {"cpu": 2, "memory": "1GiB"}}),
        (("command: x\ndeploy: {restart_policy: {condition: on-failure, delay: 5s, "
         "max_attempts: 3, window: 120s}}"), {
            "restart": "on-failure", **RESTARTS, "restart_limit": 3, "restart_delay": "5s",
            "restart_reset": "2m"}),
        ("command: x\nulimits: {nofile: {soft: 10, hard: -1}, core: -1}", {
            "limits": {"nofile": "10:unlimited", "core": "unlimited"}}),
        ("command: x\nprofiles: [dev]", {"autostart": False, "tags": ["dev"]}),
        ("command: x\ntty: true\nstdin_open: true\nuser: '1:2'\nworking_dir: /w", {
            "tty": True, "user": "1:2", "working_dir": "/w"}),
        ("command: x\nlogging: {driver: none}", {"log": "null"}),
        ("command: x\nlogging: {driver: syslog}", {"log": "syslog"}),
        (f"command: x\nlogging: {{driver: syslog, options: {SYSLOG}}}", {"log": {
            "to": "syslog", "syslog": {
                "address": "udp:10.0.0.1:514", "facility": "local0", "app_name": "shop"}}}),
        ("command: x\nports: ['22:22']\nnetwork_mode: host\nx-more: 1", {}),
    ],
)  # fmt: skip
def test_service_behaves_the_same_when_converted(
    tmp_path: pathlib.Path, keys: str, made: dict[str, Any]
) -> None:
    """What differs from a service of which nothing is said."""
    assert one(tmp_path, keys) == made
    assert not document(tmp_path, (tmp_path / "compose.yaml").read_text()).findings


def test_conditions_are_kept_when_services_wait_for_each_other(tmp_path: pathlib.Path) -> None:
    """Healthy is ready, completed is a oneshot; a longer stop has its time."""
    made = tables(
        tmp_path,
        "services:\n"
        "  db: {command: db, restart: always, stop_grace_period: 20s,\n"
        "       healthcheck: {test: [CMD, ok], interval: 2s, timeout: 1s, start_period: 10s}}\n"
        "  job: {command: job, restart: always, depends_on: {db: {condition: service_healthy}}}\n"
        "  web:\n    command: web\n    depends_on:\n"
        "      job: {condition: service_completed_successfully}\n"
        "      db: {condition: service_started, required: false}\n",
    )
    db, job, web = (made["services"][name] for name in ("db", "job", "web"))
    assert db["ready"] == {"exec": ["ok"], "interval": "5s", "timeout": "1s"}
    assert db["start_timeout"] == "19s"
    assert (job["type"], job["restart"]) == ("oneshot", "on-failure")
    assert (web["depends_on"], web["wants"]) == ({"job": "completed"}, ["db"])
    assert made["init"]["shutdown_timeout"] == "36s"


def test_variables_stay_variables_when_they_can(tmp_path: pathlib.Path) -> None:
    """With what the .env says as the default; numbers and names count as they are now."""
    (tmp_path / ".env").write_text("FROM=dot\nPORT=81\n")
    made = one(
        tmp_path,
        "command: '$FROM ${NONE} ${D-d} ${E:-${F:-f}} ${G:?must} ${FROM:?x} ${ON:+on} $$X $1'\n"
        "stop_grace_period: ${WAIT:-5}s\nenvironment: {A: '$${B}', '${K}': v}",
        {"ON": "1", "K": "key"},
    )
    assert made["command"] == (
        "${FROM:-dot} ${NONE:-} ${D:-d} ${E:-${F:-f}} ${G:?must} ${FROM:-dot} on $$X $$1"
    )
    assert made["stop_timeout"] == "5s"
    assert made["environment"]["A"] == "$${B}"


def test_files_are_one_project_when_there_are_several(tmp_path: pathlib.Path) -> None:
    """Overrides, includes, what is extended, anchors: the nearest word counts."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "base.yml").write_text(
        "services:\n  base: {command: base, working_dir: /b, env_file: b.env,\n"
        "    environment: [A=base, B=base], depends_on: [more],\n"
        "    volumes: [./a:/a, {type: bind, source: ./b, target: /b}]}\n"
    )
    (tmp_path / "sub" / "more.yml").write_text("services: {more: {command: more}}\n")
    (tmp_path / "compose.override.yaml").write_text(
        "services:\n  web: {environment: {B: over}, command: over, ports: ['2:2']}\n"
    )
    made = tables(
        tmp_path,
        "include: [sub/more.yml]\n"
        "x-env: &env {A: anchor, C: anchor}\n"
        "services:\n"
        "  web:\n    extends: {file: sub/base.yml, service: base}\n"
        "    environment:\n      <<: *env\n      A: own\n    ports: ['1:1']\n",
    )["services"]
    assert list(made) == ["more", "web"]
    assert made["web"]["environment"] == {"A": "own", "B": "over", "C": "anchor"}
    assert (made["web"]["command"], made["web"]["working_dir"]) == ("over", "/b")
    assert made["web"]["depends_on"] == {"more": "started"}
    assert [mount["source"] for mount in made["web"]["mounts"]] == ["sub/a", "sub/b"]
    assert made["web"]["env_file"] == ["sub/b.env"][:1] or made["web"]["env_file"] == "sub/b.env"


def test_ports_and_names_are_those_of_a_sandbox_when_asked(tmp_path: pathlib.Path) -> None:
    """Without one there is a line for what is not so."""
    text = (
        "name: shop\nservices:\n"
        "  web: {command: x, ports: ['8080:80', {target: 53, published: 53, protocol: udp}, '9']}\n"
        "  db: {command: x, networks: {n: {aliases: [pg]}}, extra_hosts: ['h:10.0.0.1']}\n"
    )
    box = tables(tmp_path, text, sandbox=True)["sandbox"]
    assert box == {"name": "shop", "network": {
        "mode": "bridge", "nat": True, "publish": ["8080:80", "53:53/udp"],
        "hosts": {
            "web": "127.0.0.1", "db": "127.0.0.1", "h": "10.0.0.1", "pg": "127.0.0.1",
        }}}  # fmt: skip
    plain = written(tmp_path, text)
    assert "sandbox]\n" not in plain
    assert "services.web.ports = 8080:80 (" in plain
    assert "services.web.ports = 9 (" in plain
    assert "53:53" not in plain


def test_command_is_asked_for_when_it_is_that_of_the_image(tmp_path: pathlib.Path) -> None:
    """What stands in its place fails, and says why."""
    made = written(tmp_path, "services: {db: {image: 'postgres:16', restart: always}}")
    table = tomllib.loads(made)["services"]["db"]
    assert table["command"][2].endswith("is not in the file' >&2; exit 64")
    assert table["restart"] == "no"
    assert "# unsupported: compose.yaml:1: services.db.image = postgres:16 (its command" in made


def test_values_are_told_when_nsinit_refuses_them(tmp_path: pathlib.Path) -> None:
    """With their place and the reason."""
    made = written(
        tmp_path,
        "services:\n  a:\n    command: x\n    user: '99999999999'\n    stop_signal: SIGFOO\n"
        "    environment: {'A=B': c}\n    scale: 5000\n    tmpfs: relative\n",
    )
    for told in (
        "4: services.a.user = 99999999999 (nsinit: an id is",
        "5: services.a.stop_signal = SIGFOO (nsinit: expected a signal",
        "6: services.a.environment = A=B=c (nsinit: 'A=B' can't be",
        "services.a.replicas = 5000 (nsinit: expected a number",
        "services.a.mounts = type=tmpfs, target=relative (nsinit: expected an absolute path",
    ):
        assert told in made
    assert set(tomllib.loads(made)["services"]["a"]) == {"command", "restart"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "compose.yaml:1: not YAML: "),
        ("- a", "compose.yaml:1: expected a mapping with the key services"),
        ("services: {}\n", "compose.yaml: there are no services in it"),
        ("services:\n  a: 5\n", "compose.yaml:2: services.a: expected a mapping, got 5"),
        ("services:\n  a:\n    command: x\n    command: y\n", ":4: the key 'command' is there"),
        ("services:\n  a: {command: x, restart: maybe}\n", "a.restart: expected one of no"),
        ("services:\n  a: {command: x, depends_on: [b]}\n", "there is no service 'b'"),
        ("services:\n  a: {command: x, depends_on: [a]}\n", "a depends on itself"),
        ("services:\n  a: {command: x, depends_on: [b]}\n  b: {command: x, depends_on: [a]}\n",
         "these wait for each other: a -> b -> a"),
        ("services:\n  a: {command: \"'x\"}\n", "services.a.command: cannot be split into words"),
        ("services:\n  a: {command: x, mem_limit: lots}\n", "mem_limit: expected a size such as"),
        ("services:\n  a: {command: '${X'}\n", "${X has no closing brace"),
        ("services:\n  a: {command: x, cpus: '${X:?is missing}'}\n", "$X is not set: is missing"),
        ("services:\n  a: {extends: b}\n", "services.a.extends: there is no service 'b'"),
        ("services:\n  a: {extends: a}\n", "services extend each other"),
        ("include: compose.yaml\nservices:\n  a: {}\n", "files include each other"),
        ("a: &a [*a]\n", "too deep"),
        ("services:\n  a: {command: x, secrets: [no]}\n", "there is no 'no' among the secrets"),
    ],
)  # fmt: skip
def test_reason_is_told_when_compose_would_refuse_it_too(
    tmp_path: pathlib.Path, text: str, told: str
) -> None:
    """With the line."""
    with pytest.raises(ConvertError) as caught:
        document(tmp_path, text)
    assert told in caught.value.message


def test_file_is_recognized_when_it_looks_like_one(tmp_path: pathlib.Path) -> None:
    """By its name, or by having services."""
    for name, text in (("docker-compose.prod.yml", ""), ("stack.yaml", "services:\n")):
        (tmp_path / name).write_text(text)
        assert recognize(str(tmp_path / name)).name == "compose"


def test_package_is_named_when_it_is_missing(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an extra."""
    import sys

    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ConvertError, match="PyYAML is not installed") as caught:
        document(tmp_path, "services: {}")
    assert "nsinit[convert]" in caught.value.hint
