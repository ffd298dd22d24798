package com.millpond.client;

import java.time.Instant;
import java.util.Map;

/**
 * The fields under a key, and the record that they came from.
 *
 * <p>A field that the message did not have is absent. The value of a field is
 *
 * <ul>
 *   <li>{@code null}, a {@link Boolean} or a {@link String};
 *   <li>a {@link Long} for an integer, or a {@link java.math.BigInteger} if it is 2^63 or more;
 *   <li>a {@link Double} for a number with a fraction;
 *   <li>a {@link java.math.BigDecimal} for a number that neither a double nor 64 bits can say;
 *   <li>a {@link Json} for an object or an array.
 * </ul>
 */
public record Entry(String key, Map<String, Object> fields, Origin origin, Instant expireTime) {}
