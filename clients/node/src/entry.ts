// Entries, misses and freshness, as callers see them.
import type { AsOf__Output } from "./generated/millpond/v1/AsOf.js";
import type { Entry__Output } from "./generated/millpond/v1/Entry.js";
import type { Freshness as FreshnessMessage } from "./generated/millpond/v1/Freshness.js";
import type { LookupResult__Output } from "./generated/millpond/v1/LookupResult.js";
import type { Miss__Output } from "./generated/millpond/v1/Miss.js";
import type { MissReason as FullMissReason } from "./generated/millpond/v1/MissReason.js";
import type { Origin__Output } from "./generated/millpond/v1/Origin.js";
import type { PartitionOffset__Output } from "./generated/millpond/v1/PartitionOffset.js";
import type { Value__Output } from "./generated/millpond/v1/Value.js";
import { MillpondError } from "./errors.js";
import type { Names } from "./protocol.js";
import { fromMs, toDate, toMs } from "./times.js";

/** A number that neither a double nor 64 bits can say, as it is spelt in the message. */
export class NumberText {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

/**
 * The value of a field. An integer is a bigint if it is not a safe integer. An object or an array is what
 * `parseJson` of the options makes of its text.
 */
export type FieldValue = null | boolean | number | bigint | string | NumberText | object;

/** The fields under a key, and the record that they came from. */
export interface Entry {
  key: string;
  /** A field that the message did not have is absent. */
  fields: Record<string, FieldValue>;
  origin: Origin;
  expireTime: Date;
}

/** The record that an entry came from. */
export interface Origin {
  partition: number;
  offset: bigint;
  time: Date;
}

/** A record of the table's topic. */
export interface PartitionOffset {
  partition: number;
  offset: bigint;
}

/** Why there is no entry: see MissReason in proto/millpond/v1/lookup.proto. */
export type MissReason = Names<"MISS_REASON_", keyof typeof FullMissReason>;

/** There is no live entry under the key. */
export interface Miss {
  reason: MissReason;
  /** When the entry expired or was evicted. */
  time?: Date;
  /** The record that deleted the entry. */
  deletedBy?: PartitionOffset;
}

/** How complete a table was known to be. */
export interface AsOf {
  /** Whether the table has caught up with its stream once. */
  ready: boolean;
  /** The newest timestamp of the records that the table stored. */
  newestRecordTime?: Date;
  /** How long ago the table was last known to be complete; absent if it never was. */
  stalenessMs?: number;
}

/** The answer to one lookup: it has either an entry or a miss. */
export type Result = { key: string; asOf: AsOf } & (
  | { entry: Entry; miss?: never }
  | { entry?: never; miss: Miss }
);

/** What a call demands of its table: see Freshness in proto/millpond/v1/lookup.proto. */
export interface Freshness {
  /** Fail with UNAVAILABLE unless the table has caught up with its stream once. */
  requireReady?: boolean;
  /** Fail with UNAVAILABLE if the table is staler than this. */
  maxStalenessMs?: number;
  /** Answer after the table has handled these records: what the producer was told. */
  minPositions?: { partition: number; offset: bigint | number | string }[];
}

export type ParseJson = (text: string) => FieldValue;

export function toResult(
  key: string,
  result: LookupResult__Output | null | undefined,
  asOf: AsOf__Output | null | undefined,
  parseJson: ParseJson,
): Result {
  const about = { key, asOf: toAsOf(asOf) };
  if (result?.entry) return { ...about, entry: toEntry(result.entry, parseJson) };
  if (result?.miss) return { ...about, miss: toMiss(result.miss) };
  throw new MillpondError("UNIMPLEMENTED", "the answer has neither an entry nor a miss: update this client");
}

export function toEntry(entry: Entry__Output, parseJson: ParseJson): Entry {
  const fields = Object.entries(entry.fields).map(([name, value]) => [name, toValue(value, parseJson)]);
  return {
    key: entry.key,
    fields: Object.fromEntries(fields),
    origin: toOrigin(entry.origin!),
    expireTime: toDate(entry.expireTime!),
  };
}

export function toOrigin(origin: Origin__Output): Origin {
  return {
    partition: origin.partition,
    offset: BigInt(origin.offset),
    time: toDate(origin.recordTime!),
  };
}

export function toPosition(position: PartitionOffset__Output): PartitionOffset {
  return { partition: position.partition, offset: BigInt(position.offset) };
}

export function toAsOf(asOf: AsOf__Output | null | undefined): AsOf {
  return {
    ready: asOf?.ready ?? false,
    ...(asOf?.newestRecordTime && { newestRecordTime: toDate(asOf.newestRecordTime) }),
    ...(asOf?.staleness && { stalenessMs: toMs(asOf.staleness) }),
  };
}

export function fromFreshness(freshness: Freshness | undefined): FreshnessMessage {
  return {
    requireReady: freshness?.requireReady ?? false,
    ...(freshness?.maxStalenessMs !== undefined && { maxStaleness: fromMs(freshness.maxStalenessMs) }),
    minPositions: (freshness?.minPositions ?? []).map(({ partition, offset }) => ({
      partition,
      offset: offset.toString(),
    })),
  };
}

function toMiss(miss: Miss__Output): Miss {
  return {
    reason: miss.reason.replace(/^MISS_REASON_/, "") as MissReason,
    ...(miss.time && { time: toDate(miss.time) }),
    ...(miss.deletedBy && { deletedBy: toPosition(miss.deletedBy) }),
  };
}

function toValue(value: Value__Output, parseJson: ParseJson): FieldValue {
  switch (value.kind) {
    case "nullValue":
      return null;
    case "boolValue":
      return value.boolValue!;
    case "intValue":
      return toInteger(value.intValue!);
    case "uintValue":
      return toInteger(value.uintValue!);
    case "doubleValue":
      return value.doubleValue!;
    case "stringValue":
      return value.stringValue!;
    case "jsonValue":
      return parseJson(value.jsonValue!);
    case "numberText":
      return new NumberText(value.numberText!);
    default:
      throw new MillpondError("UNIMPLEMENTED", "a field has a value of an unknown kind: update this client");
  }
}

function toInteger(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}
