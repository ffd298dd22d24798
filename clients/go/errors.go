package millpond

import (
	"context"
	"fmt"
	"io"
	"time"

	pb "millpond.dev/client/millpondv1"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Error is why a call failed. All calls of this package return it; [errors.As] finds it.
//
// errors.Is(err, context.DeadlineExceeded) tells a deadline, and errors.Is(err, context.Canceled) a call that
// the caller has ended.
type Error struct {
	Code codes.Code
	// Reason is what a program decides on. It is ReasonNone if the service did not say.
	Reason  ErrorReason
	Message string
	// RetryDelay is when to try again, as the service says. It is zero if it does not say.
	RetryDelay time.Duration
	// RequestID finds the call in the log of the service.
	RequestID string
	// Violations are the fields of the request that break their rules.
	Violations []Violation
	// Metadata has more about the reason, such as the name of the table.
	Metadata map[string]string
}

// Violation is a field of a request that breaks its rule.
type Violation struct{ Field, Description string }

// ErrorReason is why a call failed.
type ErrorReason = pb.ErrorReason

// The reasons of errors.
const (
	ReasonNone                = pb.ErrorReason_ERROR_REASON_UNSPECIFIED
	ReasonTableNotFound       = pb.ErrorReason_ERROR_REASON_TABLE_NOT_FOUND
	ReasonInvalidRequest      = pb.ErrorReason_ERROR_REASON_INVALID_REQUEST
	ReasonBusy                = pb.ErrorReason_ERROR_REASON_BUSY
	ReasonTableLoading        = pb.ErrorReason_ERROR_REASON_TABLE_LOADING
	ReasonTableStale          = pb.ErrorReason_ERROR_REASON_TABLE_STALE
	ReasonPositionsNotReached = pb.ErrorReason_ERROR_REASON_POSITIONS_NOT_REACHED
	ReasonDraining            = pb.ErrorReason_ERROR_REASON_DRAINING
	ReasonBytePoolFull        = pb.ErrorReason_ERROR_REASON_BYTE_POOL_FULL
	ReasonTooManyStreams      = pb.ErrorReason_ERROR_REASON_TOO_MANY_STREAMS
	ReasonMemoryShort         = pb.ErrorReason_ERROR_REASON_MEMORY_SHORT
	ReasonRequestLate         = pb.ErrorReason_ERROR_REASON_REQUEST_LATE
	ReasonAnswerLate          = pb.ErrorReason_ERROR_REASON_ANSWER_LATE
	ReasonRequestTooLarge     = pb.ErrorReason_ERROR_REASON_REQUEST_TOO_LARGE
	ReasonMalformedRequest    = pb.ErrorReason_ERROR_REASON_MALFORMED_REQUEST
	ReasonUnauthenticated     = pb.ErrorReason_ERROR_REASON_UNAUTHENTICATED
	ReasonPermissionDenied    = pb.ErrorReason_ERROR_REASON_PERMISSION_DENIED
	ReasonShareExhausted      = pb.ErrorReason_ERROR_REASON_SHARE_EXHAUSTED
	ReasonStreamDeadline      = pb.ErrorReason_ERROR_REASON_STREAM_DEADLINE
	ReasonWatchOvertaken      = pb.ErrorReason_ERROR_REASON_WATCH_OVERTAKEN
	ReasonWatchPositionGone   = pb.ErrorReason_ERROR_REASON_WATCH_POSITION_GONE
	ReasonTooManyUnanswered   = pb.ErrorReason_ERROR_REASON_TOO_MANY_UNANSWERED
)

func (e *Error) Error() string {
	text := fmt.Sprintf("millpond: %s: %s", e.Code, e.Message)
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

// Is makes errors.Is find a deadline, and a call that the caller has ended.
func (e *Error) Is(target error) bool {
	return target == context.DeadlineExceeded && e.Code == codes.DeadlineExceeded ||
		target == context.Canceled && e.Code == codes.Canceled
}

// GRPCStatus lets [status.Code] and [status.FromError] read the error.
func (e *Error) GRPCStatus() *status.Status { return status.New(e.Code, e.Message) }

// IsShed says whether the service had no room for the call, or the caller has used up its share. Try again
// after RetryDelay.
func (e *Error) IsShed() bool { return e.Code == codes.ResourceExhausted && e.RetryDelay > 0 }

// IsRetryable says whether the same call may succeed a little later.
func (e *Error) IsRetryable() bool { return e.Code == codes.Unavailable || e.RetryDelay > 0 }

// Whether a stream ended before its time, so that another call goes on with it. INTERNAL is what gRPC says of a
// stream that was reset, such as one whose caller read nothing for a minute.
func (e *Error) isCutOff() bool {
	return e.Code == codes.Unavailable || e.Code == codes.DeadlineExceeded || e.Code == codes.Internal
}

// The error of a call, in our words.
func asError(err error) *Error {
	if err == io.EOF {
		return &Error{Code: codes.Unavailable, Message: "the service ended the stream"}
	}
	status := status.Convert(err)
	failure := &Error{Code: status.Code(), Message: status.Message()}
	for _, detail := range status.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			failure.Reason = ErrorReason(pb.ErrorReason_value[detail.GetReason()])
			failure.Metadata = detail.GetMetadata()
		case *errdetails.RetryInfo:
			failure.RetryDelay = detail.GetRetryDelay().AsDuration()
		case *errdetails.RequestInfo:
			failure.RequestID = detail.GetRequestId()
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				failure.Violations = append(failure.Violations, Violation{violation.GetField(), violation.GetDescription()})
			}
		}
	}
	return failure
}

// The error of one lookup of a stream.
func errorOfLookup(failure *pb.LookupError) *Error {
	return &Error{
		Code: codes.Code(failure.GetCode()), Reason: failure.GetReason(), Message: failure.GetMessage(),
		RetryDelay: failure.GetRetryDelay().AsDuration(),
	}
}

// The error of a context that is over.
func errorOfContext(ctx context.Context) *Error {
	return asError(status.FromContextError(ctx.Err()).Err())
}

func unexpected(what string) *Error { return &Error{Code: codes.Internal, Message: what} }
