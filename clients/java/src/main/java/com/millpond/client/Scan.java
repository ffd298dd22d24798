package com.millpond.client;

import com.millpond.v1.ScanRequest;
import com.millpond.v1.ScanResponse;
import io.grpc.Deadline;
import io.grpc.Status;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** A scan, which goes on where a call ended early. */
final class Scan implements Iterator<Entry> {
  private final Calls calls;
  private final Deadline deadline;
  private final boolean isLimited;
  private final ScanRequest.Builder request;

  /** The current call; null between calls. */
  private CancellableStream<ScanResponse> call;

  /** Whether the current call has answered anything. */
  private boolean hasProgressed;

  private boolean isDone;
  private Iterator<com.millpond.v1.Entry> entries = List.<com.millpond.v1.Entry>of().iterator();

  Scan(Calls calls, String table, ScanOptions options) {
    this.calls = calls;
    this.deadline = options.timeout().map(Calls::after).orElse(null);
    this.isLimited = options.limit() > 0;
    this.request =
        ScanRequest.newBuilder()
            .setTable(table)
            .setPrefix(options.prefix())
            .addAllFields(options.fields())
            .setLimit(options.limit())
            .setFreshness(Messages.freshness(options.freshness()));
  }

  Stream<Entry> stream() {
    int characteristics = Spliterator.DISTINCT | Spliterator.NONNULL;
    var all = Spliterators.spliteratorUnknownSize(this, characteristics);
    return StreamSupport.stream(all, false).onClose(this::close);
  }

  @Override
  public boolean hasNext() {
    while (!entries.hasNext() && !isDone) {
      read();
    }
    return entries.hasNext();
  }

  @Override
  public Entry next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return Messages.entry(entries.next());
  }

  private void close() {
    isDone = true;
    if (call != null) {
      call.cancel();
    }
  }

  /** Reads the next response, of another call if need be. */
  private void read() {
    try {
      if (call == null) {
        hasProgressed = false;
        var asked = request.build();
        call = new CancellableStream<>(calls, () -> calls.stream(deadline).scan(asked));
      }
      take(call.next());
    } catch (MillpondException error) {
      call = null;
      goOnAfter(error);
    }
  }

  private void take(ScanResponse response) {
    if (response == null) {
      isDone = true;
      return;
    }
    hasProgressed = true;
    entries = response.getEntriesList().iterator();
    request.setPageToken(response.getNextPageToken());
    if (isLimited) {
      request.setLimit(Math.max(0, request.getLimit() - response.getEntriesCount()));
    }
    isDone = request.getPageToken().isEmpty() || (isLimited && request.getLimit() == 0);
  }

  private void goOnAfter(MillpondException error) {
    // Unless the scan can go on after all.
    isDone = true;
    boolean hasToken = !request.getPageToken().isEmpty();
    if (hasToken && error.code() == Status.Code.INVALID_ARGUMENT) {
      String why = "the scan cannot go on, since the service was restarted: scan again";
      throw error.again(why + " (" + error.getMessage() + ")");
    }
    boolean wasCutOff = error.code() == Status.Code.UNAVAILABLE || error.wasReset();
    // Without progress the service configuration has repeated the call already.
    if (!hasProgressed || !wasCutOff || calls.isClosed() || Thread.currentThread().isInterrupted()) {
      throw error;
    }
    isDone = false;
  }
}
