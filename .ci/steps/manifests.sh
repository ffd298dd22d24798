# The Kubernetes manifests, of the base and of each overlay: they build, fit the schemas, and obey rules
# that schemas cannot state. millpond accepts the configuration that they mount.
# shellcheck shell=bash
set -euo pipefail
mkdir -p target/ci/tls
# The files that an overlay mounts from a Secret, at /tls.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=millpond \
    -addext subjectAltName=DNS:millpond.shop.svc -keyout target/ci/tls/tls.key -out target/ci/tls/tls.crt \
    2>/dev/null
cp target/ci/tls/tls.crt target/ci/tls/ca.crt
cargo build --release --locked --quiet --bin millpond

for folder in deploy/base deploy/overlays/*; do
    built=target/ci/manifests.yaml
    known=target/ci/known-manifests.yaml
    mounted=target/ci/millpond.toml
    echo "$folder"
    kubectl kustomize "$folder" >"$built"
    python3 .ci/manifests.py "$built" --configuration "$mounted" --built-in "$known"
    for version in 1.31 1.34 1.37; do
        kubernetes-validate --strict --kubernetes-version "$version" "$known"
    done
    python3 .ci/manifests_test.py "$built"
    sed -i "s#\"/tls/#\"$PWD/target/ci/tls/#" "$mounted"
    target/release/millpond check --config "$mounted"
done
