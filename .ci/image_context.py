"""Copies the files that deploy/Dockerfile copies from the source into a separate folder.

Usage: image_context.py FOLDER. A build in that folder sees exactly the files that the image's
builder sees. Fails if a source does not exist, or if .dockerignore excludes it.
"""

import pathlib
import shutil
import sys


def copies(dockerfile):
    """(sources, destination) of each COPY from the build context, not of those from stages."""
    for line in dockerfile.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words[:1] == ["COPY"] and not words[1].startswith("--"):
            yield words[1:-1], words[-1]


def admitted(dockerignore):
    """The paths that .dockerignore allows. It has to ignore everything first."""
    lines = dockerignore.read_text(encoding="utf-8").splitlines()
    rules = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if rules[:1] != ["*"] or not all(rule.startswith("!") for rule in rules[1:]):
        sys.exit('.dockerignore: want "*", then a "!PATH" for each path that is copied')
    return {pathlib.Path(rule[1:]) for rule in rules[1:]}


def lay_out(source, folder, paths):
    if not (source.is_file() or source.is_dir()):
        sys.exit(f"deploy/Dockerfile: it copies {source}, which does not exist")
    if not paths & {source, *source.parents}:
        sys.exit(f".dockerignore: it excludes {source}, which deploy/Dockerfile copies")
    if source.is_dir():
        shutil.copytree(source, folder / source, dirs_exist_ok=True)
    else:
        (folder / source).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, folder / source)


def main():
    folder = pathlib.Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    paths = admitted(pathlib.Path(".dockerignore"))
    for sources, destination in copies(pathlib.Path("deploy/Dockerfile")):
        if destination not in ("./", *sources):
            sys.exit(f"deploy/Dockerfile: COPY to {destination}: sources keep their place here")
        for source in sources:
            lay_out(pathlib.Path(source), folder, paths)


if __name__ == "__main__":
    main()
