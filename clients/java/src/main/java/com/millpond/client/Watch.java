package com.millpond.client;

import com.millpond.v1.WatchRequest;
import com.millpond.v1.WatchResponse;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * The changes of a table. It waits for the next event, for as long as that takes: one thread reads
 * it, and any thread may close it, which ends it. It goes on by itself after whatever interrupts it,
 * and fails with a {@link MillpondException} if that makes no sense.
 */
public final class Watch implements Iterator<WatchEvent>, AutoCloseable {
  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

  /** What only interrupts a watch that has begun. */
  private static final Set<Status.Code> INTERRUPTIONS =
      Set.of(
          Status.Code.ABORTED,
          Status.Code.DEADLINE_EXCEEDED,
          Status.Code.OUT_OF_RANGE,
          Status.Code.RESOURCE_EXHAUSTED);

  private final Calls calls;
  private final WatchRequest.Builder request;
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Queue<com.millpond.v1.WatchEvent> events = new ArrayDeque<>();

  /** Goes on after the events, once all of them were taken. */
  private String tokenAfterEvents = "";

  private volatile CancellableStream<WatchResponse> call;
  private boolean hasBegun;
  private Duration pause = FIRST_PAUSE;
  private WatchEvent next;

  Watch(Calls calls, String table, WatchOptions options) {
    this.calls = calls;
    this.request =
        WatchRequest.newBuilder()
            .setTable(table)
            .addAllKeys(options.keys())
            .setPrefix(options.prefix())
            .addAllFields(options.fields())
            .setIncludeCurrent(options.includeCurrent())
            .setFreshness(Messages.freshness(options.freshness()));
    options
        .progressInterval()
        .ifPresent(interval -> request.setProgressInterval(Messages.duration(interval)));
  }

  /** Waits for the next event. There is one unless the watch was closed. */
  @Override
  public boolean hasNext() {
    while (next == null && !isClosed()) {
      next = events.isEmpty() ? read() : event(events.remove());
    }
    return next != null;
  }

  @Override
  public WatchEvent next() {
    if (!hasNext()) {
      throw new NoSuchElementException("the watch is closed");
    }
    WatchEvent event = next;
    next = null;
    return event;
  }

  /** Ends the watch. A thread that waits for an event learns that there is none. */
  @Override
  public void close() {
    closed.countDown();
    CancellableStream<WatchResponse> current = call;
    if (current != null) {
      current.cancel();
    }
  }

  private boolean isClosed() {
    return closed.getCount() == 0;
  }

  /** Reads the next response, of another call if need be. Returns its first event, if it has one. */
  private WatchEvent read() {
    if (!tokenAfterEvents.isEmpty()) {
      request.setResumeToken(tokenAfterEvents);
    }
    try {
      if (call == null) {
        var asked = request.build();
        call = new CancellableStream<>(calls, () -> calls.stream(null).watch(asked));
      }
      // It may have been closed before there was a call to cancel.
      WatchResponse response = isClosed() ? null : call.next();
      if (response != null) {
        events.addAll(response.getEventsList());
        tokenAfterEvents = response.getResumeToken();
        return events.isEmpty() ? null : event(events.remove());
      }
      call = null;
      pause(pause);
    } catch (MillpondException error) {
      call = null;
      goOnAfter(error);
    }
    return null;
  }

  private void goOnAfter(MillpondException error) {
    if (isClosed()) {
      return;
    }
    boolean isInterruption =
        error.code() == Status.Code.UNAVAILABLE
            || (hasBegun && (error.wasReset() || INTERRUPTIONS.contains(error.code())));
    if (!isInterruption || calls.isClosed() || Thread.currentThread().isInterrupted()) {
      close();
      throw error;
    }
    Duration asked = error.retryDelay().orElse(Duration.ZERO);
    pause(asked.compareTo(pause) > 0 ? asked : pause);
    Duration doubled = pause.multipliedBy(2);
    pause = doubled.compareTo(LONGEST_PAUSE) < 0 ? doubled : LONGEST_PAUSE;
  }

  /** Waits for about this time, not exactly: many watches may have been interrupted together. */
  private void pause(Duration duration) {
    double nanos = duration.toNanos() * ThreadLocalRandom.current().nextDouble(1, 1.2);
    try {
      closed.await((long) nanos, TimeUnit.NANOSECONDS);
    } catch (InterruptedException interrupt) {
      Thread.currentThread().interrupt();
      throw new MillpondException(Status.Code.CANCELLED, "the thread was interrupted", interrupt);
    }
  }

  private WatchEvent event(com.millpond.v1.WatchEvent event) {
    if (event.hasStarted()) {
      hasBegun = true;
      pause = FIRST_PAUSE;
      // After a gap the current entries show what was missed.
      request.setIncludeCurrent(true);
      if (event.getStarted().getSendsCurrent()) {
        // The old token does not go with a copy that is made anew.
        request.clearResumeToken();
      }
    }
    return Messages.event(event);
  }
}
