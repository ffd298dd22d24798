"""Python stubs of the protocol, generated from proto/ at each start, as any caller would do."""

import pathlib
import shutil
import sys

import grpc_tools
from grpc_tools import protoc

FOLDER = pathlib.Path("target/ci/stubs")


def generate():
    """Makes modules such as `millpond.v1.lookup_pb2` importable."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    files = [str(file) for file in pathlib.Path("proto").rglob("*.proto")]
    well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    options = ["-Iproto", f"-I{well_known}", f"--python_out={FOLDER}", f"--grpc_python_out={FOLDER}"]
    if protoc.main(["protoc", *options, *files]) != 0:
        raise AssertionError("the protocol does not compile for Python")
    sys.path.insert(0, str(FOLDER))
