// How a client connects.
import { accessSync, constants, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";

import * as grpc from "@grpc/grpc-js";

import { POLICY } from "./balancing.js";
import { Calls } from "./calls.js";
import { Client } from "./client.js";
import type { FieldValue } from "./entry.js";
import { LookupService } from "./protocol.js";

const TIMEOUT_MS = 5_000;
const CERTIFICATES_ARE_READ_AGAIN_AFTER_MS = 10_000;
const TOKEN_IS_READ_AGAIN_AFTER_MS = 1_000;
/** So that a stream notices when its peer is gone. */
const KEEPALIVE = { "grpc.keepalive_time_ms": 20_000, "grpc.keepalive_timeout_ms": 10_000 };

/** The files of TLS, all PEM. */
export interface TlsOptions {
  /** The CAs to trust, instead of those of the system. Read again when it changes. */
  ca?: string | undefined;
  /** The client's certificate with its chain, and its key. Read again when they change, if `ca` is set. */
  certificate?: string | undefined;
  key?: string | undefined;
  /** The name to expect in the service's certificate, and not the host of the target. */
  serverName?: string | undefined;
}

export interface ServiceConfig {
  methodConfig?: { waitForReady?: boolean }[];
  [section: string]: unknown;
}

export interface ConnectOptions {
  /** Connects with TLS: `{}` trusts the CAs of the system. Absent means plaintext. */
  tls?: TlsOptions | undefined;
  /** The file of a bearer token, which is read again when it changes. Needs TLS. */
  tokenFile?: string | undefined;
  /** The deadline of a call whose options have none: 5 seconds. A scan or a watch has none. */
  timeoutMs?: number | undefined;
  /** The gRPC service configuration: that of this package, which balances and repeats calls. */
  serviceConfig?: ServiceConfig | undefined;
  /** What makes a value of the text of a JSON object or array: JSON.parse. */
  parseJson?: ((text: string) => FieldValue) | undefined;
  /** Options of @grpc/grpc-js, such as interceptors. They go before those of this package. */
  grpcOptions?: grpc.ClientOptions | undefined;
}

/** The service configuration of this package: clients/service-config.json of millpond, with its balancing. */
export const defaultServiceConfig: ServiceConfig = {
  ...JSON.parse(readFileSync(new URL("../service-config.json", import.meta.url), "utf8")),
  loadBalancingConfig: [{ [POLICY]: {} }],
};

/**
 * Creates a client of the service at `target`, which connects at its first call. A target is a name of
 * gRPC, such as "HOST:PORT" or "dns:///HOST:PORT", or several addresses "IP:PORT".
 *
 * Throws if a file cannot be read.
 */
export function connect(target: string | readonly string[], options: ConnectOptions = {}): Client {
  const { serviceConfig = defaultServiceConfig, tls } = options;
  const name = typeof target === "string" ? target : `ipv4:${target.join(",")}`;
  const service = new LookupService(name, credentials(options), {
    ...KEEPALIVE,
    "grpc.service_config": JSON.stringify(serviceConfig),
    ...(tls?.serverName !== undefined && { "grpc.ssl_target_name_override": tls.serverName }),
    ...options.grpcOptions,
  });
  // @grpc/grpc-js does not take this from the service configuration.
  const waitForReady = serviceConfig.methodConfig?.some((method) => method.waitForReady) ?? false;
  const calls = new Calls(service, options.timeoutMs ?? TIMEOUT_MS, { waitForReady });
  return new Client(calls, options.parseJson ?? JSON.parse);
}

function credentials({ tls, tokenFile }: ConnectOptions): grpc.ChannelCredentials {
  if (!tls) {
    if (tokenFile !== undefined) throw new TypeError("a token is sent over TLS alone: set tls");
    return grpc.credentials.createInsecure();
  }
  const channel = tlsCredentials(tls);
  return tokenFile === undefined ? channel : channel.compose(tokenCredentials(tokenFile));
}

function tlsCredentials({ ca, certificate, key }: TlsOptions): grpc.ChannelCredentials {
  if ((certificate === undefined) !== (key === undefined)) {
    throw new TypeError("a certificate needs its key, and a key its certificate");
  }
  const read = (file: string | undefined) => (file === undefined ? null : readFileSync(file));
  if (ca === undefined) return grpc.credentials.createSsl(null, read(key), read(certificate));
  for (const file of [ca, certificate, key]) {
    if (file !== undefined) accessSync(file, constants.R_OK);
  }
  const files = new grpc.experimental.FileWatcherCertificateProvider({
    caCertificateFile: ca,
    ...(certificate !== undefined && { certificateFile: certificate }),
    ...(key !== undefined && { privateKeyFile: key }),
    refreshIntervalMs: CERTIFICATES_ARE_READ_AGAIN_AFTER_MS,
  });
  const identity = certificate === undefined ? null : files;
  return grpc.experimental.createCertificateProviderChannelCredentials(files, identity);
}

function tokenCredentials(file: string): grpc.CallCredentials {
  let token = readFileSync(file, "utf8").trim();
  let readAt = Date.now();
  const current = async () => {
    if (Date.now() - readAt >= TOKEN_IS_READ_AGAIN_AFTER_MS) {
      readAt = Date.now();
      token = (await readFile(file, "utf8")).trim();
    }
    return token;
  };
  return grpc.credentials.createFromMetadataGenerator((_, done) => {
    const header = (text: string) => {
      const metadata = new grpc.Metadata();
      metadata.set("authorization", `Bearer ${text}`);
      return metadata;
    };
    current().then(
      (text) => done(null, header(text)),
      (error) => done(error),
    );
  });
}
