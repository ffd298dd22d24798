package com.millpond.client;

import com.google.protobuf.Timestamp;
import com.millpond.v1.GetRequest;
import com.millpond.v1.LookupResult;
import com.millpond.v1.RemovedEntry;
import com.millpond.v1.Value;
import io.grpc.Status;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The messages of the protocol as the values that callers see, and the other way round. */
final class Messages {
  private Messages() {}

  static Result result(String key, LookupResult result, com.millpond.v1.AsOf asOf) {
    return switch (result.getOutcomeCase()) {
      case ENTRY -> new Result.Found(entry(result.getEntry()), asOf(asOf));
      case MISS -> miss(key, result.getMiss(), asOf(asOf));
      case OUTCOME_NOT_SET -> throw unknown("the answer has neither an entry nor a miss");
    };
  }

  private static Result miss(String key, com.millpond.v1.Miss miss, AsOf asOf) {
    return new Result.Miss(
        key,
        miss.getReason(),
        miss.hasTime() ? Optional.of(instant(miss.getTime())) : Optional.empty(),
        miss.hasDeletedBy() ? Optional.of(position(miss.getDeletedBy())) : Optional.empty(),
        asOf);
  }

  static Entry entry(com.millpond.v1.Entry entry) {
    // A map that takes null.
    Map<String, Object> fields = new HashMap<>();
    entry.getFieldsMap().forEach((name, value) -> fields.put(name, value(value)));
    return new Entry(
        entry.getKey(),
        Collections.unmodifiableMap(fields),
        origin(entry.getOrigin()),
        instant(entry.getExpireTime()));
  }

  private static Object value(Value value) {
    return switch (value.getKindCase()) {
      case NULL_VALUE -> null;
      case BOOL_VALUE -> value.getBoolValue();
      case INT_VALUE -> value.getIntValue();
      case UINT_VALUE -> new BigInteger(Long.toUnsignedString(value.getUintValue()));
      case DOUBLE_VALUE -> value.getDoubleValue();
      case STRING_VALUE -> value.getStringValue();
      case JSON_VALUE -> new Json(value.getJsonValue());
      case NUMBER_TEXT -> new BigDecimal(value.getNumberText());
      case KIND_NOT_SET -> throw unknown("a field has a value of an unknown kind");
    };
  }

  static Origin origin(com.millpond.v1.Origin origin) {
    return new Origin(origin.getPartition(), origin.getOffset(), instant(origin.getRecordTime()));
  }

  static PartitionOffset position(com.millpond.v1.PartitionOffset position) {
    return new PartitionOffset(position.getPartition(), position.getOffset());
  }

  static AsOf asOf(com.millpond.v1.AsOf asOf) {
    return new AsOf(
        asOf.getReady(),
        asOf.hasNewestRecordTime()
            ? Optional.of(instant(asOf.getNewestRecordTime()))
            : Optional.empty(),
        asOf.hasStaleness() ? Optional.of(duration(asOf.getStaleness())) : Optional.empty());
  }

  static TableDescription table(com.millpond.v1.TableDescription table) {
    return new TableDescription(
        table.getName(),
        table.getTopic(),
        table.getKeySourcesList(),
        table.getFieldsList().stream()
            .map(field -> new TableDescription.Field(field.getName(), field.getSource()))
            .toList(),
        duration(table.getTtl()),
        table.getTtlFrom());
  }

  /** The event; null if it is of a kind that this client does not know. */
  static WatchEvent event(com.millpond.v1.WatchEvent event) {
    return switch (event.getEventCase()) {
      case STARTED -> {
        var started = event.getStarted();
        yield new WatchEvent.Started(
            started.getResumed(), started.getSendsCurrent(), asOf(started.getAsOf()));
      }
      case CURRENT -> new WatchEvent.Current(entry(event.getCurrent()));
      case SNAPSHOT_COMPLETE -> new WatchEvent.SnapshotComplete();
      case STORED -> {
        var stored = event.getStored();
        yield new WatchEvent.Stored(entry(stored.getEntry()), stored.getReplaced());
      }
      case REMOVED -> removed(event.getRemoved());
      case PROGRESS -> {
        var progress = event.getProgress();
        var positions = progress.getPositionsList().stream().map(Messages::position).toList();
        yield new WatchEvent.Progress(positions, asOf(progress.getAsOf()));
      }
      case EVENT_NOT_SET -> null;
    };
  }

  private static WatchEvent removed(RemovedEntry removed) {
    return new WatchEvent.Removed(
        removed.getKey(),
        removed.getCause(),
        origin(removed.getOrigin()),
        instant(removed.getExpireTime()),
        removed.hasDeletedBy() ? Optional.of(position(removed.getDeletedBy())) : Optional.empty());
  }

  static Instant instant(Timestamp time) {
    return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
  }

  static Duration duration(com.google.protobuf.Duration duration) {
    return Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
  }

  static com.google.protobuf.Duration duration(Duration duration) {
    return com.google.protobuf.Duration.newBuilder()
        .setSeconds(duration.getSeconds())
        .setNanos(duration.getNano())
        .build();
  }

  static com.millpond.v1.Freshness freshness(Freshness freshness) {
    var message =
        com.millpond.v1.Freshness.newBuilder().setRequireReady(freshness.requireReady());
    freshness.maxStaleness().ifPresent(most -> message.setMaxStaleness(duration(most)));
    for (PartitionOffset position : freshness.minPositions()) {
      message
          .addMinPositionsBuilder()
          .setPartition(position.partition())
          .setOffset(position.offset());
    }
    return message.build();
  }

  static GetRequest getRequest(String table, String key, GetOptions options) {
    return GetRequest.newBuilder()
        .setTable(table)
        .setKey(key)
        .addAllFields(options.fields())
        .setFreshness(freshness(options.freshness()))
        .build();
  }

  private static MillpondException unknown(String what) {
    String message = what + ": update this client";
    return new MillpondException(Status.Code.UNIMPLEMENTED, message, null);
  }
}
