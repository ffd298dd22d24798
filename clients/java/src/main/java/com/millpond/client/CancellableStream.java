package com.millpond.client;

import io.grpc.Context;
import java.util.Iterator;
import java.util.function.Supplier;

/** The messages of an answer that is a stream, until it is cancelled. */
final class CancellableStream<T> {
  private final Context.CancellableContext context = Context.ROOT.withCancellation();
  private final Calls calls;
  private final Iterator<T> messages;

  CancellableStream(Calls calls, Supplier<Iterator<T>> start) {
    this.calls = calls;
    Context former = context.attach();
    try {
      messages = start.get();
    } finally {
      context.detach(former);
    }
  }

  /** The next message, or null after the last one. */
  T next() {
    try {
      return messages.hasNext() ? messages.next() : null;
    } catch (RuntimeException error) {
      throw calls.failure(error);
    }
  }

  void cancel() {
    context.cancel(null);
  }
}
