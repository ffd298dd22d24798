package millpond

import (
	"context"
	"iter"
	"math/rand/v2"
	"time"

	pb "millpond.dev/client/millpondv1"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// Watch says which changes a watch sends. The zero value sends those of all keys.
type Watch struct {
	// Keys are the keys to watch, at most 1,000. Either Keys or Prefix may be set.
	Keys []string
	// Prefix is how the keys to watch begin.
	Prefix string
	// IncludeCurrent sends the current entries first, and again whenever changes may have been missed.
	IncludeCurrent bool
	// ProgressInterval is the time from one WatchProgress to the next. Zero means 5 seconds.
	ProgressInterval time.Duration
}

// Event is a WatchStarted, CurrentEntry, SnapshotComplete, StoredEntry, RemovedEntry or WatchProgress.
type Event interface{ isEvent() }

// WatchStarted says that a watch has begun, or goes on after it was cut off.
type WatchStarted struct {
	// Resumed is whether no change was missed. It is false at the first time.
	Resumed bool
	// SendsCurrent is whether the current entries follow. Then forget what you know: what does not come until
	// SnapshotComplete is not there any more.
	SendsCurrent bool
	AsOf         AsOf
}

// CurrentEntry is an entry that the table had when the watch began.
type CurrentEntry struct{ Entry Entry }

// SnapshotComplete says that all current entries are sent. Until then changes come between them, and an
// entry may come twice, with the same Origin.
type SnapshotComplete struct{}

// StoredEntry says that an entry was stored.
type StoredEntry struct {
	Entry Entry
	// Replaced is whether it replaced a live entry of its key.
	Replaced bool
}

// RemovedEntry says that an entry left the table.
type RemovedEntry struct {
	Key   string
	Cause RemovalCause
	// Origin is the record that the entry came from.
	Origin Origin
	// ExpireTime is when the entry expired, or would have expired.
	ExpireTime time.Time
	// DeletedBy is the record that deleted the entry. It is nil for other causes.
	DeletedBy *Position
}

// WatchProgress says how far the watch has come: all that the records at these positions and before them
// changed was sent.
type WatchProgress struct {
	Positions []Position
	AsOf      AsOf
}

func (WatchStarted) isEvent()     {}
func (CurrentEntry) isEvent()     {}
func (SnapshotComplete) isEvent() {}
func (StoredEntry) isEvent()      {}
func (RemovedEntry) isEvent()     {}
func (WatchProgress) isEvent()    {}

// RemovalCause is why an entry left its table.
type RemovalCause = pb.RemovalCause

// The causes of removals.
const (
	RemovedDeleted            = pb.RemovalCause_REMOVAL_CAUSE_DELETED
	RemovedExpired            = pb.RemovalCause_REMOVAL_CAUSE_EXPIRED
	RemovedEvicted            = pb.RemovalCause_REMOVAL_CAUSE_EVICTED
	RemovedEvictedForPressure = pb.RemovalCause_REMOVAL_CAUSE_EVICTED_FOR_PRESSURE
)

// Watch sends the changes of a table as they are made, until ctx ends.
//
// A watch that is cut off or overtaken goes on by itself, after a pause that grows up to 5 seconds. A
// WatchStarted says so, and whether changes may have been missed. A watch that cannot begin, or to which the
// caller has no right any more, ends with an error. So does one whose ctx ends. The error is the last pair of
// the sequence.
func (c *Client) Watch(ctx context.Context, table string, watch Watch, options ...ReadOption) iter.Seq2[Event, error] {
	read := newRead(options)
	return func(yield func(Event, error) bool) {
		watching := watching{pause: firstPause, yield: yield, request: &pb.WatchRequest{
			Table: table, Keys: watch.Keys, Prefix: watch.Prefix, IncludeCurrent: watch.IncludeCurrent,
			Fields: read.fields, Freshness: read.freshness,
		}}
		if watch.ProgressInterval > 0 {
			watching.request.ProgressInterval = durationpb.New(watch.ProgressInterval)
		}
		for {
			err := watching.run(ctx, c.stub)
			if watching.left {
				return
			}
			if watching.goesOnAfter(err) && watching.wait(ctx, err) {
				continue
			}
			if ctx.Err() != nil {
				err = errorOfContext(ctx)
			}
			yield(nil, err)
			return
		}
	}
}

// A watch under way.
type watching struct {
	request *pb.WatchRequest
	pause   time.Duration
	yield   func(Event, error) bool
	// Whether the watch has begun once.
	begun bool
	// Whether the caller wants no more.
	left bool
}

// Makes one call, and hands out what it sends.
func (w *watching) run(ctx context.Context, stub pb.LookupServiceClient) *Error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := stub.Watch(ctx, w.request)
	if err != nil {
		return asError(err)
	}
	for {
		response, err := stream.Recv()
		if err != nil {
			return asError(err)
		}
		for _, event := range response.GetEvents() {
			w.take(event)
			if w.left {
				return nil
			}
		}
		if token := response.GetResumeToken(); token != "" {
			w.request.ResumeToken, w.pause = token, firstPause
		}
	}
}

func (w *watching) take(event *pb.WatchEvent) {
	if started := event.GetStarted(); started != nil {
		w.begun = true
		// What came before the gap counts no more. Without this, a watch that is cut off among its current
		// entries could resume at another instance, and these entries would be missing.
		if !started.GetResumed() {
			w.request.ResumeToken = ""
		}
	}
	// Events of a newer service are left out.
	if known := eventOf(event); known != nil {
		w.left = !w.yield(known, nil)
	}
}

func (w *watching) goesOnAfter(err *Error) bool {
	switch err.Code {
	case codes.OutOfRange:
		// Begin again: without the current entries nothing else can be done.
		w.request.ResumeToken = ""
		return w.begun
	case codes.Aborted:
		return w.begun
	default:
		return w.begun && (err.isCutOff() || err.RetryDelay > 0)
	}
}

// Waits before the next call, and says whether ctx has not ended.
func (w *watching) wait(ctx context.Context, err *Error) bool {
	pause := max(err.RetryDelay, w.pause/2+rand.N(w.pause/2))
	w.pause = min(2*w.pause, longestPause)
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}

func eventOf(event *pb.WatchEvent) Event {
	switch event := event.GetEvent().(type) {
	case *pb.WatchEvent_Started:
		started := event.Started
		return WatchStarted{started.GetResumed(), started.GetSendsCurrent(), asOf(started.GetAsOf())}
	case *pb.WatchEvent_Current:
		return CurrentEntry{entryOf(event.Current)}
	case *pb.WatchEvent_SnapshotComplete:
		return SnapshotComplete{}
	case *pb.WatchEvent_Stored:
		return StoredEntry{entryOf(event.Stored.GetEntry()), event.Stored.GetReplaced()}
	case *pb.WatchEvent_Removed:
		removed := event.Removed
		return RemovedEntry{
			removed.GetKey(), removed.GetCause(), originOf(removed.GetOrigin()), timeOf(removed.GetExpireTime()),
			positionOf(removed.GetDeletedBy()),
		}
	case *pb.WatchEvent_Progress:
		progress := WatchProgress{AsOf: asOf(event.Progress.GetAsOf())}
		for _, position := range event.Progress.GetPositions() {
			progress.Positions = append(progress.Positions, *positionOf(position))
		}
		return progress
	default:
		return nil
	}
}
