package com.millpond.client;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * What is watched, and how. Either keys or a prefix may be set.
 *
 * @param keys only changes of these keys, at most 1,000; of all keys if there are none
 * @param prefix only changes of keys that begin with this
 * @param fields the fields to return; all if there are none
 * @param includeCurrent whether the current entries come first
 * @param freshness what the watch demands of the table when it begins
 * @param progressInterval how long after one {@link WatchEvent.Progress} the next comes: 100 ms to
 *     60 s, and 5 s if it is empty
 */
public record WatchOptions(
    List<String> keys,
    String prefix,
    List<String> fields,
    boolean includeCurrent,
    Freshness freshness,
    Optional<Duration> progressInterval) {

  /** The changes of all keys with all fields, without the current entries. */
  public static final WatchOptions DEFAULT =
      new WatchOptions(List.of(), "", List.of(), false, Freshness.ANY, Optional.empty());

  public WatchOptions {
    keys = List.copyOf(keys);
    fields = List.copyOf(fields);
  }

  public WatchOptions keys(Collection<String> keys) {
    return new WatchOptions(
        List.copyOf(keys), prefix, fields, includeCurrent, freshness, progressInterval);
  }

  public WatchOptions prefix(String prefix) {
    return new WatchOptions(keys, prefix, fields, includeCurrent, freshness, progressInterval);
  }

  public WatchOptions fields(String... fields) {
    return new WatchOptions(
        keys, prefix, List.of(fields), includeCurrent, freshness, progressInterval);
  }

  /** The current entries come first. */
  public WatchOptions withCurrent() {
    return new WatchOptions(keys, prefix, fields, true, freshness, progressInterval);
  }

  public WatchOptions freshness(Freshness freshness) {
    return new WatchOptions(keys, prefix, fields, includeCurrent, freshness, progressInterval);
  }

  public WatchOptions progressInterval(Duration interval) {
    return new WatchOptions(
        keys, prefix, fields, includeCurrent, freshness, Optional.of(interval));
  }
}
