package com.millpond.client;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * How a table is scanned.
 *
 * @param prefix only entries whose keys begin with this
 * @param fields the fields to return; all if there are none
 * @param limit the scan ends after so many entries; zero means after the last one
 * @param freshness what the scan demands of the table when it begins
 * @param timeout the time until the deadline; a scan has none if it is empty
 */
public record ScanOptions(
    String prefix,
    List<String> fields,
    long limit,
    Freshness freshness,
    Optional<Duration> timeout) {

  /** All entries with all fields, without demands and without a deadline. */
  public static final ScanOptions DEFAULT =
      new ScanOptions("", List.of(), 0, Freshness.ANY, Optional.empty());

  public ScanOptions {
    fields = List.copyOf(fields);
    if (limit < 0) {
      throw new IllegalArgumentException("limit must not be negative");
    }
  }

  public ScanOptions prefix(String prefix) {
    return new ScanOptions(prefix, fields, limit, freshness, timeout);
  }

  public ScanOptions fields(String... fields) {
    return new ScanOptions(prefix, List.of(fields), limit, freshness, timeout);
  }

  public ScanOptions limit(long limit) {
    return new ScanOptions(prefix, fields, limit, freshness, timeout);
  }

  public ScanOptions freshness(Freshness freshness) {
    return new ScanOptions(prefix, fields, limit, freshness, timeout);
  }

  public ScanOptions timeout(Duration timeout) {
    return new ScanOptions(prefix, fields, limit, freshness, Optional.of(timeout));
  }
}
