"""The wire format: the committed modules are what the .proto files make, and these say what Yellowstone's own say."""

from pathlib import Path

import pytest
from geyser_protos import PROTOS, WIRE_FOLDER, generate
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet

from oof_pipelines.settings import REPOSITORY_ROOT


def compiled(folders: list[Path], files: list[str], out: Path) -> FileDescriptorSet:
    import grpc_tools
    from grpc_tools import protoc

    folders = [*folders, Path(grpc_tools.__file__).parent / "_proto"]
    target = out / "descriptors.bin"
    command = ["protoc", *(f"-I{folder}" for folder in folders), f"--descriptor_set_out={target}", *files]
    assert protoc.main(command) == 0
    return FileDescriptorSet.FromString(target.read_bytes())


def messages_of(files: FileDescriptorSet) -> dict[str, DescriptorProto]:
    return {f"{file.package}.{one.name}": one for file in files.file for one in file.message_type}


def enums_of(files: FileDescriptorSet) -> dict[str, EnumDescriptorProto]:
    return {f"{file.package}.{one.name}": one for file in files.file for one in file.enum_type}


def methods_of(file: FileDescriptorProto) -> dict[str, tuple[str, str, bool, bool]]:
    (service,) = file.service
    assert service.name == "Geyser"
    return {
        one.name: (one.input_type, one.output_type, one.client_streaming, one.server_streaming)
        for one in service.method
    }


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> FileDescriptorSet:
    files = [str(WIRE_FOLDER / name) for name in PROTOS]
    return compiled([REPOSITORY_ROOT], files, tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def theirs(fixtures_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> FileDescriptorSet:
    files = ["solana-storage.proto", "geyser.proto"]
    return compiled([fixtures_dir / "proto"], files, tmp_path_factory.mktemp("theirs"))


def test_the_modules_are_what_the_proto_files_make(tmp_path: Path) -> None:
    made = generate(tmp_path)
    assert len(made) == 4
    for path in made:
        committed = REPOSITORY_ROOT / path.relative_to(tmp_path)
        assert committed.read_text() == path.read_text(), f"{committed.name}: run make protos"


def test_every_field_is_theirs(ours: FileDescriptorSet, theirs: FileDescriptorSet) -> None:
    known = messages_of(theirs)
    compared = 0
    for name, message in messages_of(ours).items():
        fields = {field.number: field for field in known[name].field}
        for field in message.field:
            other = fields[field.number]
            assert (field.name, field.type, field.label, field.type_name, field.proto3_optional) == (
                other.name,
                other.type,
                other.label,
                other.type_name,
                other.proto3_optional,
            ), f"{name}.{field.name}"
            is_optional = field.proto3_optional
            assert is_optional or field.HasField("oneof_index") == other.HasField("oneof_index"), f"{name}.{field.name}"
            compared += 1
    assert compared > 120


def test_every_enum_is_theirs(ours: FileDescriptorSet, theirs: FileDescriptorSet) -> None:
    known = enums_of(theirs)
    mine = enums_of(ours)
    assert mine.keys() == {"geyser.CommitmentLevel", "geyser.SlotStatus", "solana.storage.ConfirmedBlock.RewardType"}
    for name, enum in mine.items():
        values = {value.name: value.number for value in enum.value}
        assert values == {value.name: value.number for value in known[name].value}, name


def test_every_method_is_theirs(ours: FileDescriptorSet, theirs: FileDescriptorSet) -> None:
    mine = methods_of(next(file for file in ours.file if file.package == "geyser"))
    known = methods_of(next(file for file in theirs.file if file.package == "geyser"))
    assert mine.items() <= known.items()
    assert {"Subscribe", "SubscribeReplayInfo", "Ping", "GetSlot", "GetVersion"} == mine.keys()
