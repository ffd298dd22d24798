// What this package offers.
export { type CallOptions } from "./calls.js";
export { type Client, type TableDescription } from "./client.js";
export {
  connect,
  type ConnectOptions,
  defaultServiceConfig,
  type ServiceConfig,
  type TlsOptions,
} from "./connect.js";
export {
  type AsOf,
  type Entry,
  type FieldValue,
  type Freshness,
  type Miss,
  type MissReason,
  NumberText,
  type Origin,
  type PartitionOffset,
  type Result,
} from "./entry.js";
export { type Code, type ErrorReason, MillpondError, type Violation } from "./errors.js";
export { type GetOptions, type LookupStream } from "./lookup-stream.js";
export { type ScanOptions } from "./scan.js";
export { type RemovalCause, type WatchEvent, type WatchOptions } from "./watch.js";
