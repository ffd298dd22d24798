# Lints the protocol, and checks that it does not break callers of an earlier version.
#
# Until v1 is released, the protocol may start again: a commit that changes proto/ and has the
# footer "BREAKING CHANGE: ..." is such a start, and no earlier protocol is compared.
# shellcheck shell=bash
set -euo pipefail
buf lint

# Code for these languages is generated without options of protoc. buf has no rule for that.
for option in csharp_namespace go_package java_multiple_files java_outer_classname java_package; do
    lacking=$(grep -L "^option $option = " proto/millpond/v1/*.proto) || true
    [[ -z $lacking ]] || { echo "no option $option in: $lacking" >&2; exit 1; }
done

# Prints the newest commit since that start whose protocol differs from the present one. On a
# branch it searches the commits of main that the branch started from. On main it searches all.
# The start itself counts even if it is on the branch.
earlier() {
    local base commit
    base=$(git merge-base HEAD origin/main 2>/dev/null) || base=$(git merge-base HEAD main 2>/dev/null) || base=HEAD
    for commit in $(git rev-list "$base" ${beginning:+"$beginning" --not "$beginning^@"} -- proto); do
        git cat-file -e "$commit:proto" 2>/dev/null || continue
        git diff --quiet "$commit" -- proto || { echo "$commit"; return 0; }
    done
}

beginning="" commit=""
if git rev-parse --quiet --verify HEAD >/dev/null; then
    beginning=$(git log -1 --format=%H --grep='^BREAKING CHANGE: ' HEAD -- proto)
    commit=$(earlier)
fi
if [[ -n $commit ]]; then
    echo "compared with $(git log -1 --format='%h %s' "$commit")"
    before=target/ci/proto-before
    rm -rf "$before"
    mkdir -p "$before"
    git archive "$commit" proto | tar -x -C "$before"
    cp buf.yaml "$before"
    buf breaking --against "$before"
elif [[ -n $beginning ]]; then
    echo "nothing to compare with: the protocol starts with $(git log -1 --format='%h %s' "$beginning")"
elif [[ $(git rev-parse --is-shallow-repository) == true ]]; then
    echo "this clone is shallow and holds no earlier protocol: run git fetch --unshallow" >&2
    exit 1
else
    echo "nothing to compare with: the history has no other protocol than this one"
fi
