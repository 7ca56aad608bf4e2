"""Makes the modules of transport/geyser_wire/ from their .proto files: `make protos`.

Needs grpcio-tools, a tool of development. The modules are committed, so that nothing has to be made where they are used.
"""

from pathlib import Path

from oof_pipelines.settings import REPOSITORY_ROOT

WIRE_FOLDER = Path("oof_pipelines") / "transport" / "geyser_wire"
"""Where the .proto files and their modules are, below the checkout."""

PROTOS = ("solana_storage.proto", "geyser.proto")


class ProtoError(RuntimeError):
    """The compiler refused a .proto file; its words are on stderr."""


def generate(out: Path) -> list[Path]:
    """Write `…_pb2.py` and `…_pb2.pyi` of each proto below the folder `out`; the files written. Raises `ProtoError`."""
    import grpc_tools
    from grpc_tools import protoc

    well_known = Path(grpc_tools.__file__).parent / "_proto"
    files = [str(WIRE_FOLDER / name) for name in PROTOS]
    command = ["protoc", f"-I{REPOSITORY_ROOT}", f"-I{well_known}", f"--python_out={out}", f"--pyi_out={out}"]
    if protoc.main([*command, *files]) != 0:
        raise ProtoError("the .proto files of transport/geyser_wire/ do not compile")
    return sorted(out / WIRE_FOLDER / f"{Path(name).stem}_pb2{end}" for name in PROTOS for end in (".py", ".pyi"))


if __name__ == "__main__":
    generate(REPOSITORY_ROOT)
