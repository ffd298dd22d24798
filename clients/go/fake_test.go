package millpond

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	pb "millpond.dev/client/millpondv1"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

type (
	scanAnswer  func(*pb.ScanRequest, pb.LookupService_ScanServer) error
	watchAnswer func(*pb.WatchRequest, pb.LookupService_WatchServer) error
)

// A service that does what no real one does on demand. Each call takes the next of its answers.
type fake struct {
	pb.UnimplementedLookupServiceServer
	scans     []scanAnswer
	watches   []watchAnswer
	batches   []*pb.BatchGetResponse
	streamGet func(pb.LookupService_StreamGetServer) error
}

func (f *fake) Scan(request *pb.ScanRequest, stream pb.LookupService_ScanServer) error {
	scan := f.scans[0]
	f.scans = f.scans[1:]
	return scan(request, stream)
}

func (f *fake) Watch(request *pb.WatchRequest, stream pb.LookupService_WatchServer) error {
	watch := f.watches[0]
	f.watches = f.watches[1:]
	return watch(request, stream)
}

func (f *fake) BatchGet(context.Context, *pb.BatchGetRequest) (*pb.BatchGetResponse, error) {
	batch := f.batches[0]
	f.batches = f.batches[1:]
	return batch, nil
}

func (f *fake) StreamGet(stream pb.LookupService_StreamGetServer) error { return f.streamGet(stream) }

func (f *fake) start(t *testing.T) *Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	pb.RegisterLookupServiceServer(server, f)
	healthpb.RegisterHealthServer(server, health.NewServer())
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return connect(t, listener.Addr().String())
}

func connect(t *testing.T, target string, options ...Option) *Client {
	t.Helper()
	client, err := Connect(target, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func asMillpondError(t *testing.T, err error) *Error {
	t.Helper()
	var failure *Error
	if !errors.As(err, &failure) {
		t.Fatalf("an Error was expected, not %v", err)
	}
	return failure
}

func page(next string, keys ...string) *pb.ScanResponse {
	response := &pb.ScanResponse{NextPageToken: next}
	for _, key := range keys {
		response.Entries = append(response.Entries, &pb.Entry{Key: key})
	}
	return response
}

func scanned(client *Client, scan Scan) (keys []string, err error) {
	for entry, err := range client.Scan(context.Background(), "live", scan) {
		if err != nil {
			return keys, err
		}
		keys = append(keys, entry.Key)
	}
	return keys, nil
}

func TestAScanThatIsCutOffGoesOnByItsToken(t *testing.T) {
	var last *pb.ScanRequest
	fake := &fake{scans: []scanAnswer{
		func(_ *pb.ScanRequest, stream pb.LookupService_ScanServer) error {
			stream.Send(page("t1", "a", "b"))
			return status.Error(codes.Unavailable, "stopping")
		},
		func(_ *pb.ScanRequest, stream pb.LookupService_ScanServer) error {
			stream.Send(page("t2", "c"))
			return status.Error(codes.Internal, "the stream was reset")
		},
		func(request *pb.ScanRequest, stream pb.LookupService_ScanServer) error {
			last = request
			return stream.Send(page("t3", "d"))
		},
	}}
	keys, err := scanned(fake.start(t), Scan{Limit: 4})
	if err != nil || !slices.Equal(keys, []string{"a", "b", "c", "d"}) {
		t.Fatal(keys, err)
	}
	if last.GetPageToken() != "t2" || last.GetLimit() != 1 {
		t.Fatal(last)
	}
}

func TestAScanDoesNotSurviveARestartAndSaysSo(t *testing.T) {
	refusal, _ := status.New(codes.InvalidArgument, "page_token: not ours").WithDetails(&errdetails.BadRequest{
		FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "page_token"}},
	})
	fake := &fake{scans: []scanAnswer{
		func(_ *pb.ScanRequest, stream pb.LookupService_ScanServer) error {
			stream.Send(page("t1", "a"))
			return status.Error(codes.Unavailable, "stopping")
		},
		func(*pb.ScanRequest, pb.LookupService_ScanServer) error { return refusal.Err() },
	}}
	_, err := scanned(fake.start(t), Scan{})
	failure := asMillpondError(t, err)
	if failure.Code != codes.InvalidArgument || !strings.Contains(failure.Message, "restart") {
		t.Fatal(err)
	}
}

func started(resumed bool) *pb.WatchResponse {
	event := &pb.WatchEvent_Started{Started: &pb.WatchStarted{Resumed: resumed, SendsCurrent: !resumed}}
	return &pb.WatchResponse{Events: []*pb.WatchEvent{{Event: event}}}
}

func TestAWatchGoesOnFromItsTokenAndBeginsAgainWhereThatIsNotPossible(t *testing.T) {
	var tokens []string
	// Answers with these responses, and then with an error of this code.
	answer := func(code codes.Code, responses ...*pb.WatchResponse) watchAnswer {
		return func(request *pb.WatchRequest, stream pb.LookupService_WatchServer) error {
			tokens = append(tokens, request.GetResumeToken())
			for _, response := range responses {
				stream.Send(response)
			}
			return status.Error(code, "")
		}
	}
	token := func(token string) *pb.WatchResponse { return &pb.WatchResponse{ResumeToken: token} }
	fake := &fake{watches: []watchAnswer{
		answer(codes.Unavailable, started(false), token("one")),
		answer(codes.Aborted, started(true), token("two")),
		// Another instance sends its entries, and is cut off before they are complete.
		answer(codes.Unavailable, started(false)),
		answer(codes.DeadlineExceeded, started(false), token("three")),
		answer(codes.OutOfRange),
		answer(codes.PermissionDenied, started(false)),
	}}
	var resumed []bool
	for event, err := range fake.start(t).Watch(context.Background(), "live", Watch{IncludeCurrent: true}) {
		if err != nil {
			if code := asMillpondError(t, err).Code; code != codes.PermissionDenied {
				t.Fatal(err)
			}
			break
		}
		resumed = append(resumed, event.(WatchStarted).Resumed)
	}
	if expected := []string{"", "one", "two", "", "three", ""}; !slices.Equal(tokens, expected) {
		t.Fatalf("%q", tokens)
	}
	if expected := []bool{false, true, false, false, false}; !slices.Equal(resumed, expected) {
		t.Fatal(resumed)
	}
}

func TestAWatchThatCannotBeginFails(t *testing.T) {
	fake := &fake{watches: []watchAnswer{
		func(*pb.WatchRequest, pb.LookupService_WatchServer) error {
			return status.Error(codes.NotFound, "no table")
		},
	}}
	for _, err := range fake.start(t).Watch(context.Background(), "live", Watch{}) {
		if asMillpondError(t, err).Code != codes.NotFound {
			t.Fatal(err)
		}
	}
}

func TestABatchAsksAgainForDeferredKeysAndRefusesAnswersThatDoNotFit(t *testing.T) {
	entry := func(key string) *pb.LookupResult {
		return &pb.LookupResult{Outcome: &pb.LookupResult_Entry{Entry: &pb.Entry{Key: key}}}
	}
	fake := &fake{batches: []*pb.BatchGetResponse{
		{Results: []*pb.LookupResult{entry("a"), entry("c")}, Deferred: []int32{1, 3}},
		{Results: []*pb.LookupResult{entry("b"), entry("d")}},
		{Results: []*pb.LookupResult{entry("a")}, Deferred: []int32{2}},
		{Deferred: []int32{0, 1}},
	}}
	client := fake.start(t)
	results, err := client.BatchGet(context.Background(), "live", []string{"a", "b", "c", "d"})
	if err != nil {
		t.Fatal(err)
	}
	for index, key := range []string{"a", "b", "c", "d"} {
		if results[index].Entry.Key != key {
			t.Fatal(results)
		}
	}
	for range 2 {
		if _, err := client.BatchGet(context.Background(), "live", []string{"a", "b"}); err == nil {
			t.Fatal("the answer does not fit")
		}
	}
}

func TestLookupsOfAStreamThatEndsMayBeTriedAgain(t *testing.T) {
	calls := 0
	fake := &fake{streamGet: func(stream pb.LookupService_StreamGetServer) error {
		calls++
		request, err := stream.Recv()
		if err != nil || calls == 1 {
			return status.Error(codes.DeadlineExceeded, "the deadline of the call is over")
		}
		answer := &pb.StreamGetResponse_Response{Response: &pb.GetResponse{}}
		stream.Send(&pb.StreamGetResponse{Tag: request.GetTag(), Outcome: answer})
		_, err = stream.Recv()
		return err
	}}
	stream := fake.start(t).LookupStream()
	defer stream.Close()
	if _, err := stream.Get(context.Background(), "live", "a"); !asMillpondError(t, err).IsRetryable() {
		t.Fatal(err)
	}
	if _, err := stream.Get(context.Background(), "live", "a"); err != nil {
		t.Fatal(err)
	}
	stream.Close()
	if _, err := stream.Get(context.Background(), "live", "a"); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestATokenIsReadAgainAndABadFileChangesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(content string) { os.WriteFile(file, []byte(content), 0o600) }
	write("first\n")
	token, err := openToken(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ content, header string }{{"second", "Bearer second"}, {"", "Bearer second"}} {
		write(step.content)
		token.checked = time.Now().Add(-checkTokenAfter)
		if header, _ := token.GetRequestMetadata(context.Background()); header["authorization"] != step.header {
			t.Fatal(header)
		}
	}
	if _, err := Connect("localhost:1", WithTLS(TLS{}), WithTokenFile(file)); err == nil {
		t.Fatal("the file has no token")
	}
}

func TestTheServiceConfigurationIsThatOfAllClients(t *testing.T) {
	shared, err := os.ReadFile("../service-config.json")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("this is not the repository of millpond")
	}
	if err != nil || string(shared) != serviceConfig {
		t.Fatal("service-config.json differs from ../service-config.json: copy it", err)
	}
}
