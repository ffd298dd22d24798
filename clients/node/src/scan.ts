// Scans, which go on where a call ended early.
import { type CallOptions, type Calls } from "./calls.js";
import { type Entry, type Freshness, fromFreshness, type ParseJson, toEntry } from "./entry.js";
import { MillpondError, wasReset } from "./errors.js";

export interface ScanOptions extends CallOptions {
  /** Only entries whose keys begin with this. */
  prefix?: string | undefined;
  /** The fields to return; all if absent. */
  fields?: string[] | undefined;
  /** The scan ends after so many entries. */
  limit?: number | undefined;
  /** What the scan demands of the table when it begins. */
  freshness?: Freshness | undefined;
}

export async function* scan(
  calls: Calls,
  parseJson: ParseJson,
  table: string,
  options: ScanOptions,
): AsyncGenerator<Entry, void, undefined> {
  const { prefix = "", fields = [], limit, timeoutMs, signal } = options;
  if (limit === 0) return;
  const deadline = timeoutMs === undefined ? undefined : Date.now() + timeoutMs;
  const freshness = fromFreshness(options.freshness);
  let left = limit ?? 0;
  let pageToken = "";
  for (;;) {
    const request = { table, prefix, fields, freshness, limit: left, pageToken };
    let progressed = false;
    let done = false;
    try {
      for await (const response of calls.stream({ deadline, signal }, (metadata, call) =>
        calls.service.scan(request, metadata, call),
      )) {
        for (const entry of response.entries) yield toEntry(entry, parseJson);
        progressed = true;
        pageToken = response.nextPageToken;
        left -= limit === undefined ? 0 : response.entries.length;
        done = pageToken === "" || (limit !== undefined && left <= 0);
      }
      return;
    } catch (error) {
      if (done) return;
      if (pageToken !== "" && isStaleToken(error)) throw cannotGoOn(error);
      // Without progress the service configuration has repeated the call already.
      if (!progressed || calls.closed || !wasCutOff(error)) throw error;
    }
  }
}

/** Whether the stream ended for reasons that are not those of the request. */
function wasCutOff(error: unknown): boolean {
  return error instanceof MillpondError && (error.code === "UNAVAILABLE" || wasReset(error));
}

function isStaleToken(error: unknown): error is MillpondError {
  return error instanceof MillpondError && error.code === "INVALID_ARGUMENT";
}

function cannotGoOn(error: MillpondError): MillpondError {
  const message = `the scan cannot go on, since the service was restarted: scan again (${error.message})`;
  return new MillpondError(error.code, message, error, { cause: error });
}
