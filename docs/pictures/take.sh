#!/usr/bin/env bash
# Takes the pictures of README.md from two running demos, one of which leaks. It takes three minutes and
# needs chromium and pngquant. A release binary has to be there: cargo build --release
set -euo pipefail
cd "$(dirname "$0")"
millpond=${1:-../../target/release/millpond}

demo() { # RPC_PORT ADMIN_PORT [OPTION...]
    "$millpond" demo --for 4m --rpc-listen "127.0.0.1:$1" --admin-listen "127.0.0.1:$2" "${@:3}" > /dev/null &
    started+=("$!")
}
look_up() { # Some lookups, so that their charts show something.
    while sleep 0.2; do
        for _ in {1..20}; do printf 'svc-%05d ' $((RANDOM % 25000)); done |
            xargs "$millpond" get --endpoint http://127.0.0.1:18051 services > /dev/null 2>&1 || true
    done
}
picture() { # FILE ADMIN_PORT WIDTH,HEIGHT
    chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --virtual-time-budget=6000 \
        --window-size="$3" --screenshot="$1" "http://127.0.0.1:$2/" 2> /dev/null
    pngquant --force --ext .png "$1"
}

started=()
trap 'kill "${started[@]}" 2> /dev/null || true' EXIT
demo 18051 18081
demo 18052 18082 --leak
look_up &
started+=("$!")
sleep 28 # The memory of the second one grows, and no pressure acts yet.
picture memory-leak.png 18082 1280,545
picture memory-healthy.png 18081 1280,545
sleep 110
picture dashboard.png 18081 1440,852
