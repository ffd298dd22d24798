// Making calls: their deadlines, how they are cancelled, and what their errors become.
import * as grpc from "@grpc/grpc-js";

import type { LookupServiceClient } from "./generated/millpond/v1/LookupService.js";
import { fromServiceError, MillpondError } from "./errors.js";

export interface CallOptions {
  /** The call fails with DEADLINE_EXCEEDED after this time. */
  timeoutMs?: number | undefined;
  /** Cancels the call, which then fails with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** What ends a call early. */
export interface Limits {
  deadline?: number | undefined;
  signal?: AbortSignal | undefined;
}

type Call =
  | grpc.ClientUnaryCall
  | grpc.ClientReadableStream<unknown>
  | grpc.ClientDuplexStream<never, unknown>;

type Start<Started> = (metadata: grpc.Metadata, options: grpc.CallOptions) => Started;

export class Calls {
  readonly #open = new Set<Call>();
  #closed = false;

  constructor(
    readonly service: LookupServiceClient,
    private readonly timeoutMs: number,
    private readonly metadata: grpc.MetadataOptions,
  ) {}

  get closed(): boolean {
    return this.#closed;
  }

  /** Ends all calls. */
  close(): void {
    this.#closed = true;
    for (const call of this.#open) call.cancel();
    this.service.close();
  }

  /** The limits of a call that has a deadline even if its options have none. */
  limits({ timeoutMs = this.timeoutMs, signal }: CallOptions): Limits {
    return { deadline: Date.now() + timeoutMs, signal };
  }

  /** The answer of a call that has one. */
  unary<Answer>(
    limits: Limits,
    start: (
      metadata: grpc.Metadata,
      options: grpc.CallOptions,
      done: grpc.requestCallback<Answer>,
    ) => grpc.ClientUnaryCall,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const done: grpc.requestCallback<Answer> = (error, answer) =>
        error ? reject(failure(error, limits)) : resolve(answer!);
      this.open(limits, (metadata, options) => start(metadata, options, done));
    });
  }

  /** The messages of an answer that is a stream. Leaving the loop cancels the call. */
  async *stream<Message>(
    limits: Limits,
    start: Start<grpc.ClientReadableStream<Message>>,
  ): AsyncGenerator<Message, void, undefined> {
    const call = this.open(limits, start);
    // The loop throws the errors, except those that come after it was left.
    call.on("error", () => {});
    try {
      yield* call as AsyncIterable<Message>;
    } catch (error) {
      throw failure(error, limits);
    } finally {
      call.cancel();
    }
  }

  /** Starts a call that ends with its limits and with the client. */
  open<Started extends Call>(limits: Limits, start: Start<Started>): Started {
    if (this.#closed) throw new MillpondError("CANCELLED", "the client is closed");
    const { signal } = limits;
    signal?.throwIfAborted();
    const call = start(new grpc.Metadata(this.metadata), { deadline: limits.deadline ?? Infinity });
    const cancel = () => call.cancel();
    signal?.addEventListener("abort", cancel);
    this.#open.add(call);
    (call as grpc.ClientUnaryCall).once("status", () => {
      this.#open.delete(call);
      signal?.removeEventListener("abort", cancel);
    });
    return call;
  }
}

/** What a call that was ended by `error` fails with. */
export function failure(error: unknown, { signal }: Limits): unknown {
  if (signal?.aborted) return signal.reason;
  return error instanceof Error && "code" in error && "details" in error
    ? fromServiceError(error as grpc.ServiceError)
    : error;
}
