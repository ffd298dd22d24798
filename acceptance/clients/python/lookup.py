"""Looks up one key over TLS, with the credentials that the environment names."""

import os

import grpc
from millpond.v1 import lookup_pb2, lookup_pb2_grpc

PATIENCE_SECONDS = 20


def contents(variable):
    path = os.environ.get(variable)
    if not path:
        return None
    with open(path, "rb") as file:
        return file.read()


def credentials():
    tls = grpc.ssl_channel_credentials(
        contents("MILLPOND_CA"), contents("MILLPOND_KEY"), contents("MILLPOND_CERTIFICATE")
    )
    token = contents("MILLPOND_TOKEN_FILE")
    if token is None:
        return tls
    token = grpc.access_token_call_credentials(token.decode().strip())
    return grpc.composite_channel_credentials(tls, token)


def lookup(address, table, key):
    with grpc.secure_channel(address, credentials()) as channel:
        stub = lookup_pb2_grpc.LookupServiceStub(channel)
        try:
            request = lookup_pb2.GetRequest(table=table, key=key)
            answer = stub.Get(request, timeout=PATIENCE_SECONDS)
        except grpc.RpcError as error:
            print("status:", error.code().name, error.details())
            return []
    print("status: OK")
    return [] if answer.result.HasField("entry") else ["there is no entry"]
