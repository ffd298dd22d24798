package millpond

import (
	"context"
	"iter"
	"slices"

	pb "millpond.dev/client/millpondv1"
)

// Scan says which entries a scan sends. The zero value sends all.
type Scan struct {
	// Prefix is how the keys begin.
	Prefix string
	// Limit is the most entries. Zero means all.
	Limit int64
}

// Scan reads the live entries of a table, in no order, and none twice. It is not the table as it was at one
// moment: an entry that comes or goes meanwhile may be missed. It takes any time, until ctx ends.
//
// A scan that is cut off goes on where it was. It does not survive a restart of the service: then it ends with
// an error that says so. The error is the last pair of the sequence.
func (c *Client) Scan(ctx context.Context, table string, scan Scan, options ...ReadOption) iter.Seq2[Entry, error] {
	read := newRead(options)
	return func(yield func(Entry, error) bool) {
		walk := walk{limit: scan.Limit, yield: yield, request: &pb.ScanRequest{
			Table: table, Prefix: scan.Prefix, Limit: scan.Limit, Fields: read.fields, Freshness: read.freshness,
		}}
		for {
			begin := walk.request.GetPageToken()
			err := walk.run(ctx, c.stub)
			if walk.over {
				return
			}
			// A call that came no further had its retries by gRPC.
			if !err.isCutOff() || walk.request.GetPageToken() == begin {
				yield(Entry{}, walk.explain(err))
				return
			}
		}
	}
}

// A scan under way.
type walk struct {
	request     *pb.ScanRequest
	limit, sent int64
	yield       func(Entry, error) bool
	// Whether all entries are sent, or the caller wants no more.
	over bool
}

// Makes one call, and hands out what it sends.
func (w *walk) run(ctx context.Context, stub pb.LookupServiceClient) *Error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if w.limit > 0 {
		w.request.Limit = w.limit - w.sent
	}
	stream, err := stub.Scan(ctx, w.request)
	if err != nil {
		return asError(err)
	}
	for !w.over {
		response, err := stream.Recv()
		if err != nil {
			return asError(err)
		}
		w.take(response)
	}
	return nil
}

func (w *walk) take(response *pb.ScanResponse) {
	for _, entry := range response.GetEntries() {
		w.sent++
		if !w.yield(entryOf(entry), nil) {
			w.over = true
			return
		}
	}
	w.request.PageToken = response.GetNextPageToken()
	w.over = w.request.PageToken == "" || w.limit > 0 && w.sent >= w.limit
}

func (w *walk) explain(err *Error) *Error {
	isToken := func(violation Violation) bool { return violation.Field == "page_token" }
	if w.request.GetPageToken() != "" && slices.ContainsFunc(err.Violations, isToken) {
		err.Message = "the service has restarted, or another instance answers: scan again from the beginning: " + err.Message
	}
	return err
}
