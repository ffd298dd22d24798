# The rules for dependencies in deny.toml.
# shellcheck shell=bash
set -euo pipefail
cargo deny --locked check --hide-inclusion-graph bans licenses sources
