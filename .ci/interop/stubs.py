"""The protocol's Python side, generated from proto/ each time, as any caller would."""

import pathlib
import shutil
import sys

import grpc_tools
from grpc_tools import protoc

FOLDER = pathlib.Path("target/ci/stubs")


def generate():
    """Makes `import millpond.v1.lookup_pb2` and its like work."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    files = [str(file) for file in pathlib.Path("proto").rglob("*.proto")]
    well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    options = ["-Iproto", f"-I{well_known}", f"--python_out={FOLDER}", f"--grpc_python_out={FOLDER}"]
    if protoc.main(["protoc", *options, *files]) != 0:
        raise AssertionError("the protocol does not compile for Python")
    sys.path.insert(0, str(FOLDER))
