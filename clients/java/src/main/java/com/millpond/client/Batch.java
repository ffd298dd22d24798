package com.millpond.client;

import com.millpond.v1.BatchGetRequest;
import com.millpond.v1.BatchGetResponse;
import io.grpc.Deadline;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** A lookup of any number of keys, in one call after the other. */
final class Batch {
  private static final int MAX_KEYS_OF_A_CALL = 1_000;

  private final Calls calls;
  private final BatchGetRequest template;
  private final List<String> keys;
  private final Deadline deadline;
  private final Result[] results;

  Batch(Calls calls, String table, List<String> keys, GetOptions options) {
    this.calls = calls;
    this.keys = List.copyOf(keys);
    this.deadline = calls.deadline(options.timeout());
    this.results = new Result[keys.size()];
    this.template =
        BatchGetRequest.newBuilder()
            .setTable(table)
            .addAllFields(options.fields())
            .setFreshness(Messages.freshness(options.freshness()))
            .build();
  }

  CompletableFuture<List<Result>> run() {
    return askFrom(0, List.of()).thenApply(done -> Arrays.asList(results));
  }

  /** Asks for the keys that were deferred, and for those from {@code next} on, until none is left. */
  private CompletableFuture<Void> askFrom(int next, List<Integer> deferred) {
    List<Integer> asked = new ArrayList<>(deferred);
    while (asked.size() < MAX_KEYS_OF_A_CALL && next < keys.size()) {
      asked.add(next++);
    }
    if (asked.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    int nextAfterThese = next;
    var request = template.toBuilder();
    asked.forEach(index -> request.addKeys(keys.get(index)));
    return calls
        .future(calls.unary(deadline).batchGet(request.build()), answer -> take(asked, answer))
        .thenCompose(left -> askFrom(nextAfterThese, left));
  }

  /** Takes the results of an answer, and returns the keys that it defers. */
  private List<Integer> take(List<Integer> asked, BatchGetResponse answer) {
    Set<Integer> deferred = new HashSet<>(answer.getDeferredList());
    List<Integer> left = new ArrayList<>();
    var found = answer.getResultsList().iterator();
    for (int position = 0; position < asked.size(); position++) {
      int index = asked.get(position);
      if (deferred.contains(position)) {
        left.add(index);
      } else {
        results[index] = Messages.result(keys.get(index), found.next(), answer.getAsOf());
      }
    }
    return left;
  }
}
