"""The rules of Pod Security "restricted" that a pod has to state, and two of millpond's own.

Knows only the parts of a manifest that describe a pod and a container. The two additional rules:
no service account token, and no service links among the MILLPOND_* settings.
"""


HOST = ("hostNetwork", "hostPID", "hostIPC")


def pod_security(pod):
    """The rules that the pod breaks, as lines of text."""
    context = pod.get("securityContext", {})
    volumes = pod.get("volumes", [])
    wanted = {
        "runAsNonRoot is true": context.get("runAsNonRoot") is True,
        "runAsUser is a number over 0": (context.get("runAsUser") or 0) > 0,
        "the seccomp profile is RuntimeDefault": context.get("seccompProfile")
        == {"type": "RuntimeDefault"},
        "it shares nothing of the host's": not any(pod.get(name) for name in HOST),
        "it mounts nothing of the host's": not any("hostPath" in one for one in volumes),
        "automountServiceAccountToken is false": pod.get("automountServiceAccountToken") is False,
        "enableServiceLinks is false": pod.get("enableServiceLinks") is False,
    }
    return [f"pod: not so: {rule}" for rule, kept in wanted.items() if not kept]


def container_security(container):
    """The rules that the container breaks, as lines of text."""
    context = container.get("securityContext", {})
    wanted = {
        "allowPrivilegeEscalation is false": context.get("allowPrivilegeEscalation") is False,
        "readOnlyRootFilesystem is true": context.get("readOnlyRootFilesystem") is True,
        "it drops ALL capabilities": context.get("capabilities") == {"drop": ["ALL"]},
        "it overrides no rule of the pod's": not context.keys()
        & {"runAsNonRoot", "runAsUser", "seccompProfile", "privileged"},
    }
    return [f"container {container['name']}: not so: {rule}" for rule, k in wanted.items() if not k]
