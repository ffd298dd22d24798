package com.millpond.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.millpond.v1.ErrorReason;
import com.millpond.v1.RemovalCause;
import io.grpc.Status;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WatchTest {
  private static MillpondClient client;

  @BeforeAll
  static void connect() {
    client = Service.connect();
  }

  @AfterAll
  static void close() {
    client.close();
  }

  @Test
  void aWatchHasTheCurrentEntriesAndThenTheChanges() {
    String prefix = Service.key("watch-");
    String a = prefix + "a";
    String b = prefix + "b";
    Service.store("live", a, "{\"size\": 1}");
    try (Watch watch = client.watch("live", WatchOptions.DEFAULT.prefix(prefix).withCurrent())) {
      var started = next(watch, WatchEvent.Started.class);
      assertFalse(started.resumed());
      assertTrue(started.sendsCurrent());
      assertTrue(started.asOf().ready());
      assertEquals(a, next(watch, WatchEvent.Current.class).entry().key());
      next(watch, WatchEvent.SnapshotComplete.class);

      Service.store("live", b, "{\"size\": 2}");
      var stored = next(watch, WatchEvent.Stored.class);
      assertEquals(b, stored.entry().key());
      assertEquals(Map.of("size", 2L), stored.entry().fields());
      assertFalse(stored.replaced());

      PartitionOffset newest = Service.store("live", a, "{\"size\": 3}");
      assertTrue(next(watch, WatchEvent.Stored.class).replaced());

      PartitionOffset tombstone = Service.remove("live", a);
      var removed = next(watch, WatchEvent.Removed.class);
      assertEquals(a, removed.key());
      assertEquals(RemovalCause.REMOVAL_CAUSE_DELETED, removed.cause());
      assertEquals(newest.offset(), removed.origin().offset());
      assertEquals(Optional.of(tombstone), removed.deletedBy());
    }
  }

  @Test
  void aWatchOfSomeKeysHasTheirChangesAlone() {
    String key = Service.key("keys-b");
    var options = WatchOptions.DEFAULT.keys(List.of(key)).fields("size");
    try (Watch watch = client.watch("live", options)) {
      assertFalse(next(watch, WatchEvent.Started.class).sendsCurrent());
      Service.store("live", Service.key("keys-a"), "{\"size\": 1}");
      Service.store("live", key, "{\"name\": \"pond\", \"size\": 2}");
      Entry entry = next(watch, WatchEvent.Stored.class).entry();
      assertEquals(key, entry.key());
      assertEquals(Map.of("size", 2L), entry.fields());
    }
  }

  @Test
  void aWatchSeesThatAnEntryExpires() {
    String key = Service.key("brief");
    try (Watch watch = client.watch("brief", WatchOptions.DEFAULT.keys(List.of(key)))) {
      next(watch, WatchEvent.Started.class);
      Service.store("brief", key, "{\"size\": 1}");
      next(watch, WatchEvent.Stored.class);
      var removed = next(watch, WatchEvent.Removed.class);
      assertEquals(RemovalCause.REMOVAL_CAUSE_EXPIRED, removed.cause());
      assertEquals(Optional.empty(), removed.deletedBy());
    }
  }

  @Test
  void aWatchSaysHowFarItHasCome() {
    var options = WatchOptions.DEFAULT.progressInterval(Duration.ofMillis(100));
    PartitionOffset record = Service.store("live", Service.key("progress"), "{\"size\": 1}");
    try (Watch watch = client.watch("live", options)) {
      assertInstanceOf(WatchEvent.Started.class, watch.next());
      boolean hasCome = false;
      while (!hasCome) {
        hasCome =
            watch.next() instanceof WatchEvent.Progress progress
                && progress.asOf().ready()
                && progress.positions().stream()
                    .anyMatch(
                        position ->
                            position.partition() == record.partition()
                                && position.offset() >= record.offset());
      }
    }
  }

  @Test
  void aWatchGoesOnWhenItsConnectionIsCutAndMissesNothing() throws Exception {
    String prefix = Service.key("resumed-");
    try (Proxy proxy = new Proxy(Service.ENDPOINT);
        var cuttable = MillpondClient.connect(proxy.target());
        Watch watch = cuttable.watch("live", WatchOptions.DEFAULT.prefix(prefix).withCurrent())) {
      next(watch, WatchEvent.Started.class);
      next(watch, WatchEvent.SnapshotComplete.class);
      Service.store("live", prefix + "a", "{\"size\": 1}");
      next(watch, WatchEvent.Stored.class);
      proxy.cut();
      Service.store("live", prefix + "b", "{\"size\": 2}");
      var again = next(watch, WatchEvent.Started.class);
      assertTrue(again.resumed());
      assertFalse(again.sendsCurrent());
      assertEquals(prefix + "b", next(watch, WatchEvent.Stored.class).entry().key());
    }
  }

  @Test
  void aWatchBeginsAnewWhenTheServiceWasRestarted() {
    String prefix = Service.key("restarted-");
    Service.store("live", prefix + "a", "{\"size\": 1}");
    try (Watch watch = client.watch("live", WatchOptions.DEFAULT.prefix(prefix))) {
      assertFalse(next(watch, WatchEvent.Started.class).sendsCurrent());
      Service.control("restart");
      Service.store("live", prefix + "b", "{\"size\": 2}");
      var again = next(watch, WatchEvent.Started.class);
      assertFalse(again.resumed());
      assertTrue(again.sendsCurrent());
      Set<String> seen = new HashSet<>();
      while (!seen.containsAll(Set.of(prefix + "a", prefix + "b"))) {
        WatchEvent event = watch.next();
        if (event instanceof WatchEvent.Current current) {
          seen.add(current.entry().key());
        } else if (event instanceof WatchEvent.Stored stored) {
          seen.add(stored.entry().key());
        }
      }
    }
  }

  @Test
  void aWatchOfAnUnknownTableFails() {
    try (Watch watch = client.watch("unknown", WatchOptions.DEFAULT)) {
      var error = assertThrows(MillpondException.class, watch::hasNext);
      assertEquals(ErrorReason.ERROR_REASON_TABLE_NOT_FOUND, error.reason());
    }
  }

  @Test
  void aWatchEndsWhenItIsClosedAndFailsWhenItsClientIs() throws Exception {
    var closing = Service.connect();
    for (boolean withClient : List.of(false, true)) {
      Watch watch = closing.watch("live", WatchOptions.DEFAULT.keys(List.of("none")));
      next(watch, WatchEvent.Started.class);
      var end = CompletableFuture.supplyAsync(() -> nextThatIsNoProgress(watch));
      Thread.sleep(200);
      if (withClient) {
        closing.close();
        var error = end.handle((event, failure) -> failure.getCause()).get();
        assertEquals(
            Status.Code.CANCELLED, assertInstanceOf(MillpondException.class, error).code());
      } else {
        watch.close();
        assertEquals(Optional.empty(), end.get());
      }
    }
  }

  private static <T extends WatchEvent> T next(Watch watch, Class<T> type) {
    return assertInstanceOf(type, nextThatIsNoProgress(watch).orElseThrow());
  }

  private static Optional<WatchEvent> nextThatIsNoProgress(Watch watch) {
    while (watch.hasNext()) {
      WatchEvent event = watch.next();
      if (!(event instanceof WatchEvent.Progress)) {
        return Optional.of(event);
      }
    }
    return Optional.empty();
  }
}
