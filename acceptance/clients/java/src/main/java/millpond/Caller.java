package millpond;

import com.millpond.v1.GetRequest;
import com.millpond.v1.LookupServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** A Java caller of millpond, with grpc-java. See ../README.md. */
public final class Caller {
  private static final int IMPATIENT_CALLS = 2_000;
  private static final int AT_ONCE = 60;
  private static final int GZIP_CALLS = 50;
  private static final int PATIENCE_SECONDS = 20;
  /** Long enough for some pings. */
  private static final long WATCH_MILLIS = 8_000;

  private final ManagedChannel channel;
  private final GetRequest request;
  private final List<String> failures = new ArrayList<>();

  private Caller(ManagedChannel channel, String table, String key) {
    this.channel = channel;
    this.request = GetRequest.newBuilder().setTable(table).setKey(key).build();
  }

  public static void main(String[] arguments) throws InterruptedException, IOException {
    List<String> failures = List.of("usage: see README.md");
    if (arguments.length == 4 && arguments[0].equals("impatience")) {
      failures = impatience(arguments[1], arguments[2], arguments[3]);
    } else if (arguments.length == 4 && arguments[0].equals("lookup")) {
      failures = Lookup.run(arguments[1], arguments[2], arguments[3]);
    }
    failures.forEach(failure -> System.out.println("FAILED  " + failure));
    System.exit(failures.isEmpty() ? 0 : 1);
  }

  private static List<String> impatience(String address, String table, String key)
      throws InterruptedException {
    ManagedChannel channel =
        NettyChannelBuilder.forTarget(address)
            .usePlaintext()
            .keepAliveTime(1, TimeUnit.SECONDS)
            .keepAliveWithoutCalls(true)
            .build();
    Caller caller = new Caller(channel, table, key);
    caller.run();
    channel.shutdownNow().awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS);
    return caller.failures;
  }

  private void run() throws InterruptedException {
    long start = System.nanoTime();
    AtomicReference<String> watchEnd = watchHealth();
    getInGzip("a call in gzip", GZIP_CALLS);
    giveUp();
    long left = WATCH_MILLIS - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    Thread.sleep(Math.max(0, left));
    getInGzip("the call after all others", 1);
    if (watchEnd.get() != null) {
      failures.add("the health watch ended: " + watchEnd.get());
    }
  }

  private AtomicReference<String> watchHealth() {
    AtomicReference<String> end = new AtomicReference<>();
    StreamObserver<HealthCheckResponse> observer =
        new StreamObserver<>() {
          @Override
          public void onNext(HealthCheckResponse response) {}

          @Override
          public void onError(Throwable error) {
            end.set(error.toString());
          }

          @Override
          public void onCompleted() {
            end.set("it has ended");
          }
        };
    HealthGrpc.newStub(channel).watch(HealthCheckRequest.getDefaultInstance(), observer);
    return end;
  }

  private void getInGzip(String what, int times) {
    LookupServiceGrpc.LookupServiceBlockingStub stub =
        LookupServiceGrpc.newBlockingStub(channel).withCompression("gzip");
    try {
      for (int call = 0; call < times; call++) {
        stub.withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS).get(request);
      }
    } catch (StatusRuntimeException error) {
      failures.add(what + ": " + error.getStatus());
    }
  }

  /** Makes calls with deadlines that few can meet, many at once. */
  private void giveUp() throws InterruptedException {
    Map<String, Integer> counts = new TreeMap<>();
    LookupServiceGrpc.LookupServiceFutureStub stub = LookupServiceGrpc.newFutureStub(channel);
    for (int done = 0; done < IMPATIENT_CALLS; done += AT_ONCE) {
      List<Future<?>> calls = new ArrayList<>();
      for (int call = 0; call < AT_ONCE; call++) {
        calls.add(stub.withDeadlineAfter(1 + call % 5, TimeUnit.MILLISECONDS).get(request));
      }
      for (Future<?> call : calls) {
        counts.merge(code(call), 1, Integer::sum);
      }
    }
    System.out.println("impatient calls: " + counts);
    counts.keySet().removeAll(List.of("OK", "DEADLINE_EXCEEDED"));
    if (!counts.isEmpty()) {
      failures.add("calls with a short deadline ended with " + counts);
    }
  }

  private static String code(Future<?> call) throws InterruptedException {
    try {
      call.get();
      return "OK";
    } catch (ExecutionException error) {
      return Status.fromThrowable(error.getCause()).getCode().name();
    }
  }
}
