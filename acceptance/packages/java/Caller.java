import com.millpond.client.MillpondClient;
import com.millpond.client.MillpondException;
import com.millpond.client.Result;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** Looks up keys by the Java package. See ../README.md. */
final class Caller {
  private static final int LOOPS = 8;
  private static final long PAUSE_MILLIS = 25;

  private final MillpondClient client;
  private final String table;
  private final List<String> keys;
  private final Map<String, Integer> outcomes = new ConcurrentHashMap<>();
  private final CountDownLatch stop = new CountDownLatch(1);

  private Caller(MillpondClient client, String table, List<String> keys) {
    this.client = client;
    this.table = table;
    this.keys = keys;
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments.length < 3) {
      throw new IllegalArgumentException("usage: see README.md");
    }
    List<String> keys = List.of(arguments).subList(2, arguments.length);
    try (MillpondClient client = MillpondClient.connect("dns:///" + arguments[0])) {
      var caller = new Caller(client, arguments[1], keys);
      caller.lookUp(0);
      System.out.println("calling");
      caller.callUntilInputEnds();
      caller.outcomes.forEach((outcome, count) -> System.out.println(count + " " + outcome));
    }
  }

  private void callUntilInputEnds() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(LOOPS);
    List<Future<?>> loops = new ArrayList<>();
    for (int loop = 0; loop < LOOPS; loop++) {
      int first = loop;
      loops.add(threads.submit(() -> call(first)));
    }
    System.in.transferTo(OutputStream.nullOutputStream());
    stop.countDown();
    threads.shutdown();
    for (Future<?> loop : loops) {
      loop.get();
    }
  }

  private Void call(int first) throws InterruptedException {
    for (int call = first; !stop.await(PAUSE_MILLIS, TimeUnit.MILLISECONDS); call++) {
      lookUp(call);
    }
    return null;
  }

  private void lookUp(int call) {
    outcomes.merge(outcome(keys.get(call % keys.size())), 1, Integer::sum);
  }

  private String outcome(String key) {
    try {
      Result result = client.get(table, key);
      return result instanceof Result.Miss miss
          ? "missed " + miss.reason()
          : "answered " + result.entry().orElseThrow().fields().get("instance");
    } catch (MillpondException error) {
      return "failed " + error.code() + ": " + error.getMessage();
    }
  }
}
