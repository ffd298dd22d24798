package com.millpond.client;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * What a call demands of its table.
 *
 * @param requireReady fail with UNAVAILABLE unless the table has caught up with its stream once
 * @param maxStaleness fail with UNAVAILABLE if the table is staler than this
 * @param minPositions answer after the table has handled these records: what a producer was told
 */
public record Freshness(
    boolean requireReady, Optional<Duration> maxStaleness, List<PartitionOffset> minPositions) {

  /** Demands nothing. */
  public static final Freshness ANY = new Freshness(false, Optional.empty(), List.of());

  public Freshness {
    minPositions = List.copyOf(minPositions);
  }

  /** The same, and the table has caught up with its stream once. */
  public Freshness ready() {
    return new Freshness(true, maxStaleness, minPositions);
  }

  /** The same, and the table is not staler than this. */
  public Freshness within(Duration maxStaleness) {
    return new Freshness(requireReady, Optional.of(maxStaleness), minPositions);
  }

  /** The same, and the table has handled these records. */
  public Freshness after(Collection<PartitionOffset> minPositions) {
    return new Freshness(requireReady, maxStaleness, List.copyOf(minPositions));
  }

  /** The same, and the table has handled this record. */
  public Freshness after(int partition, long offset) {
    return after(List.of(new PartitionOffset(partition, offset)));
  }
}
