"""Checks built Kubernetes manifests for rules that their schemas cannot state.

Usage: manifests.py FILE [--configuration FILE] [--built-in FILE]

Prints a line for each fault, and exits with 1 if there is one. --configuration writes the
millpond.toml that the pods mount, so that millpond itself can check it. --built-in writes the
documents that are Kubernetes' own, for which there are schemas: cert-manager's are left out. Knows
Deployments, Services and PodDisruptionBudgets, and needs no cluster.
"""

import argparse
import re
import sys
import tomllib

import yaml

from pod_security import container_security, pod_security

MOUNTED = "/etc/millpond/millpond.toml"
DEFAULT_DEADLINE = "20s"
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
UNIT_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def faults(documents):
    """Every fault of the documents, as lines of text. There must be a Deployment."""
    deployments = of_kind(documents, "Deployment")
    found = [] if deployments else ["no Deployment: there is nothing to check"]
    for deployment in deployments:
        pod = deployment["spec"]["template"]["spec"]
        found += own_selector(deployment) + grace(documents, pod)
        found += pod_security(pod)
        for container in pod["containers"]:
            found += ports(container) + memory(container) + container_security(container)
            found += image(container)
    for kind in ("Service", "PodDisruptionBudget"):
        for document in of_kind(documents, kind):
            found += selection(document, deployments)
    return found


def of_kind(documents, kind):
    return [document for document in documents if document["kind"] == kind]


def is_built_in(document):
    """Whether Kubernetes itself knows it: its own groups have no dot, or end in k8s.io."""
    group = document["apiVersion"].rpartition("/")[0]
    return "." not in group or group.endswith(".k8s.io")


def covers(selector, labels):
    return bool(selector) and selector.items() <= labels.items()


def pod_labels(deployment):
    return deployment["spec"]["template"]["metadata"].get("labels", {})


def own_selector(deployment):
    name, labels = deployment["metadata"]["name"], pod_labels(deployment)
    found = []
    if not covers(deployment["spec"]["selector"].get("matchLabels"), labels):
        found.append(f"Deployment {name}: its selector does not match its own pods' labels")
    spread = deployment["spec"]["template"]["spec"].get("topologySpreadConstraints", [])
    if not all(covers(one.get("labelSelector", {}).get("matchLabels"), labels) for one in spread):
        found.append(f"Deployment {name}: a topology spread does not match its own pods' labels")
    return found


def selection(document, deployments):
    """Services and budgets select pods, and the ports of a Service are ports of its pods."""
    name = f"{document['kind']} {document['metadata']['name']}"
    selector = document["spec"].get("selector") or {}
    selector = selector.get("matchLabels", {}) if document["kind"] != "Service" else selector
    selected = [one for one in deployments if covers(selector, pod_labels(one))]
    if not selected:
        return [f"{name}: its selector matches no pod"]
    found = []
    for port in document["spec"].get("ports", []):
        found += in_range(name, port["port"])
        target = port.get("targetPort", port["port"])
        found += [
            f"{name}: target port {target} is no port of {deployment['metadata']['name']}"
            for deployment in selected
            if target not in open_ports(deployment["spec"]["template"]["spec"]["containers"])
        ]
    return found


def open_ports(containers):
    declared = [port for container in containers for port in container.get("ports", [])]
    return {port["containerPort"] for port in declared} | {port.get("name") for port in declared}


def ports(container):
    name, found = f"container {container['name']}", []
    for port in container.get("ports", []):
        found += in_range(name, port["containerPort"])
    for probe in PROBES:
        action = container.get(probe, {}).get("grpc") or container.get(probe, {}).get("httpGet")
        if action is None:
            found.append(f"{name}: it has no {probe} by gRPC or HTTP")
        elif action["port"] not in open_ports([container]):
            found.append(f"{name}: {probe} asks port {action['port']}, which it does not open")
    return found


def in_range(name, port):
    return [] if 1 <= port <= 65535 else [f"{name}: port {port} is not from 1 to 65535"]


def grace(documents, pod):
    """The kubelet waits longer than the sleep before a stop and the drain take together."""
    text = configuration(documents, pod)
    found = [] if text else [f"pod: no ConfigMap is mounted that has {MOUNTED}"]
    shutdown = tomllib.loads(text).get("shutdown", {})
    drain = in_seconds(shutdown.get("deadline", DEFAULT_DEADLINE))
    for container in pod["containers"]:
        pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        if pause + drain >= pod.get("terminationGracePeriodSeconds", 30):
            found.append(
                f"container {container['name']}: preStop ({pause} s) and the shutdown deadline "
                f"({drain:g} s) do not fit in the grace period"
            )
    return found


def in_seconds(text):
    parts = re.findall(r"([\d.]+)\s*([a-z]+)", text)
    return sum(float(number) * UNIT_SECONDS[unit] for number, unit in parts)


def configuration(documents, pod):
    """The text at MOUNTED in the pod, found through its mount, its volume and the ConfigMap."""
    folder, _, key = MOUNTED.rpartition("/")
    mounts = [mount for one in pod["containers"] for mount in one.get("volumeMounts", [])]
    volumes = [mount["name"] for mount in mounts if mount["mountPath"] == folder]
    names = [one["configMap"]["name"] for one in pod.get("volumes", []) if one["name"] in volumes]
    maps = [one for one in of_kind(documents, "ConfigMap") if one["metadata"]["name"] in names]
    return maps[0]["data"].get(key, "") if maps else ""


def memory(container):
    resources = container.get("resources", {})
    asked, limit = (resources.get(kind, {}).get("memory") for kind in ("requests", "limits"))
    if asked is None or asked != limit:
        return [f"container {container['name']}: memory request {asked} is not the limit {limit}"]
    return []


def image(container):
    tag = container["image"].rpartition("/")[2].partition(":")[2]
    if tag in ("", "latest"):
        return [f"container {container['name']}: image {container['image']} names no version"]
    return []


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("file")
    arguments.add_argument("--configuration")
    arguments.add_argument("--built-in")
    given = arguments.parse_args()
    with open(given.file, encoding="utf-8") as file:
        documents = [document for document in yaml.safe_load_all(file) if document]
    found = faults(documents)
    for fault in found:
        print(fault)
    if given.configuration:
        pod = of_kind(documents, "Deployment")[0]["spec"]["template"]["spec"]
        with open(given.configuration, "w", encoding="utf-8") as file:
            file.write(configuration(documents, pod))
    if given.built_in:
        with open(given.built_in, "w", encoding="utf-8") as file:
            yaml.safe_dump_all(filter(is_built_in, documents), file)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
