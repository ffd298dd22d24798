package com.millpond.client;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * How a lookup is made.
 *
 * @param fields the fields to return; all if there are none
 * @param freshness what the lookup demands of its table
 * @param timeout the time until the deadline, instead of that of the client
 */
public record GetOptions(List<String> fields, Freshness freshness, Optional<Duration> timeout) {
  /** All fields, no demands, and the client's deadline. */
  public static final GetOptions DEFAULT =
      new GetOptions(List.of(), Freshness.ANY, Optional.empty());

  public GetOptions {
    fields = List.copyOf(fields);
  }

  public GetOptions fields(String... fields) {
    return new GetOptions(List.of(fields), freshness, timeout);
  }

  public GetOptions freshness(Freshness freshness) {
    return new GetOptions(fields, freshness, timeout);
  }

  public GetOptions timeout(Duration timeout) {
    return new GetOptions(fields, freshness, Optional.of(timeout));
  }
}
