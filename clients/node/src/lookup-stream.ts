// Many lookups on one call.
import type * as grpc from "@grpc/grpc-js";

import { type CallOptions, type Calls, failure } from "./calls.js";
import { type Freshness, fromFreshness, type ParseJson, type Result, toResult } from "./entry.js";
import { fromLookupError, MillpondError, wasReset } from "./errors.js";
import type { StreamGetRequest } from "./generated/millpond/v1/StreamGetRequest.js";
import type { StreamGetResponse__Output } from "./generated/millpond/v1/StreamGetResponse.js";

export interface GetOptions extends CallOptions {
  /** The fields to return; all if absent. */
  fields?: string[] | undefined;
  /** What the lookup demands of its table. */
  freshness?: Freshness | undefined;
}

/**
 * How many lookups are sent and not answered at a time; others wait their turn. The service ends a stream
 * with 1,000, and more than a few hundred gain nothing.
 */
const MAX_UNANSWERED = 500;

type Stream = grpc.ClientDuplexStream<StreamGetRequest, StreamGetResponse__Output>;

interface Lookup {
  key: string;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Many lookups on one stream: each costs a fraction of a call. If the stream ends, the lookups in flight
 * fail with an error that is retryable, and the next lookup opens a new stream.
 */
export class LookupStream {
  readonly #calls: Calls;
  readonly #parseJson: ParseJson;
  #stream: Stream | undefined;
  #inFlight = new Map<string, Lookup>();
  /** What is not sent yet, since too much is unanswered or unread. */
  #unsent: StreamGetRequest[] = [];
  #unanswered = 0;
  #lastTag = 0;

  /** @internal */
  constructor(calls: Calls, parseJson: ParseJson) {
    this.#calls = calls;
    this.#parseJson = parseJson;
  }

  /** Looks up one key. Any number of lookups may be in flight. */
  async get(table: string, key: string, options: GetOptions = {}): Promise<Result> {
    const { signal, deadline } = this.#calls.limits(options);
    signal?.throwIfAborted();
    const get = { table, key, fields: options.fields ?? [], freshness: fromFreshness(options.freshness) };
    const stream = (this.#stream ??= this.#open());
    const tag = String((this.#lastTag += 1));
    const tooLate = () => giveUp(new MillpondError("DEADLINE_EXCEEDED", "the lookup took too long"));
    const abort = () => giveUp(signal?.reason);
    const giveUp = (error: unknown) => this.#take(tag)?.reject(error);
    const timer = setTimeout(tooLate, deadline! - Date.now());
    signal?.addEventListener("abort", abort);
    try {
      return await new Promise((resolve, reject) => {
        this.#inFlight.set(tag, { key, resolve, reject });
        this.#unsent.push({ tag, get });
        this.#send(stream);
      });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Ends the stream, and fails the lookups in flight. A later lookup opens a new one. */
  close(): void {
    const stream = this.#stream;
    if (!stream) return;
    this.#end(stream, new MillpondError("CANCELLED", "the stream was closed"));
    stream.cancel();
  }

  #open(): Stream {
    const stream = this.#calls.open({}, (metadata, call) => this.#calls.service.streamGet(metadata, call));
    stream.on("data", (response) => {
      this.#unanswered -= 1;
      this.#answer(response);
      this.#send(stream);
    });
    stream.on("drain", () => this.#send(stream));
    stream.on("end", () => this.#end(stream, cutOff()));
    stream.on("error", (error) => this.#end(stream, ended(error, this.#calls.closed)));
    return stream;
  }

  #send(stream: Stream): void {
    if (this.#stream !== stream) return;
    while (this.#unsent.length > 0 && this.#unanswered < MAX_UNANSWERED && !stream.writableNeedDrain) {
      const request = this.#unsent.shift()!;
      // A lookup that was given up is not sent any more.
      if (!this.#inFlight.has(String(request.tag))) continue;
      this.#unanswered += 1;
      stream.write(request);
    }
  }

  #answer({ tag, response, error }: StreamGetResponse__Output): void {
    const lookup = this.#take(tag);
    if (!lookup) return;
    try {
      if (error) throw fromLookupError(error);
      lookup.resolve(toResult(lookup.key, response?.result, response?.asOf, this.#parseJson));
    } catch (failure) {
      lookup.reject(failure);
    }
  }

  #take(tag: string): Lookup | undefined {
    const lookup = this.#inFlight.get(tag);
    this.#inFlight.delete(tag);
    return lookup;
  }

  #end(stream: Stream, error: unknown): void {
    if (this.#stream !== stream) return;
    const lost = this.#inFlight;
    this.#stream = undefined;
    this.#inFlight = new Map();
    this.#unsent = [];
    this.#unanswered = 0;
    for (const lookup of lost.values()) lookup.reject(error);
  }
}

/** What the lookups in flight fail with, when the stream ended with an error. */
function ended(error: Error, byClient: boolean): unknown {
  const cause = failure(error, {});
  // Neither says anything of the lookups.
  const isCut = cause instanceof MillpondError && (wasReset(cause) || cause.deadlineExceeded);
  return isCut && !byClient ? cutOff(cause) : cause;
}

function cutOff(cause?: unknown): MillpondError {
  return new MillpondError("UNAVAILABLE", "the stream of lookups ended: try again", {}, { cause });
}
