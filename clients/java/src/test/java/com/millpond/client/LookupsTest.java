package com.millpond.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.millpond.v1.ErrorReason;
import com.millpond.v1.MissReason;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.MethodDescriptor;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class LookupsTest {
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
  void anEntryHasItsKeyItsFieldsAndItsOrigin() {
    String key = Service.key("entry");
    PartitionOffset record = Service.store("live", key, "{\"name\": \"pond\", \"size\": 3}");
    Result result = client.get("live", key);
    Entry entry = result.entry().orElseThrow();
    assertEquals(key, entry.key());
    assertEquals(Map.of("name", "pond", "size", 3L), entry.fields());
    assertEquals(record, new PartitionOffset(entry.origin().partition(), entry.origin().offset()));
    assertTrue(isAboutNow(entry.origin().time()));
    assertTrue(entry.expireTime().isAfter(entry.origin().time()));
    assertTrue(result.asOf().ready());
    assertTrue(isAboutNow(result.asOf().newestRecordTime().orElseThrow()));
    assertTrue(result.asOf().staleness().isPresent());
  }

  @Test
  void anAnswerHasTheFieldsThatWereAskedFor() throws Exception {
    String key = Service.key("fields");
    Service.store("live", key, "{\"name\": \"pond\", \"size\": 3}");
    var options = GetOptions.DEFAULT.fields("size", "data");
    Result result = client.getAsync("live", key, options).get();
    assertEquals(Map.of("size", 3L), result.entry().orElseThrow().fields());
  }

  static Stream<Arguments> values() {
    return Stream.of(
        Arguments.of("null", null),
        Arguments.of("true", true),
        Arguments.of("-9223372036854775808", Long.MIN_VALUE),
        Arguments.of("18446744073709551615", new BigInteger("18446744073709551615")),
        Arguments.of("1.50", 1.5),
        Arguments.of("\"p\\u00f6nd\"", "p\u00f6nd"),
        Arguments.of("{\"a\": [1, 1e999]}", new Json("{\"a\":[1,1e999]}")),
        Arguments.of(
            "123456789012345678901234567890", new BigDecimal("123456789012345678901234567890")),
        Arguments.of("1e999", new BigDecimal("1e999")));
  }

  @ParameterizedTest
  @MethodSource("values")
  void aValueComesAsItIs(String json, Object expected) {
    String key = Service.key("value-" + json.hashCode());
    Service.store("live", key, "{\"data\": " + json + "}");
    var fields = client.get("live", key).entry().orElseThrow().fields();
    assertEquals(Collections.singletonMap("data", expected), fields);
  }

  @Test
  void aBatchAnswersInTheOrderOfItsKeysWithKeysThatAreDeferred() {
    AtomicInteger calls = new AtomicInteger();
    String document = "{\"data\": \"" + "x".repeat(16 << 10) + "\"}";
    List<String> stored = Service.fill("live", "large", 300, document);
    List<String> keys = new ArrayList<>(stored);
    IntStream.range(0, 2_200).forEach(n -> keys.add(Service.key("none-" + n)));
    var builder = MillpondClient.builder(Service.ENDPOINT).timeout(Duration.ofSeconds(20));
    try (var counting =
        builder.channelOptions(channel -> channel.intercept(new Counter(calls))).build()) {
      List<Result> results = counting.batchGet("live", keys);
      assertEquals(keys, results.stream().map(Result::key).toList());
      assertEquals(stored, keysOf(results.stream().flatMap(result -> result.entry().stream())));
      assertTrue(calls.get() > 3, calls + " calls: no key was deferred");
    }
  }

  @Test
  void aBatchWithoutKeysHasNoResults() {
    assertEquals(List.of(), client.batchGet("live", List.of()));
  }

  @Test
  void aThousandLookupsShareAStreamAndOneThatFailsFailsAlone() {
    String key = Service.key("shared");
    Service.store("live", key, "{\"size\": 1}");
    try (LookupStream lookups = client.lookups()) {
      var keys =
          IntStream.range(0, 1_000)
              .mapToObj(n -> n % 2 == 0 ? key : Service.key("none-" + n))
              .toList();
      var answers = keys.stream().map(asked -> lookups.get("live", asked)).toList();
      var failed = lookups.get("unknown", key);
      var error = assertThrows(CompletionException.class, failed::join);
      assertEquals(
          ErrorReason.ERROR_REASON_TABLE_NOT_FOUND,
          assertInstanceOf(MillpondException.class, error.getCause()).reason());
      var results = answers.stream().map(CompletableFuture::join).toList();
      assertEquals(keys, results.stream().map(Result::key).toList());
      assertTrue(
          results.stream()
              .allMatch(result -> result.key().equals(key) == result.entry().isPresent()));
    }
  }

  @Test
  void lookupsInFlightFailWhenTheirStreamEndsAndTheNextOpensANewOne() throws Exception {
    String key = Service.key("cut");
    PartitionOffset record = Service.store("live", key, "{\"size\": 1}");
    try (Proxy proxy = new Proxy(Service.ENDPOINT);
        var cuttable = MillpondClient.builder(proxy.target()).timeout(Duration.ofSeconds(20)).build();
        LookupStream lookups = cuttable.lookups()) {
      lookups.get("live", key).get();
      var far = Freshness.ANY.after(record.partition(), record.offset() + 1_000_000);
      var waiting = lookups.get("live", key, GetOptions.DEFAULT.freshness(far));
      Thread.sleep(200);
      proxy.cut();
      var error = assertThrows(CompletionException.class, waiting::join);
      assertTrue(assertInstanceOf(MillpondException.class, error.getCause()).isRetryable());
      assertTrue(lookups.get("live", key).get().entry().isPresent());
    }
  }

  @Test
  void aCallerReadsItsOwnWrites() throws Exception {
    try (LookupStream lookups = client.lookups()) {
      for (boolean onStream : List.of(false, true)) {
        String key = Service.key("own-" + onStream);
        PartitionOffset written = Service.produce("live", key, "{\"size\": 2}");
        var options = GetOptions.DEFAULT.freshness(Freshness.ANY.after(List.of(written)));
        Result result =
            onStream ? lookups.get("live", key, options).get() : client.get("live", key, options);
        assertEquals(written.offset(), result.entry().orElseThrow().origin().offset());
      }
    }
  }

  @Test
  void aMissSaysThatTheKeyWasNeverSeen() {
    assertEquals(MissReason.MISS_REASON_NEVER_SEEN, miss("live", "never").reason());
  }

  @Test
  void aMissSaysThatTheEntryWasDeletedAndByWhat() {
    Service.store("live", Service.key("deleted"), "{\"size\": 1}");
    PartitionOffset tombstone = Service.remove("live", Service.key("deleted"));
    Result.Miss miss = miss("live", "deleted");
    assertEquals(MissReason.MISS_REASON_DELETED, miss.reason());
    assertEquals(Optional.of(tombstone), miss.deletedBy());
  }

  @Test
  void aMissSaysThatTheEntryExpiredAndWhen() throws Exception {
    String key = Service.key("expired");
    Service.store("brief", key, "{\"size\": 1}");
    Result.Miss miss =
        Service.eventually(
            () -> client.get("brief", key) instanceof Result.Miss gone ? gone : null);
    assertEquals(MissReason.MISS_REASON_EXPIRED, miss.reason());
    assertTrue(isAboutNow(miss.time().orElseThrow()));
  }

  @Test
  void aMissSaysThatTheEntryWasEvictedAndWhen() throws Exception {
    List<String> keys = new ArrayList<>();
    Result.Miss miss =
        Service.eventually(
            () -> {
              keys.addAll(Service.fill("small", "evicted-" + keys.size(), 5_000, "{\"size\": 1}"));
              return client.batchGet("small", keys).stream()
                  .flatMap(result -> result instanceof Result.Miss gone ? Stream.of(gone) : null)
                  .filter(gone -> gone.reason() == MissReason.MISS_REASON_EVICTED)
                  .findFirst()
                  .orElse(null);
            });
    assertTrue(isAboutNow(miss.time().orElseThrow()));
  }

  @Test
  void aMissSaysThatTheTableIsLoading() {
    // The service configuration would wait until the service is ready.
    var builder = MillpondClient.builder(Service.LOADING).serviceConfig(Map.of());
    try (var loading = builder.timeout(Duration.ofSeconds(20)).build()) {
      var miss = assertInstanceOf(Result.Miss.class, loading.get("live", Service.key("loading")));
      assertEquals(MissReason.MISS_REASON_LOADING, miss.reason());
      assertTrue(!miss.asOf().ready());
    }
  }

  @Test
  void theTablesAreListedWithTheirFields() {
    List<TableDescription> tables = client.listTables();
    assertEquals(
        List.of("live", "brief", "small"), tables.stream().map(TableDescription::name).toList());
    TableDescription live = tables.get(0);
    assertEquals(
        List.of("data", "name", "size"),
        live.fields().stream().map(TableDescription.Field::name).toList());
    assertEquals(Duration.ofHours(1), live.ttl());
  }

  @Test
  void severalAddressesAreOneTarget() {
    try (var both =
        MillpondClient.builder(Service.ENDPOINT, Service.ENDPOINT)
            .timeout(Duration.ofSeconds(20))
            .build()) {
      assertInstanceOf(Result.Miss.class, both.get("live", Service.key("none")));
    }
  }

  private static Result.Miss miss(String table, String name) {
    return assertInstanceOf(Result.Miss.class, client.get(table, Service.key(name)));
  }

  static List<String> keysOf(Stream<Entry> entries) {
    return entries.map(Entry::key).toList();
  }

  private static boolean isAboutNow(Instant time) {
    return Duration.between(time, Instant.now()).abs().compareTo(Duration.ofMinutes(1)) < 0;
  }

  private record Counter(AtomicInteger calls) implements ClientInterceptor {
    @Override
    public <T, R> ClientCall<T, R> interceptCall(
        MethodDescriptor<T, R> method, CallOptions options, Channel next) {
      calls.incrementAndGet();
      return next.newCall(method, options);
    }
  }
}
