"""The methods of the Python clients, one for each row of the command table.

Made by scripts/gen-client; a test fails when it is out of date. Only type checkers and editors
read it: at run time the methods come from the table itself.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar

from nsinit.control.answers import looking, rows, steering
from nsinit.control.answers.basics import Failure

Names = str | Sequence[str]
R = TypeVar("R")

class Rows(Generic[R]):
    """A stream for asyncio: rows as they come; leaving the block closes the connection."""

    def __aiter__(self) -> AsyncIterator[R]: ...
    async def __anext__(self) -> R: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    async def aclose(self) -> None: ...

class Calls:
    """What a `Client` can be asked for."""

    def status(self, names: Names | None = None) -> looking.Status:
        """Show services: state, pid, since when, why."""

    def list(
        self,
        names: Names | None = None,
        *,
        state: Literal[
            "stopped", "waiting", "starting", "running", "stopping", "backoff", "exited", "failed"
        ]
        | None = None,
    ) -> looking.Listing:
        """List the names of services."""

    def wait(
        self,
        names: Names | None = None,
        *,
        state: Literal["ready", "running", "stopped", "exited"] | None = None,
        timeout: float | str | None = None,
    ) -> steering.Results:
        """Wait until services are ready, running, stopped or exited."""

    def health(self, names: Names | None = None) -> looking.Health:
        """Tell whether all that should run does, and is well."""

    def why(self, names: Names, *, lines: int | None = None) -> looking.Reasons:
        """Tell in words why services are as they are, down to the cause."""

    def history(self, names: Names | None = None, *, limit: int | None = None) -> looking.Past:
        """Show how the last runs of services ended: when, why, what they used and said last."""

    def record(
        self,
    ) -> Iterator[
        rows.RecordHead | rows.RecordBegin | rows.RecordEvent | rows.RecordError | rows.RecordEnd
    ]:
        """Show the flight record: what the core of init was told of late, for scripts/replay."""

    def blame(self, names: Names | None = None) -> looking.Boot:
        """Tell what the boot waited for: the slowest services and the critical chain."""

    def graph(self, names: Names | None = None) -> looking.Graph:
        """Show who needs whom, and how they are."""

    def tree(self, names: Names | None = None) -> looking.Tree:
        """Show the processes of services, strays among them."""

    def top(
        self, names: Names | None = None, *, interval: float | str | None = None
    ) -> looking.Top:
        """Show once what services use: CPU, memory, processes, descriptors."""

    def metrics(
        self,
        family: Names | None = None,
        *,
        format: Literal["openmetrics", "prometheus"] | None = None,
    ) -> str:
        """Print figures for a monitoring system, as OpenMetrics."""

    def livez(self) -> looking.Live:
        """Answer 200 while init does."""

    def readyz(self) -> looking.Ready:
        """Answer 200 when all is well, 503 with the reasons when not."""

    def openapi(self) -> dict[str, Any]:
        """Describe this interface as an OpenAPI document."""

    def start(
        self, names: Names, *, no_wait: bool | None = None, timeout: float | str | None = None
    ) -> steering.Results:
        """Start services and what they need, and wait until they run."""

    def stop(
        self, names: Names, *, no_wait: bool | None = None, timeout: float | str | None = None
    ) -> steering.Results:
        """Stop services and keep them down, and wait until they are."""

    def restart(
        self, names: Names, *, no_wait: bool | None = None, timeout: float | str | None = None
    ) -> steering.Results:
        """Stop services, start them again, and wait until they run."""

    def reload(
        self, names: Names, *, no_wait: bool | None = None, timeout: float | str | None = None
    ) -> steering.Results:
        """Let services read their configuration again, and wait until they have."""

    def reset(self, names: Names) -> steering.Results:
        """Forget the failures of services: failed becomes stopped, a backoff ends."""

    def pin(self, names: Names) -> steering.PinResults:
        """Keep services up or down as they are: start, stop and restart are refused."""

    def unpin(self, names: Names) -> steering.PinResults:
        """Let pinned services be started and stopped again."""

    def pause(self, names: Names, *, timeout: float | str | None = None) -> steering.PauseResults:
        """Freeze all processes of services; their timers, probes and watchdogs wait meanwhile."""

    def unpause(self, names: Names) -> steering.PauseResults:
        """Let paused services go on."""

    def attach(
        self, names: Names, *, lines: int | None = None
    ) -> Iterator[rows.LogLine | rows.Skipped]:
        """Show the last output of services and follow it."""

    def screen(
        self, name: str, *, lines: int | None = None
    ) -> Iterator[rows.Attached | rows.Shown | rows.Skipped | rows.Exited | rows.Killed | Failure]:
        """Show the terminal of a service, byte by byte."""

    def signal(self, signal: str | int, names: Names) -> steering.SignalResults:
        """Send a signal to the main process of services."""

    def logs(
        self,
        names: Names | None = None,
        *,
        follow: bool | None = None,
        lines: int | None = None,
        since: float | str | None = None,
        until: float | str | None = None,
        since_seq: int | None = None,
        run: str | None = None,
        stream: Literal["stdout", "stderr", "syslog", "journal"] | None = None,
    ) -> Iterator[rows.LogLine | rows.Skipped]:
        """Show the last output of services."""

    def events(
        self,
        names: Names | None = None,
        *,
        follow: bool | None = None,
        since_seq: int | None = None,
        type: str | None = None,
    ) -> Iterator[rows.Event]:
        """Show what happened to services."""

    def update(self, *, dry_run: bool | None = None) -> steering.Change:
        """Read the configuration again and bring services in line with it."""

    def scale(self, names: Names) -> steering.Change:
        """Have so many replicas of services, until the next update."""

    def shutdown(self, *, exit_code: int | None = None, now: bool | None = None) -> steering.Ending:
        """Stop everything in order, and end init."""

    def reexec(self, *, timeout: float | str | None = None) -> steering.Replaced:
        """Replace the program of init by what is installed now; nothing else is touched."""

    def version(self) -> looking.Version:
        """Show the version of the running init."""

class AsyncCalls:
    """What an `AsyncClient` can be asked for."""

    async def status(self, names: Names | None = None) -> looking.Status:
        """Show services: state, pid, since when, why."""

    async def list(
        self,
        names: Names | None = None,
        *,
        state: Literal[
            "stopped", "waiting", "starting", "running", "stopping", "backoff", "exited", "failed"
        ]
        | None = None,
    ) -> looking.Listing:
        """List the names of services."""

    async def wait(
        self,
        names: Names | None = None,
        *,
        state: Literal["ready", "running", "stopped", "exited"] | None = None,
        timeout: float | str | None = None,
    ) -> steering.Results:
        """Wait until services are ready, running, stopped or exited."""

    async def health(self, names: Names | None = None) -> looking.Health:
        """Tell whether all that should run does, and is well."""

    async def why(self, names: Names, *, lines: int | None = None) -> looking.Reasons:
        """Tell in words why services are as they are, down to the cause."""

    async def history(
        self, names: Names | None = None, *, limit: int | None = None
    ) -> looking.Past:
        """Show how the last runs of services ended: when, why, what they used and said last."""

    def record(
        self,
    ) -> Rows[
        rows.RecordHead | rows.RecordBegin | rows.RecordEvent | rows.RecordError | rows.RecordEnd
    ]:
        """Show the flight record: what the core of init was told of late, for scripts/replay."""

    async def blame(self, names: Names | None = None) -> looking.Boot:
        """Tell what the boot waited for: the slowest services and the critical chain."""

    async def graph(self, names: Names | None = None) -> looking.Graph:
        """Show who needs whom, and how they are."""

    async def tree(self, names: Names | None = None) -> looking.Tree:
        """Show the processes of services, strays among them."""

    async def top(
        self, names: Names | None = None, *, interval: float | str | None = None
    ) -> looking.Top:
        """Show once what services use: CPU, memory, processes, descriptors."""

    async def metrics(
        self,
        family: Names | None = None,
        *,
        format: Literal["openmetrics", "prometheus"] | None = None,
    ) -> str:
        """Print figures for a monitoring system, as OpenMetrics."""

    async def livez(self) -> looking.Live:
        """Answer 200 while init does."""

    async def readyz(self) -> looking.Ready:
        """Answer 200 when all is well, 503 with the reasons when not."""

    async def openapi(self) -> dict[str, Any]:
        """Describe this interface as an OpenAPI document."""

    async def start(
        self, names: Names, *, no_wait: bool | None = None, timeout: float | str | None = None
    ) -> steering.Results:
        """Start services and what they need, and wait until they run."""

    async def stop(
        self, names: Names, *, no_wait: bool | None = None, timeout: float | str | None = None
    ) -> steering.Results:
        """Stop services and keep them down, and wait until they are."""

    async def restart(
        self, names: Names, *, no_wait: bool | None = None, timeout: float | str | None = None
    ) -> steering.Results:
        """Stop services, start them again, and wait until they run."""

    async def reload(
        self, names: Names, *, no_wait: bool | None = None, timeout: float | str | None = None
    ) -> steering.Results:
        """Let services read their configuration again, and wait until they have."""

    async def reset(self, names: Names) -> steering.Results:
        """Forget the failures of services: failed becomes stopped, a backoff ends."""

    async def pin(self, names: Names) -> steering.PinResults:
        """Keep services up or down as they are: start, stop and restart are refused."""

    async def unpin(self, names: Names) -> steering.PinResults:
        """Let pinned services be started and stopped again."""

    async def pause(
        self, names: Names, *, timeout: float | str | None = None
    ) -> steering.PauseResults:
        """Freeze all processes of services; their timers, probes and watchdogs wait meanwhile."""

    async def unpause(self, names: Names) -> steering.PauseResults:
        """Let paused services go on."""

    def attach(
        self, names: Names, *, lines: int | None = None
    ) -> Rows[rows.LogLine | rows.Skipped]:
        """Show the last output of services and follow it."""

    def screen(
        self, name: str, *, lines: int | None = None
    ) -> Rows[rows.Attached | rows.Shown | rows.Skipped | rows.Exited | rows.Killed | Failure]:
        """Show the terminal of a service, byte by byte."""

    async def signal(self, signal: str | int, names: Names) -> steering.SignalResults:
        """Send a signal to the main process of services."""

    def logs(
        self,
        names: Names | None = None,
        *,
        follow: bool | None = None,
        lines: int | None = None,
        since: float | str | None = None,
        until: float | str | None = None,
        since_seq: int | None = None,
        run: str | None = None,
        stream: Literal["stdout", "stderr", "syslog", "journal"] | None = None,
    ) -> Rows[rows.LogLine | rows.Skipped]:
        """Show the last output of services."""

    def events(
        self,
        names: Names | None = None,
        *,
        follow: bool | None = None,
        since_seq: int | None = None,
        type: str | None = None,
    ) -> Rows[rows.Event]:
        """Show what happened to services."""

    async def update(self, *, dry_run: bool | None = None) -> steering.Change:
        """Read the configuration again and bring services in line with it."""

    async def scale(self, names: Names) -> steering.Change:
        """Have so many replicas of services, until the next update."""

    async def shutdown(
        self, *, exit_code: int | None = None, now: bool | None = None
    ) -> steering.Ending:
        """Stop everything in order, and end init."""

    async def reexec(self, *, timeout: float | str | None = None) -> steering.Replaced:
        """Replace the program of init by what is installed now; nothing else is touched."""

    async def version(self) -> looking.Version:
        """Show the version of the running init."""
