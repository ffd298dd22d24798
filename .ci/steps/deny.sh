# What the dependencies may be, as deny.toml has it.
# shellcheck shell=bash
set -euo pipefail
cargo deny --locked check --hide-inclusion-graph bans licenses sources
