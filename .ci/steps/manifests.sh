# The Kubernetes manifests: they build, fit the schemas, and obey rules that schemas cannot state.
# millpond accepts the configuration that they mount.
# shellcheck shell=bash
set -euo pipefail
built=target/ci/manifests.yaml
mounted=target/ci/millpond.toml
mkdir -p target/ci
kubectl kustomize deploy/base >"$built"
for version in 1.31 1.34 1.37; do
    kubernetes-validate --strict --kubernetes-version "$version" "$built"
done
python3 .ci/manifests_test.py "$built"
python3 .ci/manifests.py "$built" --configuration "$mounted"
cargo build --release --locked --quiet --bin millpond
target/release/millpond check --config "$mounted"
