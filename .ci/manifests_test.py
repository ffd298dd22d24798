"""Breaks good manifests in one way at a time, and checks that each fault is found.

Usage: manifests_test.py FILE, the built manifests. It tests the rules of manifests.py and not the
manifests, which must be good.
"""

import copy
import sys

import yaml

from manifests import faults


def part(documents, kind):
    return next(document for document in documents if document["kind"] == kind)["spec"]


def pod(documents):
    return part(documents, "Deployment")["template"]["spec"]


def container(documents):
    return pod(documents)["containers"][0]


def config_map(documents):
    return next(one["configMap"] for one in pod(documents)["volumes"] if "configMap" in one)


# A way to break them -> words that the reported fault must contain.
BREAKS = [
    (lambda d: part(d, "Service")["selector"].update(app="other"), "selector matches no pod"),
    (
        lambda d: part(d, "PodDisruptionBudget")["selector"]["matchLabels"].update(app="other"),
        "PodDisruptionBudget millpond: its selector",
    ),
    (
        lambda d: part(d, "Deployment")["selector"]["matchLabels"].update(app="other"),
        "its own pods' labels",
    ),
    (
        lambda d: pod(d)["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"].clear(),
        "topology spread",
    ),
    (lambda d: part(d, "Service")["ports"][0].update(targetPort="nowhere"), "target port nowhere"),
    (lambda d: part(d, "Service")["ports"][0].update(port=70000), "port 70000"),
    (lambda d: container(d)["ports"][0].update(containerPort=70000), "port 70000"),
    (lambda d: container(d)["livenessProbe"]["httpGet"].update(port=8081), "asks port 8081"),
    (lambda d: container(d).pop("readinessProbe"), "no readinessProbe"),
    (lambda d: container(d).update(lifecycle={"preStop": {"sleep": {"seconds": 10}}}), "grace period"),
    (lambda d: pod(d).update(terminationGracePeriodSeconds=25), "grace period"),
    (lambda d: container(d)["resources"]["requests"].update(memory="1Mi"), "memory request 1Mi"),
    (lambda d: container(d)["resources"].pop("limits"), "memory request"),
    (lambda d: container(d).update(image="millpond:latest"), "names no version"),
    (lambda d: container(d).update(image="images:5000/millpond"), "names no version"),
    (lambda d: config_map(d).update(name="other"), "no ConfigMap is mounted"),
    (lambda d: pod(d).update(hostNetwork=True), "shares nothing of the host's"),
    (lambda d: pod(d)["volumes"].append({"name": "h", "hostPath": {}}), "mounts nothing of"),
    (lambda d: pod(d).pop("automountServiceAccountToken"), "automountServiceAccountToken"),
    (lambda d: pod(d).pop("enableServiceLinks"), "enableServiceLinks"),
    (lambda d: pod(d)["securityContext"].update(runAsUser=0), "runAsUser"),
    (lambda d: pod(d)["securityContext"].pop("runAsNonRoot"), "runAsNonRoot"),
    (lambda d: pod(d)["securityContext"].pop("seccompProfile"), "seccomp"),
    (
        lambda d: container(d)["securityContext"].pop("allowPrivilegeEscalation"),
        "allowPrivilegeEscalation",
    ),
    (
        lambda d: container(d)["securityContext"].update(readOnlyRootFilesystem=False),
        "readOnlyRootFilesystem",
    ),
    (lambda d: container(d)["securityContext"].pop("capabilities"), "drops ALL"),
    (lambda d: container(d)["securityContext"].update(runAsUser=0), "overrides no rule"),
    (lambda d: d.remove(next(x for x in d if x["kind"] == "Deployment")), "no Deployment"),
]


def missed(good):
    """The ways to break them that no fault reports, as lines of text."""
    for break_it, words in BREAKS:
        documents = copy.deepcopy(good)
        break_it(documents)
        found = faults(documents)
        if not any(words in fault for fault in found):
            yield f"a break with {words!r} was not found, but: {found}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        good = [document for document in yaml.safe_load_all(file) if document]
    problems = [f"the manifests are not good to begin with: {fault}" for fault in faults(good)]
    problems += [] if problems else list(missed(good))
    for problem in problems:
        print(problem)
    print(f"{len(BREAKS)} ways to break the manifests tried")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
