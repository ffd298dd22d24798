"""Builds the stubs, and takes in what all clients share. The source tree is left as it is."""

import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAMES = ["entry", "errors", "lookup"]


class SharedFiles(BuildHookInterface):
    def initialize(self, version, build_data):
        root = Path(self.root)
        # A source distribution has the shared files within. In the repository they are elsewhere.
        is_repository = not (root / "proto").exists()
        proto = root.parent.parent / "proto" if is_repository else root / "proto"
        service_config = (root.parent if is_repository else root) / "service-config.json"
        if self.target_name == "sdist":
            for name in NAMES:
                file = f"millpond/v1/{name}.proto"
                build_data["force_include"][str(proto / file)] = f"proto/{file}"
            build_data["force_include"][str(service_config)] = "service-config.json"
            return
        self.scratch = tempfile.TemporaryDirectory()
        stubs = generate(proto, Path(self.scratch.name))
        build_data["force_include"][str(stubs)] = "millpond_client/_proto"
        build_data["force_include"][str(service_config)] = "millpond_client/service-config.json"

    def finalize(self, version, build_data, artifact_path):
        if self.target_name != "sdist":
            self.scratch.cleanup()


def generate(proto, scratch):
    """Returns a folder with the stubs, as a package that takes no name from its users."""
    files = [f"millpond/v1/{name}.proto" for name in NAMES]
    outputs = [f"--{kind}_out={scratch}" for kind in ("python", "pyi", "grpc_python")]
    known_types = resources.files("grpc_tools") / "_proto"
    if protoc.main(["protoc", f"-I{proto}", f"-I{known_types}", *outputs, *files]) != 0:
        raise RuntimeError("protoc failed")
    stubs = scratch / "millpond" / "v1"
    for file in stubs.iterdir():
        text = file.read_text()
        file.write_text(
            text.replace("from millpond.v1 import", "from millpond_client._proto import")
        )
    (stubs / "__init__.py").touch()
    return stubs
