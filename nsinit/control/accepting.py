"""In which of the formats of metrics a client wants its answer. Pure.

Sources: RFC 9110, 12.5.1; the content types of OpenMetrics 1.0 and of Prometheus' text.
"""

from __future__ import annotations

from typing import Final

OPENMETRICS: Final = "openmetrics"
PROMETHEUS: Final = "prometheus"
FORMATS: Final = (OPENMETRICS, PROMETHEUS)
CONTENT_TYPES: Final = {
    OPENMETRICS: "application/openmetrics-text; version=1.0.0; charset=utf-8",
    PROMETHEUS: "text/plain; version=0.0.4; charset=utf-8",
}


def negotiate(accept: str | None) -> str:
    """Which of the formats an Accept header prefers (RFC 9110, 12.5.1).

    Without one it is OpenMetrics; for whoever takes anything, what a browser shows as text.
    """
    if accept is None:
        return OPENMETRICS
    best = {OPENMETRICS: 0.0, PROMETHEUS: 0.0}
    for item in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in item.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                quality = _quality(parameter[2:])
        if kind == "application/openmetrics-text" and "version=0.0.1" not in parameters:
            best[OPENMETRICS] = max(best[OPENMETRICS], quality)
        elif kind in ("text/plain", "text/*", "*/*"):
            best[PROMETHEUS] = max(best[PROMETHEUS], quality)
    is_asked = 0.0 < best[OPENMETRICS] >= best[PROMETHEUS]
    return OPENMETRICS if is_asked else PROMETHEUS


def _quality(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0
