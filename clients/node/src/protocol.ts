// The protocol, as it is loaded from the proto files of this package.
import { fileURLToPath } from "node:url";

import * as grpc from "@grpc/grpc-js";
import * as loader from "@grpc/proto-loader";

import type { ProtoGrpcType as ErrorDetails } from "./generated/error_details.js";
import type { ProtoGrpcType as Lookup } from "./generated/lookup.js";
import type { ProtoGrpcType as Status } from "./generated/status.js";

const FILES = ["millpond/v1/lookup.proto", "google/rpc/status.proto", "google/rpc/error_details.proto"];

const definition = loader.loadSync(FILES, {
  includeDirs: [fileURLToPath(new URL("../proto", import.meta.url))],
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
});

type Protocol = Pick<Lookup, "millpond"> & {
  google: { rpc: Status["google"]["rpc"] & ErrorDetails["google"]["rpc"] };
};

const protocol = grpc.loadPackageDefinition(definition) as unknown as Protocol;

export const { LookupService } = protocol.millpond.v1;
export const { Status: RpcStatus, ErrorInfo, RetryInfo, RequestInfo, BadRequest } = protocol.google.rpc;

/** The names of an enum of the protocol without their prefix: "MISS_REASON_LOADING" is "LOADING". */
export type Names<Prefix extends string, Full extends string> = Full extends `${Prefix}${infer Name}`
  ? Exclude<Name, "UNSPECIFIED">
  : never;
