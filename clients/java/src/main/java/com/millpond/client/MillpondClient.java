package com.millpond.client;

import com.millpond.v1.ListTablesRequest;
import com.millpond.v1.ListTablesResponse;
import io.grpc.Deadline;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * A client of millpond. It is safe for use by several threads. Every call fails with a {@link
 * MillpondException}.
 */
public final class MillpondClient implements AutoCloseable {
  private final Calls calls;

  MillpondClient(Calls calls) {
    this.calls = calls;
  }

  /** Connects in plaintext to the service at {@code target}: see {@link #builder}. */
  public static MillpondClient connect(String target) {
    return builder(target).build();
  }

  /**
   * How to connect to a service. A target is a name of gRPC, such as {@code HOST:PORT}, or all
   * addresses of several instances, each {@code IP:PORT}. The client connects at its first call.
   */
  public static ClientBuilder builder(String... targets) {
    return new ClientBuilder(List.of(targets));
  }

  /** Looks up one key. */
  public Result get(String table, String key) {
    return get(table, key, GetOptions.DEFAULT);
  }

  /** Looks up one key. */
  public Result get(String table, String key, GetOptions options) {
    return Calls.await(getAsync(table, key, options));
  }

  /** Looks up one key. Cancelling the future cancels the call. */
  public CompletableFuture<Result> getAsync(String table, String key, GetOptions options) {
    var request = Messages.getRequest(table, key, options);
    var stub = calls.unary(calls.deadline(options.timeout()));
    return calls.future(
        stub.get(request),
        answer -> Messages.result(key, answer.getResult(), answer.getAsOf()));
  }

  /** Looks up any number of keys: see the other method of this name. */
  public List<Result> batchGet(String table, List<String> keys) {
    return batchGet(table, keys, GetOptions.DEFAULT);
  }

  /**
   * Looks up any number of keys, in calls of at most 1,000, one after the other. The results are in
   * the order of the keys. The deadline is that of all calls together.
   */
  public List<Result> batchGet(String table, List<String> keys, GetOptions options) {
    return Calls.await(batchGetAsync(table, keys, options));
  }

  /** Looks up any number of keys, as {@link #batchGet(String, List, GetOptions)} does. */
  public CompletableFuture<List<Result>> batchGetAsync(
      String table, List<String> keys, GetOptions options) {
    return new Batch(calls, table, keys, options).run();
  }

  /** A stream for many lookups. Close it, or the client. */
  public LookupStream lookups() {
    return new LookupStream(calls);
  }

  /** The live entries of a table: see the other method of this name. */
  public Stream<Entry> scan(String table) {
    return scan(table, ScanOptions.DEFAULT);
  }

  /**
   * The live entries of a table, in no order. Close the stream, unless it is read to its end: use
   * try-with-resources.
   *
   * <p>The scan goes on by itself when its call ends early, but not when the service was restarted:
   * then it fails with INVALID_ARGUMENT.
   */
  public Stream<Entry> scan(String table, ScanOptions options) {
    return new Scan(calls, table, options).stream();
  }

  /**
   * The changes of a table as they are made. The watch goes on by itself after whatever interrupts
   * it. Each time a {@link WatchEvent.Started} says whether changes may have been missed.
   */
  public Watch watch(String table, WatchOptions options) {
    return new Watch(calls, table, options);
  }

  /** All tables, in the order of the configuration. */
  public List<TableDescription> listTables() {
    Deadline deadline = calls.deadline(Optional.empty());
    List<TableDescription> tables = new ArrayList<>();
    String pageToken = "";
    do {
      var request = ListTablesRequest.newBuilder().setPageToken(pageToken).build();
      ListTablesResponse page =
          Calls.await(
              calls.future(calls.unary(deadline).listTables(request), Function.identity()));
      page.getTablesList().forEach(table -> tables.add(Messages.table(table)));
      pageToken = page.getNextPageToken();
    } while (!pageToken.isEmpty());
    return tables;
  }

  /** Ends all calls and all connections. */
  @Override
  public void close() {
    calls.close();
  }
}
