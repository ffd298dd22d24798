package com.millpond.client;

import com.millpond.v1.MissReason;
import java.time.Instant;
import java.util.Optional;

/** The answer to one lookup: an entry, or a miss. */
public sealed interface Result {
  String key();

  /** How complete the table was known to be just before the lookup. */
  AsOf asOf();

  /** The entry, if there is one. */
  default Optional<Entry> entry() {
    return this instanceof Found found ? Optional.of(found.value()) : Optional.empty();
  }

  /** There is a live entry under the key. */
  record Found(Entry value, AsOf asOf) implements Result {
    @Override
    public String key() {
      return value.key();
    }
  }

  /**
   * There is no live entry under the key.
   *
   * @param time when the entry expired or was evicted
   * @param deletedBy the record that deleted the entry
   */
  record Miss(
      String key,
      MissReason reason,
      Optional<Instant> time,
      Optional<PartitionOffset> deletedBy,
      AsOf asOf)
      implements Result {}
}
