package com.millpond.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.millpond.v1.ErrorReason;
import io.grpc.Status;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ErrorsTest {
  @Test
  void anUnknownTableIsAnErrorWithItsReason() {
    try (var client = Service.connect()) {
      var error = assertThrows(MillpondException.class, () -> client.get("unknown", "key"));
      assertEquals(Status.Code.NOT_FOUND, error.code());
      assertEquals(ErrorReason.ERROR_REASON_TABLE_NOT_FOUND, error.reason());
      assertTrue(error.getMessage().contains("unknown"), error.getMessage());
      assertEquals("unknown", error.metadata().get("table"));
      assertTrue(error.requestId().isPresent());
      assertFalse(error.isRetryable());
    }
  }

  @Test
  void anErrorListsTheFieldsThatBreakTheirRules() {
    try (var client = Service.connect()) {
      var error = assertThrows(MillpondException.class, () -> client.get("live", ""));
      assertEquals(ErrorReason.ERROR_REASON_INVALID_REQUEST, error.reason());
      assertEquals(
          List.of("key"),
          error.violations().stream().map(MillpondException.Violation::field).toList());
    }
  }

  @Test
  void aTableThatIsLoadingIsNotReady() {
    // Without a service configuration, so that it is not asked again.
    var builder = MillpondClient.builder(Service.LOADING).serviceConfig(Map.of());
    var ready = GetOptions.DEFAULT.freshness(Freshness.ANY.ready());
    try (var client = builder.build()) {
      var error = assertThrows(MillpondException.class, () -> client.get("live", "key", ready));
      assertEquals(ErrorReason.ERROR_REASON_TABLE_LOADING, error.reason());
      assertTrue(error.isRetryable());
      assertTrue(error.retryDelay().isPresent());
    }
  }

  @Test
  void aCallEndsAtItsDeadline() {
    var soon = GetOptions.DEFAULT.timeout(Duration.ofMillis(300));
    try (var client = Service.connect();
        LookupStream lookups = client.lookups()) {
      lookups.get("live", "key").join();
      Service.control("pause");
      try {
        var error = assertThrows(MillpondException.class, () -> client.get("live", "key", soon));
        assertTrue(error.isDeadlineExceeded(), error.toString());
        var late = lookups.get("live", "key", soon);
        var failure = assertThrows(CompletionException.class, late::join).getCause();
        assertTrue(assertInstanceOf(MillpondException.class, failure).isDeadlineExceeded());
      } finally {
        Service.control("continue");
      }
      assertTrue(lookups.get("live", "key").join().entry().isEmpty());
    }
  }

  @Test
  void aCallThatIsShedSaysWhenToRetry() {
    try (var client = Service.secure(Service.TLS_ENDPOINT).tokenFile(Service.SHED_TOKEN).build()) {
      var answers =
          IntStream.range(0, 10)
              .mapToObj(n -> client.getAsync("live", "key", GetOptions.DEFAULT))
              .toList();
      var errors =
          answers.stream()
              .map(answer -> answer.handle((result, error) -> error).join())
              .filter(MillpondException.class::isInstance)
              .toList();
      var error = (MillpondException) errors.get(0);
      assertEquals(ErrorReason.ERROR_REASON_SHARE_EXHAUSTED, error.reason());
      assertTrue(error.isShed());
      assertTrue(error.isRetryable());
      assertTrue(error.retryDelay().orElseThrow().compareTo(Duration.ZERO) > 0);
    }
  }

  @Test
  void anInterruptEndsACall() throws Exception {
    try (var client = Service.connect()) {
      var far = GetOptions.DEFAULT.freshness(Freshness.ANY.after(0, 1_000_000_000));
      Thread.currentThread().interrupt();
      var error = assertThrows(MillpondException.class, () -> client.get("live", "key", far));
      assertEquals(Status.Code.CANCELLED, error.code());
      assertTrue(Thread.interrupted());
    }
  }

  @Test
  void aClientThatIsClosedAnswersNothingMore() {
    var client = Service.connect();
    LookupStream lookups = client.lookups();
    var far = GetOptions.DEFAULT.freshness(Freshness.ANY.after(0, 1_000_000_000));
    var waiting = lookups.get("live", "key", far);
    client.close();
    var lost = assertThrows(CompletionException.class, waiting::join).getCause();
    assertEquals(
        Status.Code.CANCELLED, assertInstanceOf(MillpondException.class, lost).code());
    var error = assertThrows(MillpondException.class, () -> client.get("live", "key"));
    assertEquals(Status.Code.CANCELLED, error.code());
    assertThrows(CompletionException.class, () -> lookups.get("live", "key").join());
  }

  @Test
  void aStreamThatIsClosedFailsItsLookupsAndOpensAgain() {
    var far = GetOptions.DEFAULT.freshness(Freshness.ANY.after(0, 1_000_000_000));
    try (var client = Service.connect()) {
      LookupStream lookups = client.lookups();
      var waiting = lookups.get("live", "key", far);
      lookups.close();
      var lost = assertThrows(CompletionException.class, waiting::join).getCause();
      assertEquals(
          Status.Code.CANCELLED, assertInstanceOf(MillpondException.class, lost).code());
      assertTrue(lookups.get("live", "key").join().entry().isEmpty());
    }
  }

  @Test
  void optionsThatDoNotFitTogetherAreRefused() {
    var token = MillpondClient.builder(Service.TLS_ENDPOINT).tokenFile(Service.TOKEN);
    assertThrows(IllegalArgumentException.class, token::build);
    var missing = MillpondClient.builder(Service.TLS_ENDPOINT).ca(Path.of("/does/not/exist"));
    assertThrows(UncheckedIOException.class, missing::build);
  }
}
