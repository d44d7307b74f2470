"""Who is measured, and what: each a list to which one line is added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from . import (
    measure_fair,
    measure_grace,
    measure_idle,
    measure_life,
    measure_logs,
    measure_orphans,
    measure_restart,
    measure_sandbox,
    measure_scale,
    measure_single,
)
from .launcher import Bubblewrap, Nspawn, Unshare
from .launcher_network import Docker, NsinitNetwork
from .launcher_nsinit import NsinitSandbox
from .launcher_oci import Crun, Runc
from .peer_circus import Circus
from .peer_dinit import Dinit
from .peer_floor import FloorC, FloorEpoll, FloorStaged
from .peer_nsinit import Nsinit, NsinitScale
from .peer_nsinit_image import (
    Image,
    NsinitImage,
    NsinitImageSandbox,
    NsinitImageSingle,
)
from .peer_runit import Runit
from .peer_s6 import S6
from .peer_supervisord import Supervisord
from .single import Catatonit, DumbInit, NsinitSingle, Python, Tini

if TYPE_CHECKING:
    from .measure import Measure, Trial
    from .peer import Contender

OURS: Final = Nsinit.name
IMAGE: Final = Image.name
PEERS: Final[tuple[type[Contender], ...]] = (
    *(Nsinit, NsinitImage, FloorC, FloorEpoll, FloorStaged, Dinit, S6, Runit, Supervisord, Circus),
    *(NsinitSingle, NsinitImageSingle, Python, Tini, DumbInit, Catatonit),
    *(NsinitSandbox, NsinitImageSandbox, Unshare, Bubblewrap, Crun, Runc, Nspawn),
    *(NsinitNetwork, Docker),
    NsinitScale,
)
TRIALS: Final[tuple[Trial, ...]] = (
    measure_life.TRIAL,
    measure_restart.TRIAL,
    measure_orphans.TRIAL,
    measure_grace.TRIAL,
    measure_idle.TRIAL,
    *measure_logs.TRIALS,
    measure_fair.TRIAL,
    measure_single.TRIAL,
    *measure_sandbox.TRIALS,
    *measure_scale.TRIALS,
)
MEASURES: Final[dict[str, Measure]] = {m.name: m for trial in TRIALS for m in trial.measures}
FAMILIES: Final[dict[str, str]] = {m.name: trial.family for trial in TRIALS for m in trial.measures}
