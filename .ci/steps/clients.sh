# The client packages, by their own tests against services that the tests control, and
# the ten lines of their READMEs.
#
# Debian's own Go and Node may be too old for the packages. No toolchain is downloaded: such a package is
# left out then, and that is said.
# shellcheck shell=bash
set -euo pipefail

# Whether a version is at least another one.
is_at_least() {
    [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]
}

languages=(--only java --only python --only rust)
go=$(GOTOOLCHAIN=local go env GOVERSION)
node=$(node --version)
if is_at_least "${go#go}" 1.26; then
    languages+=(--only go)
else
    echo "clients/go is LEFT OUT: it needs Go 1.26, and this is $go"
fi
if is_at_least "${node#v}" 20.3; then
    languages+=(--only node)
else
    echo "clients/node is LEFT OUT: it needs Node 20.3, and this is $node"
fi
export MILLPOND_REQUIRE_ALL=1
cargo run --release --locked --quiet -p millpond-acceptance --bin clients -- "${languages[@]}"
