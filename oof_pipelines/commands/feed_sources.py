"""The sources of `oof follow` beside the log sockets: which settings make which, and what they say at the start."""

import logging
import random

from oof_pipelines.interfaces import Clock
from oof_pipelines.settings import Settings, SettingsError
from oof_pipelines.source_settings import GEYSER
from oof_pipelines.transport.geyser import GeyserRefusesUsError, GeyserStream

logger = logging.getLogger(__name__)


async def geyser_stream(settings: Settings, clock: Clock, randomness: random.Random) -> GeyserStream | None:
    """The stream of OOF_GEYSER_URL where OOF_SOURCES names geyser.

    Raises `SettingsError` where the server does not let us in. One that does not answer is warned of: it may come later.
    """
    endpoint = settings.geyser.url
    if GEYSER not in settings.sources or endpoint is None:
        return None
    stream = GeyserStream(
        endpoint,
        settings.geyser.token,
        timeout_seconds=settings.rpc_timeout_seconds,
        clock=clock,
        randomness=randomness,
    )
    try:
        version = await stream.version()
    except GeyserRefusesUsError as error:
        raise SettingsError(str(error)) from None
    except ConnectionError as error:
        logger.warning("no Geyser server answers yet, trying on", extra={"reason": str(error)})
    else:
        logger.info("Geyser server answers", extra={"endpoint": str(endpoint), "version": version[:40]})
    return stream
