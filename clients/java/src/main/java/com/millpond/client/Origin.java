package com.millpond.client;

import java.time.Instant;

/** The record that an entry came from. */
public record Origin(int partition, long offset, Instant time) {}
