package com.millpond.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RequestInfo;
import com.google.rpc.RetryInfo;
import com.millpond.v1.ErrorReason;
import com.millpond.v1.LookupError;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.io.Serializable;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A call that failed. Its message is for people; programs decide on the code and the reason. */
public final class MillpondException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final Status.Code code;
  private final Details details;

  MillpondException(Status.Code code, String message, Throwable cause) {
    this(code, message, Details.NONE, cause);
  }

  private MillpondException(Status.Code code, String message, Details details, Throwable cause) {
    super(message, cause);
    this.code = code;
    this.details = details;
  }

  /** The gRPC status code. */
  public Status.Code code() {
    return code;
  }

  /** Why the call failed; unspecified if the service did not answer. */
  public ErrorReason reason() {
    return details.reason;
  }

  /** What the reason is about, such as {@code table}: see {@link ErrorReason}. */
  public Map<String, String> metadata() {
    return details.metadata;
  }

  /** When to retry, if the service said so. */
  public Optional<Duration> retryDelay() {
    return Optional.ofNullable(details.retryDelay);
  }

  /** The id of the call in the log of the service. */
  public Optional<String> requestId() {
    return Optional.ofNullable(details.requestId);
  }

  /** The fields that break their rules, for INVALID_ARGUMENT. */
  public List<Violation> violations() {
    return details.violations;
  }

  /** Whether the deadline was over. */
  public boolean isDeadlineExceeded() {
    return code == Status.Code.DEADLINE_EXCEEDED;
  }

  /** Whether the service sheds calls: try again after {@link #retryDelay}. */
  public boolean isShed() {
    return code == Status.Code.RESOURCE_EXHAUSTED && details.retryDelay != null;
  }

  /** Whether the same call may succeed later. */
  public boolean isRetryable() {
    return code == Status.Code.UNAVAILABLE || isShed();
  }

  /**
   * Whether the stream of the call was reset, by the service or on the way. The service does that to
   * a response that is not read within 60 seconds.
   */
  boolean wasReset() {
    return details.reason == ErrorReason.ERROR_REASON_UNSPECIFIED
        && (code == Status.Code.CANCELLED || code == Status.Code.INTERNAL);
  }

  /** What a call that gRPC ended with {@code error} fails with. */
  static MillpondException of(Throwable error) {
    if (error instanceof MillpondException known) {
      return known;
    }
    Status status = Status.fromThrowable(error);
    com.google.rpc.Status full = StatusProto.fromThrowable(error);
    Details details = full == null ? Details.NONE : Details.of(full);
    String message = Optional.ofNullable(status.getDescription()).orElse(status.getCode().name());
    return new MillpondException(status.getCode(), message, details, error);
  }

  /** What one lookup of a stream fails with. */
  static MillpondException of(LookupError error) {
    Duration delay = error.hasRetryDelay() ? Messages.duration(error.getRetryDelay()) : null;
    return new MillpondException(
        Status.fromCodeValue(error.getCode()).getCode(),
        error.getMessage(),
        new Details(error.getReason(), Map.of(), delay, null, List.of()),
        null);
  }

  /** The same error with another message, and with the stack of this thread. */
  MillpondException again(String message) {
    return new MillpondException(code, message, details, this);
  }

  /** A field of a request that breaks its rule. */
  public record Violation(String field, String description) implements Serializable {}

  /** What the service says of an error. */
  private record Details(
      ErrorReason reason,
      Map<String, String> metadata,
      Duration retryDelay,
      String requestId,
      List<Violation> violations)
      implements Serializable {

    static final Details NONE =
        new Details(ErrorReason.ERROR_REASON_UNSPECIFIED, Map.of(), null, null, List.of());

    static Details of(com.google.rpc.Status status) {
      ErrorInfo error = find(status, ErrorInfo.class, ErrorInfo.getDefaultInstance());
      RetryInfo retry = find(status, RetryInfo.class, RetryInfo.getDefaultInstance());
      RequestInfo request = find(status, RequestInfo.class, RequestInfo.getDefaultInstance());
      BadRequest bad = find(status, BadRequest.class, BadRequest.getDefaultInstance());
      return new Details(
          reason(error.getReason()),
          Map.copyOf(error.getMetadataMap()),
          retry.hasRetryDelay() ? Messages.duration(retry.getRetryDelay()) : null,
          request.getRequestId().isEmpty() ? null : request.getRequestId(),
          bad.getFieldViolationsList().stream()
              .map(violation -> new Violation(violation.getField(), violation.getDescription()))
              .toList());
    }

    private static <T extends com.google.protobuf.Message> T find(
        com.google.rpc.Status status, Class<T> type, T absent) {
      for (Any detail : status.getDetailsList()) {
        if (detail.is(type)) {
          try {
            return detail.unpack(type);
          } catch (InvalidProtocolBufferException unreadable) {
            return absent;
          }
        }
      }
      return absent;
    }

    private static ErrorReason reason(String name) {
      if (name.isEmpty()) {
        return ErrorReason.ERROR_REASON_UNSPECIFIED;
      }
      var known = ErrorReason.getDescriptor().findValueByName(name);
      // A newer service may have reasons that this client does not know.
      return known == null ? ErrorReason.UNRECOGNIZED : ErrorReason.valueOf(known);
    }
  }
}
