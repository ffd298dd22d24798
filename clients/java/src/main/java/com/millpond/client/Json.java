package com.millpond.client;

/** The value of a field that is an object or an array, as JSON text. */
public record Json(String text) {
  @Override
  public String toString() {
    return text;
  }
}
