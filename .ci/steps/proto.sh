# The protocol: its lint, and that it breaks no caller of the one before it.
# shellcheck shell=bash
set -euo pipefail
buf lint

# Prints the newest commit on main whose protocol is another than the one here. On a
# branch that is main as it was left; on main itself, what main had before its latest
# change of the protocol.
previous() {
    local base commit
    base=$(git merge-base HEAD origin/main 2>/dev/null) || base=$(git merge-base HEAD main 2>/dev/null) || base=HEAD
    for commit in $(git rev-list "$base" -- proto); do
        git cat-file -e "$commit:proto" 2>/dev/null || continue
        git diff --quiet "$commit" -- proto || { echo "$commit"; return 0; }
    done
}

commit=""
! git rev-parse --quiet --verify HEAD >/dev/null || commit=$(previous)
if [[ -n $commit ]]; then
    echo "compared with $(git log -1 --format='%h %s' "$commit")"
    before=target/ci/proto-before
    rm -rf "$before"
    mkdir -p "$before"
    git archive "$commit" proto | tar -x -C "$before"
    cp buf.yaml "$before"
    buf breaking --against "$before"
elif [[ $(git rev-parse --is-shallow-repository) == true ]]; then
    echo "this clone is shallow and holds no earlier protocol: run git fetch --unshallow" >&2
    exit 1
else
    echo "nothing to compare with: the history has no other protocol than this one"
fi
