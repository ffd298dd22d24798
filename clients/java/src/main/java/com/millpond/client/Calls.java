package com.millpond.client;

import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.common.util.concurrent.MoreExecutors;
import com.millpond.v1.LookupServiceGrpc;
import com.millpond.v1.LookupServiceGrpc.LookupServiceBlockingStub;
import com.millpond.v1.LookupServiceGrpc.LookupServiceFutureStub;
import com.millpond.v1.LookupServiceGrpc.LookupServiceStub;
import io.grpc.CallCredentials;
import io.grpc.Deadline;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** Makes calls on one channel: their deadlines, and what their errors become. */
final class Calls {
  private final ManagedChannel channel;
  private final CallCredentials credentials;
  private final Duration timeout;
  /** Reads files again. */
  private final ScheduledExecutorService timer;

  /** The credentials may be null. */
  Calls(
      ManagedChannel channel,
      CallCredentials credentials,
      Duration timeout,
      ScheduledExecutorService timer) {
    this.channel = channel;
    this.credentials = credentials;
    this.timeout = timeout;
    this.timer = timer;
  }

  LookupServiceFutureStub unary(Deadline deadline) {
    return LookupServiceGrpc.newFutureStub(channel)
        .withCallCredentials(credentials)
        .withDeadline(deadline);
  }

  LookupServiceBlockingStub stream(Deadline deadline) {
    return LookupServiceGrpc.newBlockingStub(channel)
        .withCallCredentials(credentials)
        .withDeadline(deadline);
  }

  LookupServiceStub duplex() {
    return LookupServiceGrpc.newStub(channel).withCallCredentials(credentials);
  }

  /** When a call ends, whose options may have a timeout. */
  Deadline deadline(Optional<Duration> timeout) {
    return after(timeout.orElse(this.timeout));
  }

  static Deadline after(Duration timeout) {
    return Deadline.after(timeout.toNanos(), TimeUnit.NANOSECONDS);
  }

  boolean isClosed() {
    return channel.isShutdown();
  }

  /** Ends all calls. */
  void close() {
    channel.shutdownNow();
    timer.shutdownNow();
  }

  /** What a call fails with. */
  MillpondException failure(Throwable error) {
    return isClosed()
        ? new MillpondException(Status.Code.CANCELLED, "the client is closed", error)
        : MillpondException.of(error);
  }

  /** What {@code convert} makes of the answer of a call. Cancelling the future cancels the call. */
  <T, R> CompletableFuture<R> future(ListenableFuture<T> call, Function<T, R> convert) {
    CompletableFuture<R> future = new CompletableFuture<>();
    Futures.addCallback(
        call,
        new FutureCallback<T>() {
          @Override
          public void onSuccess(T answer) {
            try {
              future.complete(convert.apply(answer));
            } catch (RuntimeException error) {
              future.completeExceptionally(failure(error));
            }
          }

          @Override
          public void onFailure(Throwable error) {
            future.completeExceptionally(failure(error));
          }
        },
        MoreExecutors.directExecutor());
    future.whenComplete((answer, error) -> call.cancel(true));
    return future;
  }

  /** Waits for an answer, and throws what it fails with. An interrupt cancels it. */
  static <T> T await(CompletableFuture<T> future) {
    try {
      return future.get();
    } catch (ExecutionException failed) {
      throw failed.getCause() instanceof MillpondException error
          ? error.again(error.getMessage())
          : new IllegalStateException(failed.getCause());
    } catch (InterruptedException interrupt) {
      future.cancel(true);
      Thread.currentThread().interrupt();
      throw new MillpondException(
          Status.Code.CANCELLED, "the thread was interrupted", interrupt);
    }
  }
}
