package main

import (
	"context"
	"fmt"
	"math/rand"
	"sync"
	"time"

	millpondv1 "millpond/v1"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
)

const (
	impatientCalls = 2000
	atOnce         = 60
	gzipCalls      = 50
	patience       = 20 * time.Second
	// grpc-go pings no more often than this, whatever it is asked.
	pingEvery = 10 * time.Second
	// Long enough for a ping or two.
	watchFor = 12 * time.Second
)

type caller struct {
	lookup     millpondv1.LookupServiceClient
	table, key string
}

func impatience(address, table, key string) []string {
	connection, err := grpc.NewClient(
		"passthrough:///"+address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingEvery, PermitWithoutStream: true}),
	)
	if err != nil {
		return []string{err.Error()}
	}
	defer connection.Close()
	start := time.Now()
	caller := caller{millpondv1.NewLookupServiceClient(connection), table, key}
	watch, failures := watchHealth(connection)
	failures = append(failures, caller.sendGzip()...)
	failures = append(failures, caller.giveUp()...)
	time.Sleep(watchFor - time.Since(start))
	if err := caller.get(patience, grpc.UseCompressor(gzip.Name)); err != nil {
		failures = append(failures, fmt.Sprint("the call after all others: ", err))
	}
	return append(failures, watch()...)
}

// Holds a health watch. The function returned says whether it held to the end.
func watchHealth(connection *grpc.ClientConn) (func() []string, []string) {
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := health.NewHealthClient(connection).Watch(ctx, &health.HealthCheckRequest{})
	if err != nil {
		cancel()
		return func() []string { return nil }, []string{fmt.Sprint("health watch: ", err)}
	}
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := stream.Recv(); err != nil {
				ended <- err
				return
			}
		}
	}()
	return func() []string {
		defer cancel()
		select {
		case err := <-ended:
			return []string{fmt.Sprint("the health watch ended: ", err)}
		default:
			return nil
		}
	}, nil
}

func (c caller) get(patience time.Duration, options ...grpc.CallOption) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := c.lookup.Get(ctx, &millpondv1.GetRequest{Table: c.table, Key: c.key}, options...)
	return err
}

func (c caller) sendGzip() []string {
	for range gzipCalls {
		if err := c.get(patience, grpc.UseCompressor(gzip.Name)); err != nil {
			return []string{fmt.Sprint("a call in gzip: ", err)}
		}
	}
	return nil
}

// Makes calls with deadlines that few can meet, many at once.
func (c caller) giveUp() []string {
	counts := map[codes.Code]int{}
	var lock sync.Mutex
	for done := 0; done < impatientCalls; done += atOnce {
		var calls sync.WaitGroup
		for range atOnce {
			calls.Go(func() {
				code := status.Code(c.get(time.Duration(1+rand.Intn(5)) * time.Millisecond))
				lock.Lock()
				counts[code]++
				lock.Unlock()
			})
		}
		calls.Wait()
	}
	fmt.Println("impatient calls:", counts)
	delete(counts, codes.OK)
	delete(counts, codes.DeadlineExceeded)
	if len(counts) > 0 {
		return []string{fmt.Sprint("calls with a short deadline ended with ", counts)}
	}
	return nil
}
