package com.millpond.client;

import com.millpond.v1.RemovalCause;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** One event of a watch. */
public sealed interface WatchEvent {
  /**
   * The watch has begun, or goes on.
   *
   * @param resumed whether no change was missed
   * @param sendsCurrent whether the current entries follow: forget what you know
   */
  record Started(boolean resumed, boolean sendsCurrent, AsOf asOf) implements WatchEvent {}

  /** An entry that the table has already. */
  record Current(Entry entry) implements WatchEvent {}

  /** All current entries were sent. What did not come is not there. */
  record SnapshotComplete() implements WatchEvent {}

  /**
   * An entry was stored.
   *
   * @param replaced whether it replaced a live entry of its key
   */
  record Stored(Entry entry, boolean replaced) implements WatchEvent {}

  /**
   * An entry left the table.
   *
   * @param origin the record that the entry came from
   * @param expireTime when the entry expired, or would have expired
   * @param deletedBy the record that deleted the entry
   */
  record Removed(
      String key,
      RemovalCause cause,
      Origin origin,
      Instant expireTime,
      Optional<PartitionOffset> deletedBy)
      implements WatchEvent {}

  /** The table has handled these records: nothing that they changed is still to come. */
  record Progress(List<PartitionOffset> positions, AsOf asOf) implements WatchEvent {}
}
