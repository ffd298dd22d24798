#!/usr/bin/env bash
# Checks and tests the package: test.sh SCRATCH. All that is built goes to the folder SCRATCH.
# MILLPOND_TEST_ENDPOINT and the variables beside it name a service to test with: see tests/test_service.py.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mkdir -p "$1" && cd "$1" && pwd)
export PYTHONDONTWRITEBYTECODE=1

"$here/install.sh" "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet mypy==2.4.1 pytest==9.2.0 pytest-timeout==2.4.0 ruff==0.17.6 \
    types-protobuf==7.35.1.20260906
cd "$here"
"$scratch/venv/bin/ruff" format --no-cache --check .
"$scratch/venv/bin/ruff" check --no-cache .
(cd "$scratch" && venv/bin/mypy --config-file "$here/pyproject.toml" --cache-dir "$scratch/mypy" -p millpond_client)
"$scratch/venv/bin/pytest" -p no:cacheprovider --timeout 120 -v tests
