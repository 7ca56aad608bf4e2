"""Every recorded transaction of the fixtures folder, cut out of whatever file holds it."""

from dataclasses import dataclass
from pathlib import Path

from oof_pipelines.testing.recorded_node.recording_files import find_recording_files, is_line_file, read_recording_file
from oof_pipelines.testing.recorded_node.recordings import KnownFacts, RecordingError, cut_recording

_FOLDERS = (
    "blocks",
    "tx_base64",
    "tx_block_element",
    "tx_json",
    "tx_json_parsed",
    "tx_other_shape",
    "ws_block_subscribe",
    "ws_transaction_subscribe",
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded transaction and the file it is from."""

    file: str
    body: bytes


def read_recorded(fixtures: Path) -> list[Recorded]:
    """Every recorded transaction, the whole mainnet block among them, in the order of the files' names."""
    found = []
    for folder in _FOLDERS:
        for path in find_recording_files(fixtures / folder):
            if path.name.endswith(".expected.json"):
                continue
            text, _ = read_recording_file(path)
            for part in text.splitlines() if is_line_file(path) else [text]:
                try:
                    recording = cut_recording(part, KnownFacts())
                except RecordingError:
                    continue
                found += [Recorded(f"{folder}/{path.name}", one.body) for one in recording.transactions]
    return found
