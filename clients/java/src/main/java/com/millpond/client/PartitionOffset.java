package com.millpond.client;

/** A record of a table's topic. */
public record PartitionOffset(int partition, long offset) {}
