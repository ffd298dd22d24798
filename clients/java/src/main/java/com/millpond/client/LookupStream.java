package com.millpond.client;

import com.millpond.v1.StreamGetRequest;
import com.millpond.v1.StreamGetResponse;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Many lookups on one stream: each costs a fraction of a call. It is safe for use by several
 * threads. If the stream ends, the lookups in flight fail with an error that is retryable, and the
 * next lookup opens a new stream.
 */
public final class LookupStream implements AutoCloseable {
  /**
   * How many lookups are sent and not answered at a time; others wait their turn. The service ends a
   * stream with 1,000, and more than a few hundred gain nothing.
   */
  private static final int MAX_UNANSWERED = 500;

  private final Calls calls;
  private OpenStream open;
  private long lastTag;

  LookupStream(Calls calls) {
    this.calls = calls;
  }

  /** Looks up one key. Any number of lookups may be in flight. */
  public CompletableFuture<Result> get(String table, String key) {
    return get(table, key, GetOptions.DEFAULT);
  }

  /** Looks up one key. Any number of lookups may be in flight. */
  public CompletableFuture<Result> get(String table, String key, GetOptions options) {
    var timeLeft = calls.deadline(options.timeout()).timeRemaining(TimeUnit.NANOSECONDS);
    var get = Messages.getRequest(table, key, options);
    CompletableFuture<Result> answer = new CompletableFuture<>();
    OpenStream stream;
    long tag;
    synchronized (this) {
      if (calls.isClosed()) {
        return CompletableFuture.failedFuture(calls.failure(null));
      }
      stream = open == null ? start() : open;
      tag = ++lastTag;
      stream.inFlight.put(tag, new Lookup(key, answer));
      stream.unsent.add(StreamGetRequest.newBuilder().setTag(tag).setGet(get).build());
      stream.send();
    }
    var late = new CompletableFuture<Void>().orTimeout(timeLeft, TimeUnit.NANOSECONDS);
    late.exceptionally(
        timeout -> {
          answer.completeExceptionally(
              new MillpondException(
                  Status.Code.DEADLINE_EXCEEDED, "the lookup took too long", timeout));
          return null;
        });
    answer.whenComplete(
        (result, error) -> {
          late.complete(null);
          stream.take(tag);
        });
    return answer;
  }

  /** Ends the stream, and fails the lookups in flight. A later lookup opens a new one. */
  @Override
  public void close() {
    OpenStream stream;
    synchronized (this) {
      stream = open;
    }
    if (stream != null) {
      stream.end(new MillpondException(Status.Code.CANCELLED, "the stream was closed", null));
      stream.requests.cancel("the stream was closed", null);
    }
  }

  private OpenStream start() {
    OpenStream stream = new OpenStream();
    open = stream;
    // It must not end with whatever the caller of the first lookup does.
    Context.ROOT.run(() -> calls.duplex().streamGet(stream));
    return stream;
  }

  private record Lookup(String key, CompletableFuture<Result> answer) {}

  /** One call. The stream of lookups guards it. */
  private final class OpenStream
      implements ClientResponseObserver<StreamGetRequest, StreamGetResponse> {
    private final Map<Long, Lookup> inFlight = new HashMap<>();

    /** What is not sent yet, since too much is unanswered or unread. */
    private final Queue<StreamGetRequest> unsent = new ArrayDeque<>();

    private int unanswered;
    private ClientCallStreamObserver<StreamGetRequest> requests;

    @Override
    public void beforeStart(ClientCallStreamObserver<StreamGetRequest> requests) {
      this.requests = requests;
      requests.setOnReadyHandler(this::send);
    }

    private void send() {
      synchronized (LookupStream.this) {
        while (!unsent.isEmpty() && unanswered < MAX_UNANSWERED && requests.isReady()) {
          StreamGetRequest request = unsent.remove();
          // A lookup that was given up is not sent any more.
          if (inFlight.containsKey(request.getTag())) {
            unanswered++;
            requests.onNext(request);
          }
        }
      }
    }

    private Lookup take(long tag) {
      synchronized (LookupStream.this) {
        return inFlight.remove(tag);
      }
    }

    @Override
    public void onNext(StreamGetResponse response) {
      Lookup lookup;
      synchronized (LookupStream.this) {
        unanswered--;
        lookup = take(response.getTag());
        send();
      }
      if (lookup != null) {
        answer(lookup, response);
      }
    }

    private void answer(Lookup lookup, StreamGetResponse response) {
      try {
        if (response.hasError()) {
          throw MillpondException.of(response.getError());
        }
        var found = response.getResponse();
        lookup.answer.complete(Messages.result(lookup.key, found.getResult(), found.getAsOf()));
      } catch (MillpondException error) {
        lookup.answer.completeExceptionally(error);
      }
    }

    @Override
    public void onError(Throwable error) {
      MillpondException failure = calls.failure(error);
      // Neither says anything of the lookups.
      boolean isCut = failure.wasReset() || failure.isDeadlineExceeded();
      end(isCut && !calls.isClosed() ? cutOff(error) : failure);
    }

    @Override
    public void onCompleted() {
      end(cutOff(null));
    }

    private static MillpondException cutOff(Throwable cause) {
      return new MillpondException(
          Status.Code.UNAVAILABLE, "the stream of lookups ended: try again", cause);
    }

    private void end(MillpondException failure) {
      List<Lookup> lost;
      synchronized (LookupStream.this) {
        if (open == this) {
          open = null;
        }
        lost = List.copyOf(inFlight.values());
        inFlight.clear();
        unsent.clear();
      }
      lost.forEach(lookup -> lookup.answer.completeExceptionally(failure));
    }
  }
}
