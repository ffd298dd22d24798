package com.millpond.client;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * How complete a table was known to be.
 *
 * @param ready whether the table has caught up with its stream once
 * @param newestRecordTime the newest timestamp of the records that the table stored
 * @param staleness how long ago the table was last known to be complete; empty if it never was
 */
public record AsOf(boolean ready, Optional<Instant> newestRecordTime, Optional<Duration> staleness) {}
