# Installs what the other steps use and the machine lacks, by package name: from Debian
# as root, and from the Python, Rust and Go registries into $TOOLS.
# shellcheck shell=bash
set -euo pipefail
: "${TOOLS:?run this step by .ci/run}"

cargo_deny=0.20.2
# The newest that Debian's own Go can build.
grpcurl=1.8.9

have() { command -v "$1" >/dev/null; }

debian_packages() {
    have git || echo git
    have cc || echo gcc libc6-dev
    have c++ || echo g++
    have make || echo make
    have perl && perl -MIPC::Cmd -MFindBin -e1 || echo perl
    python3 -c 'import ensurepip, venv' || echo python3 python3-venv
    # The tests' Kafka node: Maven fetches it, Java runs it.
    have java || echo openjdk-17-jre-headless
    have mvn || echo maven
    # What the comparison measures beside millpond.
    have redis-server || echo redis-server
    have memcached || echo memcached
    have taskset && have chrt || echo util-linux
    have pgrep || echo procps
    # The terminal of the tests of 'top'.
    have script || echo bsdutils
    have kubectl || echo kubernetes-client
    have go || echo golang-go
    # The test of the dashboard: npm fetches what drives the browser.
    have chromium || echo chromium
    have node || echo nodejs
    have npm || echo npm
}

install_debian_packages() {
    local missing
    read -ra missing <<<"$(debian_packages 2>/dev/null | tr '\n' ' ')"
    [[ ${#missing[@]} -gt 0 ]] || return 0
    if [[ $EUID -ne 0 ]]; then
        echo "as root, run: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "${missing[@]}"
}

install_python_packages() {
    [[ ! -e $TOOLS/python/complete ]] || return 0
    rm -rf "$TOOLS/python"
    python3 -m venv "$TOOLS/python"
    "$TOOLS/python/bin/pip" install --quiet --requirement .ci/requirements.txt
    touch "$TOOLS/python/complete"
}

install_cargo_deny() {
    [[ ! -x $TOOLS/bin/cargo-deny ]] || return 0
    # Unoptimised and without debug information: it runs for seconds, and would otherwise
    # compile for many minutes.
    CARGO_PROFILE_DEV_DEBUG=0 cargo install cargo-deny --version "$cargo_deny" --locked --quiet --debug --root "$TOOLS"
}

install_grpcurl() {
    [[ ! -x $TOOLS/bin/grpcurl ]] || return 0
    GOBIN="$TOOLS/bin" go install "github.com/fullstorydev/grpcurl/cmd/grpcurl@v$grpcurl"
}

# From Debian's package, which would also start a server if it were installed.
install_promtool() {
    local folder
    if have promtool || [[ -x $TOOLS/bin/promtool ]]; then return 0; fi
    folder=$(mktemp -d)
    apt-get update -qq
    (cd "$folder" && apt-get download -qq -o APT::Sandbox::User=root prometheus)
    dpkg-deb --fsys-tarfile "$folder"/prometheus_*.deb | tar -x -C "$folder" ./usr/bin/promtool
    install "$folder/usr/bin/promtool" "$TOOLS/bin/promtool"
    rm -rf "$folder"
}

for component in "fmt: rustfmt" "clippy: clippy"; do
    if ! cargo "${component%%:*}" --version; then
        echo "the Rust toolchain lacks ${component##* }: install that component" >&2
        exit 1
    fi
done
mkdir -p "$TOOLS/bin"
install_debian_packages
install_python_packages
install_cargo_deny
install_grpcurl
install_promtool
rustc --version
