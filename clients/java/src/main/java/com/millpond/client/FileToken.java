package com.millpond.client;

import io.grpc.CallCredentials;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Executor;

/** A bearer token in a file, which is read again when it is older than a second. */
final class FileToken extends CallCredentials {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final long READ_AGAIN_AFTER_NANOS = 1_000_000_000;

  private final Path file;
  private String token;
  private long readAt;

  FileToken(Path file) throws IOException {
    this.file = file;
    read();
  }

  @Override
  public void applyRequestMetadata(RequestInfo call, Executor executor, MetadataApplier applier) {
    executor.execute(
        () -> {
          try {
            Metadata headers = new Metadata();
            headers.put(AUTHORIZATION, "Bearer " + current());
            applier.apply(headers);
          } catch (IOException error) {
            String message = "the token could not be read: " + error;
            applier.fail(Status.UNAUTHENTICATED.withDescription(message).withCause(error));
          }
        });
  }

  private synchronized String current() throws IOException {
    if (System.nanoTime() - readAt >= READ_AGAIN_AFTER_NANOS) {
      read();
    }
    return token;
  }

  private void read() throws IOException {
    token = Files.readString(file).trim();
    readAt = System.nanoTime();
  }
}
