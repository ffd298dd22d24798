# Sourced by the steps that run what README.md tells people to run.
# shellcheck shell=bash

# Prints the first command in README.md's code blocks that starts with $1, without the
# prompt before it and the comment after it. Fails when there is none.
readme_command() {
    awk -v start="$1" '
        /^ *```/ { code = !code; next }
        code {
            sub(/^ *(\$ )?/, ""); sub(/ +#.*$/, "")
            if (index($0, start) == 1) { print; found = 1; exit }
        }
        END { exit !found }
    ' README.md && return 0
    echo "README.md has no command that starts with: $1" >&2
    return 1
}
