"""How bodies are kept: zstd of the getTransaction result, unchanged."""

import zstandard

# Level 3 is zstd's default: 600 MB/s a core, and a body is written once. All bodies have one setting, since their
# compressed bytes are part of a partition's bytes.
_ZSTD_LEVEL = 3


def compress_body(body: bytes) -> bytes:
    """zstd of the body; the same bytes every time."""
    return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(body)


def decompress_body(body_zstd: bytes) -> bytes:
    """The body as the node sent it. Raises `zstandard.ZstdError` where it is not one of ours."""
    return zstandard.ZstdDecompressor().decompress(body_zstd)
