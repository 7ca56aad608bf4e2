"""Every detector there is, and one call for all of them."""

from typing import Protocol

from oof_pipelines.detectors.bad_route import BadRoute
from oof_pipelines.detectors.bag_holder import BagHolder
from oof_pipelines.detectors.idle import Idle
from oof_pipelines.detectors.input import DetectorInput
from oof_pipelines.detectors.moment import Moment, fits
from oof_pipelines.detectors.rug import Rug
from oof_pipelines.detectors.sold_too_early import SoldTooEarly


class Detector(Protocol):
    """Finds moments of one kind. `version` goes up with every change that can give another moment for the same input."""

    @property
    def kind(self) -> str: ...

    @property
    def version(self) -> int: ...

    def detect(self, seen: DetectorInput) -> list[Moment]:
        """The moments of an input; the same ones for the same input, whatever the order of its parts."""
        ...


DETECTORS: tuple[Detector, ...] = (SoldTooEarly(), BagHolder(), BadRoute(), Idle(), Rug())

VERSIONS: dict[str, int] = {detector.kind: detector.version for detector in DETECTORS}
"""Kind → version."""


def detect_moments(seen: DetectorInput) -> list[Moment]:
    """What all detectors find, by time of the event, then id. Left out is what does not fit (`moment.fits`).

    Two events of one mint at one path have one id: the one that missed more is told, of equals the first.
    """
    found: dict[str, Moment] = {}
    for detector in DETECTORS:
        for moment in filter(fits, detector.detect(seen)):
            known = found.get(moment.id)
            if known is None or (moment.missed_usd_e18 or 0) > (known.missed_usd_e18 or 0):
                found[moment.id] = moment
    return sorted(found.values(), key=lambda moment: (moment.t_event_s, moment.id))
