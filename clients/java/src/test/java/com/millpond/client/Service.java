package com.millpond.client;

import com.google.gson.Gson;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;

/** The service that the tests ask, and its control. */
final class Service {
  static final String ENDPOINT = environment("ENDPOINT");
  static final String LOADING = environment("LOADING");
  static final String TLS_ENDPOINT = environment("TLS_ENDPOINT");
  static final Path CA = Path.of(environment("CA"));
  static final Path TOKEN = Path.of(environment("TOKEN_FILE"));
  static final Path SHED_TOKEN = Path.of(environment("SHED_TOKEN_FILE"));
  static final Path CERTIFICATE = Path.of(environment("CERTIFICATE"));
  static final Path KEY = Path.of(environment("KEY"));

  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  // The tables outlive a run, so its keys are its own.
  private static final String RUN = "java-" + System.currentTimeMillis() + "-";

  private Service() {}

  private static String environment(String name) {
    String variable = "MILLPOND_TEST_" + name;
    return Objects.requireNonNull(System.getenv(variable), () -> variable + " is not set");
  }

  static MillpondClient connect() {
    return MillpondClient.builder(ENDPOINT).timeout(PATIENCE).build();
  }

  /** With TLS, and patient. */
  static ClientBuilder secure(String target) {
    return MillpondClient.builder(target).ca(CA).timeout(PATIENCE);
  }

  static String key(String name) {
    return RUN + name;
  }

  /** Stores an entry, and returns its record when it is handled. */
  static PartitionOffset store(String table, String key, String document) {
    return position(ask("PUT", "/tables/" + table + "/entries/" + key, document));
  }

  static PartitionOffset remove(String table, String key) {
    return position(ask("DELETE", "/tables/" + table + "/entries/" + key, ""));
  }

  /** Produces a record, and returns it when the broker has it. */
  static PartitionOffset produce(String table, String key, String document) {
    return position(ask("POST", "/produce/" + table + "/" + key, document));
  }

  /** Stores so many entries with the same fields, and returns their keys. */
  static List<String> fill(String table, String name, int count, String document) {
    ask("POST", "/fill/" + table + "/" + key(name) + "/" + count, document);
    return IntStream.range(0, count).mapToObj(n -> key(name) + "-%05d".formatted(n)).toList();
  }

  static void control(String action) {
    ask("POST", "/" + action, "");
  }

  private static String ask(String method, String path, String body) {
    var request =
        HttpRequest.newBuilder(URI.create(environment("CONTROL") + path))
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .build();
    try {
      var response = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() != 200) {
        throw new IllegalStateException(method + " " + path + ": " + response.body());
      }
      return response.body();
    } catch (IOException | InterruptedException error) {
      throw new IllegalStateException(method + " " + path, error);
    }
  }

  private static PartitionOffset position(String json) {
    return new Gson().fromJson(json, PartitionOffset.class);
  }

  /** Tries until {@code attempt} returns something that is not null; its errors count as nothing. */
  static <T> T eventually(Callable<T> attempt) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(40).toNanos();
    while (true) {
      try {
        T found = attempt.call();
        if (found != null) {
          return found;
        }
        if (System.nanoTime() > end) {
          throw new AssertionError("it did not happen in time");
        }
      } catch (MillpondException error) {
        if (System.nanoTime() > end) {
          throw error;
        }
      }
      Thread.sleep(200);
    }
  }
}
