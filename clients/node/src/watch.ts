// Watches, which go on after whatever interrupts them.
import { setTimeout as pause } from "node:timers/promises";

import { type Calls, type Limits } from "./calls.js";
import {
  type AsOf,
  type Entry,
  type Freshness,
  fromFreshness,
  type Origin,
  type ParseJson,
  type PartitionOffset,
  toAsOf,
  toEntry,
  toOrigin,
  toPosition,
} from "./entry.js";
import { type Code, MillpondError, wasReset } from "./errors.js";
import type { RemovalCause as FullRemovalCause } from "./generated/millpond/v1/RemovalCause.js";
import type { WatchEvent__Output } from "./generated/millpond/v1/WatchEvent.js";
import type { Names } from "./protocol.js";
import { fromMs, toDate } from "./times.js";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

export interface WatchOptions {
  /** Only changes of these keys: at most 1,000. */
  keys?: string[] | undefined;
  /** Only changes of keys that begin with this. */
  prefix?: string | undefined;
  /** The fields to return; all if absent. */
  fields?: string[] | undefined;
  /** Sends the current entries first. */
  includeCurrent?: boolean | undefined;
  /** What the watch demands of the table when it begins. */
  freshness?: Freshness | undefined;
  /** How long after one "progress" the next is sent: 100 ms to 60 s. */
  progressIntervalMs?: number | undefined;
  /** Ends the watch, which then throws the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Why an entry left its table: see RemovalCause in proto/millpond/v1/entry.proto. */
export type RemovalCause = Exclude<Names<"REMOVAL_CAUSE_", keyof typeof FullRemovalCause>, "REPLACED">;

/** One event of a watch: see WatchEvent in proto/millpond/v1/lookup.proto. */
export type WatchEvent =
  /** The watch has begun, or goes on. With `sendsCurrent`, forget what you know: all entries follow. */
  | { type: "started"; resumed: boolean; sendsCurrent: boolean; asOf: AsOf }
  /** An entry that the table has already. */
  | { type: "current"; entry: Entry }
  /** All current entries were sent. */
  | { type: "snapshotComplete" }
  /** An entry was stored. */
  | { type: "stored"; entry: Entry; replaced: boolean }
  /** An entry left the table. */
  | {
      type: "removed";
      key: string;
      cause: RemovalCause;
      origin: Origin;
      expireTime: Date;
      deletedBy?: PartitionOffset;
    }
  /** The table has handled these records: nothing that they changed is still to come. */
  | { type: "progress"; positions: PartitionOffset[]; asOf: AsOf };

export async function* watch(
  calls: Calls,
  parseJson: ParseJson,
  table: string,
  options: WatchOptions,
): AsyncGenerator<WatchEvent, void, undefined> {
  const { keys = [], prefix = "", fields = [], includeCurrent = false, signal } = options;
  const request = {
    table,
    keys,
    prefix,
    fields,
    freshness: fromFreshness(options.freshness),
    ...(options.progressIntervalMs !== undefined && {
      progressInterval: fromMs(options.progressIntervalMs),
    }),
    includeCurrent,
    resumeToken: "",
  };
  let begun = false;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    try {
      for await (const response of calls.stream({ signal }, (metadata, call) =>
        calls.service.watch(request, metadata, call),
      )) {
        for (const message of response.events) {
          const event = toEvent(message, parseJson);
          if (event?.type === "started") {
            begun = true;
            pauseMs = FIRST_PAUSE_MS;
            // After a gap the current entries show what was missed.
            request.includeCurrent = true;
            // The old token does not go with a copy that is made anew.
            if (event.sendsCurrent) request.resumeToken = "";
          }
          if (event) yield event;
        }
        request.resumeToken = response.resumeToken || request.resumeToken;
      }
    } catch (error) {
      if (calls.closed || !goesOn(error, begun)) throw error;
      await backOff(Math.max(pauseMs, error.retryDelayMs ?? 0), { signal });
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }
}

/** What only interrupts a watch that has begun. */
const INTERRUPTIONS: Code[] = ["ABORTED", "DEADLINE_EXCEEDED", "OUT_OF_RANGE", "RESOURCE_EXHAUSTED"];

function goesOn(error: unknown, begun: boolean): error is MillpondError {
  if (!(error instanceof MillpondError)) return false;
  if (error.code === "UNAVAILABLE") return true;
  return begun && (wasReset(error) || INTERRUPTIONS.includes(error.code));
}

/** Waits for about this time, not exactly: many watches may have been interrupted together. */
async function backOff(ms: number, { signal }: Limits): Promise<void> {
  try {
    await pause(ms * (1 + Math.random() / 5), undefined, signal && { signal });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}

/** The event; absent if it is of a kind that this client does not know. */
function toEvent(message: WatchEvent__Output, parseJson: ParseJson): WatchEvent | undefined {
  switch (message.event) {
    case "started": {
      const { resumed, sendsCurrent, asOf } = message.started!;
      return { type: "started", resumed, sendsCurrent, asOf: toAsOf(asOf) };
    }
    case "current":
      return { type: "current", entry: toEntry(message.current!, parseJson) };
    case "snapshotComplete":
      return { type: "snapshotComplete" };
    case "stored": {
      const { entry, replaced } = message.stored!;
      return { type: "stored", entry: toEntry(entry!, parseJson), replaced };
    }
    case "removed": {
      const { key, cause, origin, expireTime, deletedBy } = message.removed!;
      return {
        type: "removed",
        key,
        cause: cause.replace(/^REMOVAL_CAUSE_/, "") as RemovalCause,
        origin: toOrigin(origin!),
        expireTime: toDate(expireTime!),
        ...(deletedBy && { deletedBy: toPosition(deletedBy) }),
      };
    }
    case "progress": {
      const { positions, asOf } = message.progress!;
      return { type: "progress", positions: positions.map(toPosition), asOf: toAsOf(asOf) };
    }
    default:
      return undefined;
  }
}
