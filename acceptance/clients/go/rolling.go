package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	millpondv1 "millpond/v1"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // The balancer asks for the health of each address.
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"
)

const (
	loops = 8
	pause = 10 * time.Millisecond
)

type tally struct {
	sync.Mutex
	done, loading int
	failed        map[string]int
}

// Looks up a key over all addresses in turn until the standard input ends.
func rolling(addresses []string, table, key, serviceConfig string) []string {
	config, err := os.ReadFile(serviceConfig)
	if err != nil {
		return []string{err.Error()}
	}
	endpoints := manual.NewBuilderWithScheme("both")
	var state resolver.State
	for _, address := range addresses {
		state.Addresses = append(state.Addresses, resolver.Address{Addr: address})
	}
	endpoints.InitialState(state)
	connection, err := grpc.NewClient(
		"both:///millpond",
		grpc.WithResolvers(endpoints),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(string(config)),
		grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: time.Second}),
	)
	if err != nil {
		return []string{err.Error()}
	}
	defer connection.Close()
	counts := tally{failed: map[string]int{}}
	counts.callUntilInputEnds(millpondv1.NewLookupServiceClient(connection), table, key)
	return counts.failures()
}

func (t *tally) callUntilInputEnds(client millpondv1.LookupServiceClient, table, key string) {
	stop := make(chan struct{})
	var calls sync.WaitGroup
	for range loops {
		calls.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(pause):
					t.call(client, table, key)
				}
			}
		})
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	close(stop)
	calls.Wait()
}

func (t *tally) call(client millpondv1.LookupServiceClient, table, key string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	freshness := &millpondv1.Freshness{RequireReady: true}
	request := &millpondv1.GetRequest{Table: table, Key: key, Freshness: freshness}
	answer, err := client.Get(ctx, request)
	t.Lock()
	defer t.Unlock()
	t.done++
	if err != nil {
		t.failed[fmt.Sprint(status.Code(err), ": ", status.Convert(err).Message())]++
	} else if answer.GetResult().GetEntry() == nil {
		t.loading++
	}
}

func (t *tally) failures() []string {
	fmt.Println(t.done, "calls")
	var failures []string
	for what, count := range t.failed {
		failures = append(failures, fmt.Sprint(count, " calls failed, ", what))
	}
	if t.loading > 0 {
		failures = append(failures, fmt.Sprint(t.loading, " calls missed an entry that is there"))
	}
	if t.done == 0 {
		failures = append(failures, "no calls were made")
	}
	return failures
}
