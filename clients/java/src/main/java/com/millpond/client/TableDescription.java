package com.millpond.client;

import java.time.Duration;
import java.util.List;

/**
 * One table, as it is configured.
 *
 * @param keySources where keys come from: the first source that has a key counts
 * @param ttl how long an entry lives, unless its record says something else
 * @param ttlFrom the start of the time to live
 */
public record TableDescription(
    String name,
    String topic,
    List<String> keySources,
    List<Field> fields,
    Duration ttl,
    String ttlFrom) {

  /** A field, and where its value comes from. */
  public record Field(String name, String source) {}
}
