// Package millpond reads tables of millpond, a bounded, expiring key-value table that is fed by Kafka
// and read over gRPC.
//
// A [Client] is safe for concurrent use. gRPC does what it does well: it connects, balances calls over the
// addresses of a name, waits for a service that is not there yet, and repeats calls that end with
// UNAVAILABLE.
package millpond

import (
	"context"
	_ "embed"
	"time"

	pb "millpond.dev/client/millpondv1"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // The balancer asks each address for its health.
	"google.golang.org/grpc/keepalive"
)

// Most keys in one call, as the protocol says.
const maxKeys = 1000

//go:embed service-config.json
var serviceConfig string

// Client reads the tables of a service.
type Client struct {
	connection *grpc.ClientConn
	stub       pb.LookupServiceClient
	deadline   time.Duration
	underWay   chan struct{}
}

type settings struct {
	tls           *TLS
	tokenFile     string
	deadline      time.Duration
	serviceConfig string
	dial          []grpc.DialOption
}

// Option changes how a client connects.
type Option func(*settings)

// WithTLS encrypts the connection, and verifies the service.
func WithTLS(files TLS) Option { return func(s *settings) { s.tls = &files } }

// WithTokenFile sends the token in this file with each call. It needs [WithTLS]. A file that changes is read
// again within a second.
func WithTokenFile(file string) Option { return func(s *settings) { s.tokenFile = file } }

// WithDeadline sets the time that a lookup may take if its context has no deadline: 5 seconds without this
// option. Scans and watches may take any time.
func WithDeadline(deadline time.Duration) Option { return func(s *settings) { s.deadline = deadline } }

// WithServiceConfig replaces the gRPC service configuration, which has balancing, health checks and retries.
// A service that is still loading says that it is not healthy: with "{}" it is asked nevertheless.
func WithServiceConfig(json string) Option { return func(s *settings) { s.serviceConfig = json } }

// WithDialOptions passes options on to gRPC, after those of this package.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) { s.dial = append(s.dial, options...) }
}

// Connect creates a client for a gRPC target, such as "127.0.0.1:50051". With "dns:///millpond.shop:50051"
// calls go to all addresses of the name in turn. The connection is made by the first call, which waits for it.
//
// Connect fails if the target cannot be read, or a file cannot be used.
func Connect(target string, options ...Option) (*Client, error) {
	settings := settings{deadline: 5 * time.Second, serviceConfig: serviceConfig}
	for _, option := range options {
		option(&settings)
	}
	dial, err := settings.dialOptions()
	if err != nil {
		return nil, err
	}
	connection, err := grpc.NewClient(target, dial...)
	if err != nil {
		return nil, err
	}
	return &Client{
		connection: connection,
		stub:       pb.NewLookupServiceClient(connection),
		deadline:   settings.deadline,
		underWay:   make(chan struct{}, maxUnderWay),
	}, nil
}

func (s *settings) dialOptions() ([]grpc.DialOption, error) {
	options := []grpc.DialOption{
		grpc.WithDefaultServiceConfig(s.serviceConfig),
		// A watch says nothing for a while if nothing changes. Pings find out that its peer is gone.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 20 * time.Second, Timeout: 10 * time.Second}),
		// gRPC's own default waits for up to two minutes after a restart.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay:  100 * time.Millisecond,
				Multiplier: 1.6,
				Jitter:     0.2,
				MaxDelay:   5 * time.Second,
			},
			MinConnectTimeout: 5 * time.Second,
		}),
	}
	if s.tls != nil {
		credentials, err := newFileTLS(*s.tls)
		if err != nil {
			return nil, err
		}
		options = append(options, grpc.WithTransportCredentials(credentials))
	} else {
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	if s.tokenFile != "" {
		token, err := openToken(s.tokenFile)
		if err != nil {
			return nil, err
		}
		options = append(options, grpc.WithPerRPCCredentials(token))
	}
	return append(options, s.dial...), nil
}

// Close ends the connection, and with it all calls.
func (c *Client) Close() error { return c.connection.Close() }

// Get looks up one key.
func (c *Client) Get(ctx context.Context, table, key string, options ...ReadOption) (Result, error) {
	ctx, cancel := c.withDeadline(ctx)
	defer cancel()
	response, err := c.stub.Get(ctx, getRequest(table, key, options))
	if err != nil {
		return Result{}, asError(err)
	}
	return resultOf(response.GetResult(), asOf(response.GetAsOf())), nil
}

// BatchGet looks up any number of keys. The results are in the order of the keys. It makes as many calls as
// that takes, and the default deadline counts for each of them. If one fails there are no results.
func (c *Client) BatchGet(ctx context.Context, table string, keys []string, options ...ReadOption) ([]Result, error) {
	read, results := newRead(options), make([]Result, len(keys))
	open := make([]int, len(keys))
	for index := range open {
		open[index] = index
	}
	for len(open) > 0 {
		asked := open[:min(len(open), maxKeys)]
		request := &pb.BatchGetRequest{Table: table, Fields: read.fields, Freshness: read.freshness}
		for _, index := range asked {
			request.Keys = append(request.Keys, keys[index])
		}
		deferred, err := c.batchOnce(ctx, request, asked, results)
		if err != nil {
			return nil, err
		}
		// Deferred keys come first again: they take the last places of those that were asked for.
		open = open[len(asked)-len(deferred):]
		copy(open, deferred)
	}
	return results, nil
}

// Makes one call for the keys with these indices, and returns the indices of those that are deferred.
func (c *Client) batchOnce(
	ctx context.Context, request *pb.BatchGetRequest, asked []int, results []Result,
) ([]int, error) {
	ctx, cancel := c.withDeadline(ctx)
	defer cancel()
	response, err := c.stub.BatchGet(ctx, request)
	if err != nil {
		return nil, asError(err)
	}
	answers, later, asOf := response.GetResults(), response.GetDeferred(), asOf(response.GetAsOf())
	if len(answers) == 0 || len(answers)+len(later) != len(asked) {
		return nil, unexpected("the answer has another number of results than of keys")
	}
	var deferred []int
	for place, index := range asked {
		switch {
		case len(later) > 0 && int(later[0]) == place:
			deferred, later = append(deferred, index), later[1:]
		case len(answers) > 0:
			results[index], answers = resultOf(answers[0], asOf), answers[1:]
		}
	}
	if len(later) > 0 {
		return nil, unexpected("the answer defers keys out of order, or keys that were not asked for")
	}
	return deferred, nil
}

// ListTables returns all tables, in the order of the configuration.
func (c *Client) ListTables(ctx context.Context) ([]Table, error) {
	ctx, cancel := c.withDeadline(ctx)
	defer cancel()
	var tables []Table
	request := &pb.ListTablesRequest{}
	for {
		response, err := c.stub.ListTables(ctx, request)
		if err != nil {
			return nil, asError(err)
		}
		for _, table := range response.GetTables() {
			tables = append(tables, tableOf(table))
		}
		request.PageToken = response.GetNextPageToken()
		if request.PageToken == "" {
			return tables, nil
		}
	}
}

func (c *Client) withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has || c.deadline <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.deadline)
}
