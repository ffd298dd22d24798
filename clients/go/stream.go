package millpond

import (
	"context"
	"maps"
	"slices"
	"sync"

	pb "millpond.dev/client/millpondv1"

	"google.golang.org/grpc/codes"
)

// How many lookups of a client's streams are under way at a time; others wait their turn. The service ends a
// stream with 1,000 lookups that are not answered, and more than a few hundred gain nothing.
const maxUnderWay = 500

// LookupStream looks up keys on one stream: many goroutines call Get at the same time, and each of these
// lookups costs a fraction of a call. All go to one instance of the service.
type LookupStream struct {
	client *Client
	ctx    context.Context
	cancel context.CancelFunc

	mutex sync.Mutex
	call  *streamCall
}

// LookupStream creates a stream. Close it when it is not needed any more.
func (c *Client) LookupStream() *LookupStream {
	ctx, cancel := context.WithCancel(context.Background())
	return &LookupStream{client: c, ctx: ctx, cancel: cancel}
}

// Get looks up one key. An error is that of this lookup. When the stream itself ends, all lookups that wait for
// their answers fail, with an error for which IsRetryable holds unless the caller was refused; the next lookup
// opens a new stream.
func (s *LookupStream) Get(ctx context.Context, table, key string, options ...ReadOption) (Result, error) {
	ctx, cancel := s.client.withDeadline(ctx)
	defer cancel()
	response, err := s.openCall().get(ctx, getRequest(table, key, options))
	if err != nil {
		return Result{}, err
	}
	if failure := response.GetError(); failure != nil {
		return Result{}, errorOfLookup(failure)
	}
	answer := response.GetResponse()
	return resultOf(answer.GetResult(), asOf(answer.GetAsOf())), nil
}

// Close ends the stream, and with it all of its lookups.
func (s *LookupStream) Close() error {
	s.cancel()
	return nil
}

// The call that is open, or a new one.
func (s *LookupStream) openCall() *streamCall {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.call == nil || s.call.ctx.Err() != nil {
		s.call = newStreamCall(s.ctx, s.client)
	}
	return s.call
}

// One call of StreamGet.
type streamCall struct {
	// Over when the call is over.
	ctx      context.Context
	requests chan *pb.StreamGetRequest
	// Has an element for each lookup that is under way.
	underWay chan struct{}
	writer   sync.WaitGroup

	mutex   sync.Mutex
	lastTag int64
	// The lookups that are under way. Those that were given up stay until they are answered.
	waiting map[int64]chan<- *pb.StreamGetResponse
}

func newStreamCall(ctx context.Context, client *Client) *streamCall {
	ctx, end := context.WithCancelCause(ctx)
	call := &streamCall{
		ctx:      ctx,
		requests: make(chan *pb.StreamGetRequest),
		underWay: client.underWay,
		waiting:  map[int64]chan<- *pb.StreamGetResponse{},
	}
	go func() {
		end(call.run(client.stub))
		// From here on no lookup gets under way, so none is left over.
		call.writer.Wait()
		call.forgetAll()
	}()
	return call
}

func (c *streamCall) get(ctx context.Context, get *pb.GetRequest) (*pb.StreamGetResponse, error) {
	select {
	case c.underWay <- struct{}{}:
	case <-c.ctx.Done():
		return nil, c.failure()
	case <-ctx.Done():
		return nil, errorOfContext(ctx)
	}
	answer := make(chan *pb.StreamGetResponse, 1)
	tag := c.expect(answer)
	select {
	case c.requests <- &pb.StreamGetRequest{Tag: tag, Get: get}:
	case <-c.ctx.Done():
		c.forget(tag)
		return nil, c.failure()
	case <-ctx.Done():
		c.forget(tag)
		return nil, errorOfContext(ctx)
	}
	select {
	case response := <-answer:
		return response, nil
	case <-c.ctx.Done():
		return nil, c.failure()
	case <-ctx.Done():
		return nil, errorOfContext(ctx)
	}
}

func (c *streamCall) expect(answer chan<- *pb.StreamGetResponse) int64 {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.lastTag++
	c.waiting[c.lastTag] = answer
	return c.lastTag
}

// Takes a lookup out, and returns where its answer goes.
func (c *streamCall) forget(tag int64) chan<- *pb.StreamGetResponse {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	answer, is := c.waiting[tag]
	if is {
		delete(c.waiting, tag)
		<-c.underWay
	}
	return answer
}

func (c *streamCall) forgetAll() {
	c.mutex.Lock()
	tags := slices.Collect(maps.Keys(c.waiting))
	c.mutex.Unlock()
	for _, tag := range tags {
		c.forget(tag)
	}
}

// Opens the stream, writes requests and hands out answers, until the stream ends.
func (c *streamCall) run(stub pb.LookupServiceClient) error {
	// This waits for the service. Lookups wait meanwhile, each until its own deadline.
	stream, err := stub.StreamGet(c.ctx)
	if err != nil {
		return err
	}
	c.writer.Go(func() { c.write(stream) })
	for {
		response, err := stream.Recv()
		if err != nil {
			return err
		}
		if answer := c.forget(response.GetTag()); answer != nil {
			answer <- response
		}
	}
}

func (c *streamCall) write(stream pb.LookupService_StreamGetClient) {
	for {
		select {
		case request := <-c.requests:
			// Waits while the service reads no more. An error comes to the reader too, which knows the reason.
			if stream.Send(request) != nil {
				return
			}
		case <-c.ctx.Done():
			return
		}
	}
}

// Why the stream has ended, as its lookups are told.
func (c *streamCall) failure() *Error {
	cause := context.Cause(c.ctx)
	if cause == context.Canceled {
		return &Error{Code: codes.Canceled, Message: "the lookup stream is closed"}
	}
	failure := asError(cause)
	// The deadline or the reset of the stream is not that of the lookup, which may be tried again.
	if failure.isCutOff() {
		failure.Code = codes.Unavailable
	}
	return failure
}
