"""Several instances of one service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsinit.model.differ import differ
from nsinit.model.load import Loaded, load, parse_source
from nsinit.model.replicas import base_of

if TYPE_CHECKING:
    from nsinit.model.differ import Difference

WEB = """
[services.db]
command = "db"
[services.web]
command = "web --port 80{{index}}"
environment = { NAME = "w{{index}}" }
replicas = 2
depends_on = ["db"]
[services.proxy]
command = "proxy {{index}}"
depends_on = { web = "started" }
after = ["web"]
"""


def loaded(text: str, **counts: int) -> Loaded:
    """A configuration that is right."""
    return load([parse_source("n.toml", text)], {}, counts)


def difference(old: str, new: str) -> Difference:
    """What an update from one text to the other would do."""
    return differ(loaded(old).config, loaded(new).config)


def test_each_instance_has_its_number_when_there_are_several() -> None:
    """In any text of the service; other services' braces are their own."""
    services = loaded(WEB).config.services
    assert list(services) == ["db", "web@1", "web@2", "proxy"]
    assert services["web@2"].command == ("web", "--port", "802")
    assert services["web@2"].environment == {"NAME": "w2"}
    assert services["proxy"].command == ("proxy", "{{index}}")


def test_dependents_wait_for_all_instances_when_they_name_the_service() -> None:
    """Each of the instances waits by itself."""
    made = loaded(WEB)
    assert made.config.services["proxy"].depends_on == {"web@1": "started", "web@2": "started"}
    assert made.plan.services["web@2"].needs == {"db": "ready"}
    assert made.plan.services["web@2"].replica_of == "web"
    assert made.plan.services["db"].replica_of == ""


def test_count_goes_before_the_file_when_it_is_given() -> None:
    """That is what `ctl scale` does; with none nobody waits for any."""
    assert list(loaded(WEB, web=3).config.services) == ["db", "web@1", "web@2", "web@3", "proxy"]
    assert loaded(WEB, web=0).config.services["proxy"].depends_on == {}


def test_base_is_known_when_a_name_is_that_of_an_instance() -> None:
    """No other name has the sign."""
    assert (base_of("web@2"), base_of("web")) == ("web", "")


def test_nothing_differs_when_only_words_around_it_do() -> None:
    """Comments, order, spelling of values."""
    assert difference(WEB, "# new\n" + WEB.replace('"db"\n', "['db']\n")).is_empty


def test_instances_come_and_go_when_their_number_changes() -> None:
    """The others are not touched."""
    found = difference(WEB, WEB.replace("replicas = 2", "replicas = 3"))
    assert (found.added, found.removed, found.restarted) == (["web@3"], [], {})
    found = difference(WEB, WEB.replace("replicas = 2", "replicas = 1"))
    assert (found.added, found.removed, found.restarted) == ([], ["web@2"], {})


def test_only_hard_keys_restart_when_keys_change() -> None:
    """Soft ones count from the next decision on; those of init wait for the next one."""
    more = '[init]\nshutdown_timeout = 5\nlog = "debug"\n'
    new = more + WEB.replace('command = "db"', 'command = "db"\nrestart = "always"')
    found = difference(WEB, new.replace('"proxy {{index}}"', '"proxy -v"'))
    assert found.restarted == {"proxy": ["command"]}
    assert found.adjusted == {"db": ["restart"]}
    assert found.ignored == ["init.log"]
