// Looks up one key over TLS, with the credentials that the environment names.
import { readFileSync } from "node:fs";

import * as grpc from "@grpc/grpc-js";

const PATIENCE_MS = 20_000;

function contents(variable) {
  const path = process.env[variable];
  return path ? readFileSync(path) : null;
}

function credentials() {
  const tls = grpc.credentials.createSsl(
    contents("MILLPOND_CA"),
    contents("MILLPOND_KEY"),
    contents("MILLPOND_CERTIFICATE"),
  );
  const file = process.env.MILLPOND_TOKEN_FILE;
  if (!file) {
    return tls;
  }
  // Read for each call, since it changes there.
  const token = grpc.credentials.createFromMetadataGenerator((_, done) => {
    const metadata = new grpc.Metadata();
    metadata.set("authorization", `Bearer ${readFileSync(file, "utf8").trim()}`);
    done(null, metadata);
  });
  return grpc.credentials.combineChannelCredentials(tls, token);
}

export async function lookup(LookupService, address, table, key) {
  const client = new LookupService(address, credentials());
  const options = { deadline: Date.now() + PATIENCE_MS };
  const [error, answer] = await new Promise((resolve) => {
    client.Get({ table, key }, options, (...result) => resolve(result));
  });
  client.close();
  console.log("status:", grpc.status[error ? error.code : grpc.status.OK], error?.details ?? "");
  return error || answer.result?.entry ? [] : ["there is no entry"];
}
