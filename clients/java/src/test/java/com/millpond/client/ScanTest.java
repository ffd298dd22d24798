package com.millpond.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.millpond.v1.ErrorReason;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ScanTest {
  private static final ScanOptions PREFIX = ScanOptions.DEFAULT.prefix(Service.key("scan"));
  private static MillpondClient client;
  private static List<String> stored;

  @BeforeAll
  static void connect() {
    client = Service.connect();
    // So large that a scan takes several responses, and that they are not all sent at once.
    String document = "{\"name\": \"pond\", \"data\": \"" + "x".repeat(4 << 10) + "\"}";
    stored = Service.fill("live", "scan", 2_000, document);
  }

  @AfterAll
  static void close() {
    client.close();
  }

  @Test
  void aScanHasEachEntryOnce() {
    List<String> keys = keys(client.scan("live", ScanOptions.DEFAULT.fields("name")));
    assertEquals(new HashSet<>(keys).size(), keys.size());
    assertTrue(new HashSet<>(keys).containsAll(stored));
  }

  @Test
  void aScanOfAPrefixHasItsEntriesAloneWithTheFieldsThatWereAskedFor() {
    String prefix = Service.key("scan-019");
    var options = ScanOptions.DEFAULT.prefix(prefix).fields("name");
    try (Stream<Entry> entries = client.scan("live", options)) {
      List<Entry> found = entries.toList();
      assertEquals(
          stored.stream().filter(key -> key.startsWith(prefix)).toList(), keys(found.stream()));
      assertTrue(
          found.stream().allMatch(entry -> entry.fields().equals(Map.of("name", "pond"))));
    }
  }

  @Test
  void aScanEndsAtItsLimit() {
    assertEquals(150, keys(client.scan("live", PREFIX.limit(150))).stream().distinct().count());
  }

  @Test
  void aScanOfNothingEnds() {
    assertEquals(0, client.scan("live", PREFIX.prefix(Service.key("nothing"))).count());
  }

  @Test
  void aScanThatIsLeftEndsItsCall() {
    try (Stream<Entry> entries = client.scan("live", PREFIX)) {
      assertTrue(entries.findFirst().isPresent());
    }
    assertTrue(client.get("live", stored.get(0)).entry().isPresent());
  }

  @Test
  void aScanGoesOnWhenItsConnectionIsCut() throws Exception {
    try (Proxy proxy = new Proxy(Service.ENDPOINT);
        var cuttable = MillpondClient.connect(proxy.target());
        Stream<Entry> entries = cuttable.scan("live", PREFIX)) {
      List<String> keys = new ArrayList<>();
      for (Iterator<Entry> each = entries.iterator(); each.hasNext(); ) {
        keys.add(each.next().key());
        if (keys.size() == 10 || keys.size() == 1_000) {
          proxy.cut();
        }
      }
      assertEquals(stored, keys.stream().sorted().toList());
    }
  }

  @Test
  void aScanFailsWhenTheServiceWasRestarted() {
    try (Stream<Entry> entries = client.scan("live", PREFIX)) {
      Iterator<Entry> each = entries.iterator();
      each.next();
      Service.control("restart");
      var error =
          assertThrows(MillpondException.class, () -> each.forEachRemaining(entry -> {}));
      assertEquals(Status.Code.INVALID_ARGUMENT, error.code());
      assertTrue(error.getMessage().contains("restarted: scan again"), error.getMessage());
    }
  }

  @Test
  void aScanOfAnUnknownTableFails() {
    var error = assertThrows(MillpondException.class, () -> client.scan("unknown").count());
    assertEquals(ErrorReason.ERROR_REASON_TABLE_NOT_FOUND, error.reason());
  }

  private static List<String> keys(Stream<Entry> entries) {
    return entries.map(Entry::key).sorted().toList();
  }
}
