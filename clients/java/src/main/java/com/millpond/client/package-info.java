/** A client of millpond, a bounded, expiring key-value table that is fed by Kafka and read over gRPC. */
package com.millpond.client;
