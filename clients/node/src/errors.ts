// What a call fails with.
import * as grpc from "@grpc/grpc-js";

import type { ErrorReason as FullErrorReason } from "./generated/millpond/v1/ErrorReason.js";
import type { LookupError__Output } from "./generated/millpond/v1/LookupError.js";
import { BadRequest, ErrorInfo, type Names, RequestInfo, RetryInfo, RpcStatus } from "./protocol.js";
import { toMs } from "./times.js";

/** The name of a gRPC status code, such as "NOT_FOUND". */
export type Code = keyof typeof grpc.status;

/** Why a call failed: see ErrorReason in proto/millpond/v1/errors.proto, which says what each means. */
export type ErrorReason = Names<"ERROR_REASON_", keyof typeof FullErrorReason>;

/** A field of a request that breaks its rule. */
export interface Violation {
  field: string;
  description: string;
}

interface Details {
  reason?: ErrorReason;
  metadata?: Record<string, string>;
  retryDelayMs?: number;
  requestId?: string;
  violations?: Violation[];
}

/** A call that failed. Its message is for people; programs decide on `code` and `reason`. */
export class MillpondError extends Error {
  override readonly name = "MillpondError";
  readonly code: Code;
  /** Absent if the service did not answer, as when a deadline is over. */
  declare readonly reason?: ErrorReason;
  /** What the reason is about, such as `table`: see ErrorReason. */
  readonly metadata: Record<string, string>;
  /** When to retry; absent if the service did not say. */
  declare readonly retryDelayMs?: number;
  /** The id of the call in the log of the service. */
  declare readonly requestId?: string;
  /** The fields that break their rules, for INVALID_ARGUMENT. */
  readonly violations: Violation[];

  constructor(code: Code, message: string, details: Details = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.metadata = details.metadata ?? {};
    this.violations = details.violations ?? [];
    if (details.reason !== undefined) this.reason = details.reason;
    if (details.retryDelayMs !== undefined) this.retryDelayMs = details.retryDelayMs;
    if (details.requestId !== undefined) this.requestId = details.requestId;
  }

  /** Whether the deadline was over. */
  get deadlineExceeded(): boolean {
    return this.code === "DEADLINE_EXCEEDED";
  }

  /** Whether the service sheds calls: try again after `retryDelayMs`. */
  get shed(): boolean {
    return this.code === "RESOURCE_EXHAUSTED" && this.retryDelayMs !== undefined;
  }

  /** Whether the same call may succeed later. */
  get retryable(): boolean {
    return this.code === "UNAVAILABLE" || this.shed;
  }
}

/** The error of a call that the service, or the gRPC library, ended. */
export function fromServiceError(error: grpc.ServiceError): MillpondError {
  const [bytes] = error.metadata?.get("grpc-status-details-bin") ?? [];
  const details = Buffer.isBuffer(bytes) ? readDetails(bytes) : {};
  return new MillpondError(codeName(error.code), error.details, details, { cause: error });
}

/** The error of one lookup of a stream. */
export function fromLookupError(error: LookupError__Output): MillpondError {
  const reason = shortReason(error.reason);
  const delay = error.retryDelay ? { retryDelayMs: toMs(error.retryDelay) } : {};
  return new MillpondError(codeName(error.code), error.message, { reason, ...delay });
}

/**
 * Whether the stream of a call was reset, by the service or on the way. The service does that to a
 * response that is not read within 60 seconds.
 */
export function wasReset(error: MillpondError): boolean {
  return error.reason === undefined && (error.code === "CANCELLED" || error.code === "INTERNAL");
}

function codeName(code: grpc.status): Code {
  return (grpc.status[code] as Code | undefined) ?? "UNKNOWN";
}

function shortReason(full: string): ErrorReason {
  return full.replace(/^ERROR_REASON_/, "") as ErrorReason;
}

function readDetails(bytes: Buffer): Details {
  const found: Details = {};
  for (const { type_url, value } of RpcStatus.deserialize(bytes).details) {
    switch (type_url.slice(type_url.lastIndexOf("/") + 1)) {
      case "google.rpc.ErrorInfo": {
        const info = ErrorInfo.deserialize(value);
        found.reason = shortReason(info.reason);
        found.metadata = info.metadata;
        break;
      }
      case "google.rpc.RetryInfo": {
        const { retryDelay } = RetryInfo.deserialize(value);
        if (retryDelay) found.retryDelayMs = toMs(retryDelay);
        break;
      }
      case "google.rpc.RequestInfo":
        found.requestId = RequestInfo.deserialize(value).requestId;
        break;
      case "google.rpc.BadRequest":
        found.violations = BadRequest.deserialize(value).fieldViolations;
        break;
    }
  }
  return found;
}
