"""What the shapes of all answers are made of."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta

Clock = Annotated[float, Meta(description="a clock time, in seconds since the epoch")]
Span = Annotated[float, Meta(description="seconds")]
Bytes = Annotated[int, Meta(description="bytes")]
Percent = Annotated[float, Meta(description="per cent of one CPU")]
Rate = Annotated[float, Meta(description="bytes per second")]
Pid = Annotated[int, Meta(description="as init sees it")]
State = Literal[
    "stopped", "waiting", "starting", "running", "stopping", "backoff", "exited", "failed"
]
Type = Literal["simple", "oneshot", "notify", "forking"]
Verdict = Literal["healthy", "unhealthy", "not-running"]


class Mistake(TypedDict):
    """What went wrong: a code for programs, the rest for people."""

    code: str
    message: str
    hint: NotRequired[str]


class Failure(TypedDict):
    """Any answer whose status is not 2xx, and the last row of a stream that went wrong."""

    error: Mistake
