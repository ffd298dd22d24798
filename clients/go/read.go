package millpond

import (
	"time"

	pb "millpond.dev/client/millpondv1"

	"google.golang.org/protobuf/types/known/durationpb"
)

// What all reads have in common.
type read struct {
	fields    []string
	freshness *pb.Freshness
}

// ReadOption says what a read returns, and how fresh it has to be.
type ReadOption func(*read)

// Fields returns these fields alone. A field that an entry does not have is absent.
func Fields(names ...string) ReadOption {
	return func(r *read) { r.fields = append(r.fields, names...) }
}

// RequireReady fails the read, with UNAVAILABLE, while the table has not caught up with its stream once.
func RequireReady() ReadOption { return func(r *read) { r.freshness.RequireReady = true } }

// MaxStaleness fails the read, with UNAVAILABLE, if the table is staler than this. A staleness of a second or
// two is normal.
func MaxStaleness(most time.Duration) ReadOption {
	return func(r *read) { r.freshness.MaxStaleness = durationpb.New(most) }
}

// MinPositions waits until the table has handled the records at these positions. A program reads its own
// writes by passing what its producer was told.
func MinPositions(positions ...Position) ReadOption {
	return func(r *read) {
		for _, position := range positions {
			least := &pb.PartitionOffset{Partition: position.Partition, Offset: position.Offset}
			r.freshness.MinPositions = append(r.freshness.MinPositions, least)
		}
	}
}

func newRead(options []ReadOption) read {
	read := read{freshness: &pb.Freshness{}}
	for _, option := range options {
		option(&read)
	}
	return read
}

func getRequest(table, key string, options []ReadOption) *pb.GetRequest {
	read := newRead(options)
	return &pb.GetRequest{Table: table, Key: key, Fields: read.fields, Freshness: read.freshness}
}
