# Sourced by steps that run commands of README.md.
# shellcheck shell=bash

# Prints the first command in README.md's code blocks that starts with $1, without its prompt and
# its trailing comment. Fails if there is none.
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
