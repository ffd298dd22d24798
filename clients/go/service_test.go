package millpond

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/big"
	"net"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// These tests need a service that test.sh is told of.

const patience = 30 * time.Second

func environment(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Skip(name + " is not set")
	}
	return value
}

func service(t *testing.T, options ...Option) (*Client, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	t.Cleanup(cancel)
	return connect(t, environment(t, "MILLPOND_TEST_ENDPOINT"), append(options, WithDeadline(patience))...), ctx
}

// Asks the control of the service, and returns where the record is, if the request made one.
func control(t *testing.T, method, path string, document any) Position {
	t.Helper()
	body, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(method, environment(t, "MILLPOND_TEST_CONTROL")+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s: %s", method, path, response.Status, answer)
	}
	var position Position
	json.Unmarshal(answer, &position)
	return position
}

type document map[string]any

func put(t *testing.T, table, key string, document document) Position {
	t.Helper()
	return control(t, "PUT", "/tables/"+table+"/entries/"+key, document)
}

func remove(t *testing.T, table, key string) Position {
	t.Helper()
	return control(t, "DELETE", "/tables/"+table+"/entries/"+key, nil)
}

// Puts a document under so many keys, and returns the keys.
func fill(t *testing.T, table, prefix string, count int, document document) []string {
	t.Helper()
	control(t, "POST", fmt.Sprintf("/fill/%s/%s/%d", table, prefix, count), document)
	return names(prefix, count)
}

// The keys that a fill makes.
func names(prefix string, count int) []string {
	keys := make([]string, count)
	for index := range keys {
		keys[index] = fmt.Sprintf("%s-%05d", prefix, index)
	}
	return keys
}

// Waits until a key misses, and returns the miss.
func untilMissed(t *testing.T, ctx context.Context, client *Client, table, key string) *Miss {
	t.Helper()
	for ctx.Err() == nil {
		result, err := client.Get(ctx, table, key)
		if err != nil {
			t.Fatal(err)
		}
		if result.Miss != nil {
			return result.Miss
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s is still in %s", key, table)
	return nil
}

func TestGetReturnsAnEntryWithItsOriginAndHowFreshItIs(t *testing.T) {
	client, ctx := service(t)
	before := time.Now().Add(-time.Minute)
	position := put(t, "live", "go-get", document{"name": "first", "size": 7})
	result, err := client.Get(ctx, "live", "go-get")
	if err != nil || result.Entry == nil || result.Miss != nil {
		t.Fatal(result, err)
	}
	entry := result.Entry
	if entry.Key != "go-get" || !reflect.DeepEqual(entry.Fields, map[string]any{"name": "first", "size": int64(7)}) {
		t.Fatal(entry)
	}
	origin := entry.Origin
	if origin.Position != position || origin.Time.Before(before) || !entry.ExpireTime.After(origin.Time) {
		t.Fatal(entry, position)
	}
	if as := result.AsOf; !as.Ready || as.Staleness == nil || as.NewestRecordTime.Before(before) {
		t.Fatal(as)
	}
	result, err = client.Get(ctx, "live", "go-get", Fields("size"), RequireReady(), MaxStaleness(time.Minute))
	if err != nil || !reflect.DeepEqual(result.Entry.Fields, map[string]any{"size": int64(7)}) {
		t.Fatal(result, err)
	}
}

func TestEveryKindOfValueArrivesWithoutLoss(t *testing.T) {
	client, ctx := service(t)
	huge, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	for index, each := range []struct{ sent, expected any }{
		{nil, nil},
		{true, true},
		{-42, int64(-42)},
		{uint64(1<<64 - 1), uint64(1<<64 - 1)},
		{json.RawMessage("1.50"), 1.5},
		{"text \u20ac", "text \u20ac"},
		{document{"a": []int{1, 2}}, json.RawMessage(`{"a":[1,2]}`)},
		{[]any{}, json.RawMessage("[]")},
		{huge, json.Number(huge.String())},
		{json.RawMessage("1e400"), json.Number("1e400")},
	} {
		key := fmt.Sprintf("go-value-%d", index)
		put(t, "live", key, document{"data": each.sent})
		result, err := client.Get(ctx, "live", key)
		if err != nil || result.Entry == nil {
			t.Fatal(key, result, err)
		}
		if value, has := result.Entry.Fields["data"]; !has || !reflect.DeepEqual(value, each.expected) {
			t.Errorf("%v arrived as %T %v", each.sent, value, value)
		}
	}
}

func TestABatchOfAnySizeHasItsResultsInTheOrderOfTheKeys(t *testing.T) {
	var calls atomic.Int64
	count := func(
		ctx context.Context, method string, request, reply any,
		connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
	) error {
		calls.Add(1)
		return invoke(ctx, method, request, reply, connection, options...)
	}
	client, ctx := service(t, WithDialOptions(grpc.WithUnaryInterceptor(count)))
	// 6 MB, which is more than one answer holds.
	fill(t, "live", "go-batch", 600, document{"data": strings.Repeat("x", 10_000)})
	keys := names("go-batch", 2500)
	results, err := client.BatchGet(ctx, "live", keys)
	if err != nil || len(results) != len(keys) {
		t.Fatal(len(results), err)
	}
	for index, result := range results {
		if index < 600 && (result.Entry == nil || result.Entry.Key != keys[index]) || index >= 600 && result.Miss == nil {
			t.Fatal(keys[index], result)
		}
	}
	if calls.Load() <= 3 {
		t.Fatal("no key was deferred, so this test shows little")
	}
}

func TestAThousandLookupsShareAStreamAndFailAlone(t *testing.T) {
	client, ctx := service(t)
	put(t, "live", "go-stream", document{"name": "here"})
	stream := client.LookupStream()
	defer stream.Close()
	var group sync.WaitGroup
	var found, failed atomic.Int64
	for index := range 1000 {
		group.Go(func() {
			table := "live"
			if index == 500 {
				table = "nowhere"
			}
			result, err := stream.Get(ctx, table, "go-stream")
			switch {
			case err != nil && asMillpondError(t, err).Reason == ReasonTableNotFound:
				failed.Add(1)
			case err == nil && result.Entry != nil && result.Entry.Fields["name"] == "here":
				found.Add(1)
			default:
				t.Error(index, result, err)
			}
		})
	}
	group.Wait()
	if found.Load() != 999 || failed.Load() != 1 {
		t.Fatal(found.Load(), failed.Load())
	}
}

func TestALookupStreamOpensAgainAfterARestart(t *testing.T) {
	client, ctx := service(t)
	position := put(t, "live", "go-again", document{"name": "here"})
	stream := client.LookupStream()
	defer stream.Close()
	// This lookup waits for a record that does not come.
	waiting := make(chan error)
	go func() {
		_, err := stream.Get(ctx, "live", "go-again", MinPositions(Position{position.Partition, position.Offset + 1_000_000}))
		waiting <- err
	}()
	if _, err := stream.Get(ctx, "live", "go-again"); err != nil {
		t.Fatal(err)
	}
	control(t, "POST", "/restart", nil)
	if err := <-waiting; !asMillpondError(t, err).IsRetryable() {
		t.Fatal(err)
	}
	if result, err := stream.Get(ctx, "live", "go-again"); err != nil || result.Entry == nil {
		t.Fatal(result, err)
	}
}

func TestAScanSendsEachEntryOnce(t *testing.T) {
	client, ctx := service(t)
	filled := fill(t, "live", "go-scan", 500, document{"name": "n", "size": 1})
	put(t, "live", "go-other", document{})
	scan := func(scan Scan, options ...ReadOption) map[string]Entry {
		entries := map[string]Entry{}
		for entry, err := range client.Scan(ctx, "live", scan, options...) {
			if err != nil {
				t.Fatal(err)
			}
			if _, twice := entries[entry.Key]; twice {
				t.Fatal(entry.Key, "came twice")
			}
			entries[entry.Key] = entry
		}
		return entries
	}
	all := scan(Scan{}, RequireReady())
	for _, key := range append(filled, "go-other") {
		if _, is := all[key]; !is {
			t.Fatal(key, "is missing")
		}
	}
	some := scan(Scan{Prefix: "go-scan-"}, Fields("name"))
	if len(some) != 500 || !reflect.DeepEqual(some[filled[0]].Fields, map[string]any{"name": "n"}) {
		t.Fatal(len(some), some[filled[0]])
	}
	if few := scan(Scan{Prefix: "go-scan-", Limit: 7}); len(few) != 7 {
		t.Fatal(len(few))
	}
	if none := scan(Scan{Prefix: "go-nothing-"}); len(none) != 0 {
		t.Fatal(none)
	}
}

func TestAScanThatARestartCutsOffSaysSo(t *testing.T) {
	client, ctx := service(t)
	// More than the connection holds, so the scan is not over when the service restarts.
	fill(t, "live", "go-cut", 600, document{"data": strings.Repeat("x", 10_000)})
	restarted := false
	for _, err := range client.Scan(ctx, "live", Scan{Prefix: "go-cut-"}) {
		if err != nil {
			failure := asMillpondError(t, err)
			if failure.Code != codes.InvalidArgument || !strings.Contains(failure.Message, "restart") {
				t.Fatal(err)
			}
			return
		}
		if !restarted {
			control(t, "POST", "/restart", nil)
			restarted = true
		}
	}
	t.Fatal("the scan was not cut off")
}

// Reads events until one matches, and leaves out all that are of no concern.
type events struct {
	t    *testing.T
	next func() (Event, error, bool)
}

func until[E Event](events events, matches func(E) bool) E {
	events.t.Helper()
	for {
		event, err, ok := events.next()
		if err != nil || !ok {
			var missing E
			events.t.Fatalf("no %T came: %v", missing, err)
		}
		if event, is := event.(E); is && matches(event) {
			return event
		}
	}
}

func any_[E Event](E) bool { return true }

func TestAWatchSendsCurrentEntriesAndChangesAndGoesOnAfterARestart(t *testing.T) {
	client, ctx := service(t)
	remove(t, "live", "go-watch-b")
	remove(t, "live", "go-watch-c")
	put(t, "live", "go-watch-a", document{"name": "current"})
	watch := Watch{Prefix: "go-watch-", IncludeCurrent: true, ProgressInterval: 100 * time.Millisecond}
	next, stop := iter.Pull2(client.Watch(ctx, "live", watch, Fields("name")))
	defer stop()
	events := events{t, next}

	if started := until(events, any_[WatchStarted]); started.Resumed || !started.SendsCurrent || !started.AsOf.Ready {
		t.Fatal(started)
	}
	current := until(events, any_[CurrentEntry]).Entry
	if current.Key != "go-watch-a" || current.Fields["name"] != "current" {
		t.Fatal(current)
	}
	until(events, any_[SnapshotComplete])

	position := put(t, "live", "go-watch-a", document{"name": "changed"})
	stored := until(events, any_[StoredEntry])
	if !stored.Replaced || stored.Entry.Fields["name"] != "changed" || stored.Entry.Origin.Position != position {
		t.Fatal(stored)
	}
	until(events, func(progress WatchProgress) bool { return slices.Contains(progress.Positions, position) })
	tombstone := remove(t, "live", "go-watch-a")
	removed := until(events, any_[RemovedEntry])
	if removed.Key != "go-watch-a" || removed.Cause != RemovedDeleted || *removed.DeletedBy != tombstone ||
		removed.Origin.Position != position {
		t.Fatal(removed)
	}

	put(t, "live", "go-watch-b", document{"name": "before"})
	until(events, any_[StoredEntry])
	restarted := make(chan struct{})
	go func() {
		defer close(restarted)
		control(t, "POST", "/restart", nil)
	}()
	if started := until(events, any_[WatchStarted]); started.Resumed || !started.SendsCurrent {
		t.Fatal(started)
	}
	<-restarted
	put(t, "live", "go-watch-c", document{"name": "after"})
	until(events, func(stored StoredEntry) bool { return stored.Entry.Key == "go-watch-c" })
}

func TestAWatchOfKeysSeesAnEntryExpire(t *testing.T) {
	client, ctx := service(t)
	next, stop := iter.Pull2(client.Watch(ctx, "brief", Watch{Keys: []string{"go-expires"}}))
	defer stop()
	events := events{t, next}
	if started := until(events, any_[WatchStarted]); started.SendsCurrent {
		t.Fatal(started)
	}
	position := put(t, "brief", "go-expires", document{"name": "short"})
	until(events, any_[StoredEntry])
	removed := until(events, any_[RemovedEntry])
	if removed.Cause != RemovedExpired || removed.Origin.Position != position || removed.DeletedBy != nil {
		t.Fatal(removed)
	}
}

func TestAWatchEndsWithItsContext(t *testing.T) {
	client, ctx := service(t)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, err := range client.Watch(ctx, "live", Watch{Prefix: "go-nothing-"}) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			return
		}
		cancel()
	}
	t.Fatal("the watch ended without an error")
}

func TestMissesHaveTheirReasons(t *testing.T) {
	client, ctx := service(t)
	if miss := untilMissed(t, ctx, client, "live", "go-never"); miss.Reason != MissNeverSeen || miss.DeletedBy != nil {
		t.Fatal(miss)
	}
	put(t, "live", "go-deleted", document{})
	tombstone := remove(t, "live", "go-deleted")
	miss := untilMissed(t, ctx, client, "live", "go-deleted")
	if miss.Reason != MissDeleted || *miss.DeletedBy != tombstone {
		t.Fatal(miss)
	}
	put(t, "brief", "go-expired", document{})
	if miss := untilMissed(t, ctx, client, "brief", "go-expired"); miss.Reason != MissExpired || miss.Time.IsZero() {
		t.Fatal(miss)
	}
}

func TestAMissSaysThatTheTableWasFull(t *testing.T) {
	client, ctx := service(t)
	// 2 MB, and the table takes half of it.
	keys := fill(t, "small", "go-small", 200, document{"data": strings.Repeat("x", 10_000)})
	results, err := client.BatchGet(ctx, "small", keys, Fields("name"))
	if err != nil {
		t.Fatal(err)
	}
	isEvicted := func(result Result) bool { return result.Miss != nil && result.Miss.Reason == MissEvicted }
	if !slices.ContainsFunc(results, isEvicted) {
		t.Fatal("nothing was evicted")
	}
}

func TestATableThatIsLoadingSaysSo(t *testing.T) {
	// Its health keeps it out of the balancing, so calls to it need a configuration without health checks.
	client := connect(t, environment(t, "MILLPOND_TEST_LOADING"), WithServiceConfig("{}"))
	result, err := client.Get(context.Background(), "live", "go-any")
	if err != nil || result.Miss == nil || result.Miss.Reason != MissLoading {
		t.Fatal(result, err)
	}
	if result.AsOf.Ready || result.AsOf.Staleness != nil {
		t.Fatal(result.AsOf)
	}
	_, err = client.Get(context.Background(), "live", "go-any", RequireReady())
	failure := asMillpondError(t, err)
	if failure.Reason != ReasonTableLoading || !failure.IsRetryable() || failure.RetryDelay == 0 {
		t.Fatal(err)
	}
}

func TestADeadlineIsRecognised(t *testing.T) {
	client, ctx := service(t)
	if _, err := client.Get(ctx, "live", "go-any"); err != nil {
		t.Fatal(err)
	}
	stream := client.LookupStream()
	defer stream.Close()
	control(t, "POST", "/pause", nil)
	defer control(t, "POST", "/continue", nil)
	for _, get := range []func(context.Context, string, string, ...ReadOption) (Result, error){client.Get, stream.Get} {
		var err error
		// The service stands still a moment after it was told so.
		for err == nil {
			short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			_, err = get(short, "live", "go-any")
			cancel()
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
}

func TestAProgramReadsItsOwnWrites(t *testing.T) {
	client, ctx := service(t)
	for index := range 20 {
		position := control(t, "POST", "/produce/live/go-own", document{"size": index})
		result, err := client.Get(ctx, "live", "go-own", MinPositions(position))
		if err != nil || result.Entry == nil || result.Entry.Fields["size"] != int64(index) {
			t.Fatal(index, result, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err := client.Get(ctx, "live", "go-own", MinPositions(Position{0, 1 << 40}))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	client, ctx := service(t)
	_, err := client.Get(ctx, "nowhere", "go-any")
	failure := asMillpondError(t, err)
	if failure.Code != codes.NotFound || failure.Reason != ReasonTableNotFound || failure.IsRetryable() {
		t.Fatal(err)
	}
	if failure.Metadata["table"] != "nowhere" || failure.RequestID == "" || !strings.Contains(failure.Message, "nowhere") {
		t.Fatalf("%+v", failure)
	}
	_, err = client.Get(ctx, "live", "")
	failure = asMillpondError(t, err)
	if failure.Reason != ReasonInvalidRequest || len(failure.Violations) != 1 || failure.Violations[0].Field != "key" {
		t.Fatalf("%+v", failure)
	}
}

func TestTablesAreListed(t *testing.T) {
	client, ctx := service(t)
	tables, err := client.ListTables(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if table.Name == "brief" {
			if table.TTL != 2*time.Second || !slices.Contains(table.Fields, Field{"name", "/name"}) {
				t.Fatal(table)
			}
			return
		}
	}
	t.Fatal(tables)
}

func TestATokenIsSent(t *testing.T) {
	endpoint, files := environment(t, "MILLPOND_TEST_TLS_ENDPOINT"), TLS{CA: environment(t, "MILLPOND_TEST_CA")}
	_, err := connect(t, endpoint, WithTLS(files)).Get(context.Background(), "live", "go-any")
	if failure := asMillpondError(t, err); failure.Reason != ReasonUnauthenticated {
		t.Fatal(err)
	}
	token := WithTokenFile(environment(t, "MILLPOND_TEST_TOKEN_FILE"))
	if _, err = connect(t, endpoint, WithTLS(files), token).Get(context.Background(), "live", "go-any"); err != nil {
		t.Fatal(err)
	}
}

func TestAShedCallIsRecognised(t *testing.T) {
	files := TLS{CA: environment(t, "MILLPOND_TEST_CA")}
	token := environment(t, "MILLPOND_TEST_SHED_TOKEN_FILE")
	client := connect(t, environment(t, "MILLPOND_TEST_TLS_ENDPOINT"), WithTLS(files), WithTokenFile(token))
	for range 100 {
		if _, err := client.Get(context.Background(), "live", "go-any"); err != nil {
			failure := asMillpondError(t, err)
			if !failure.IsShed() || !failure.IsRetryable() || failure.Reason != ReasonShareExhausted {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("no call was shed")
}

func TestRotatedCertificatesAreTakenWithoutARestart(t *testing.T) {
	// The connection that is open, for the test to cut, and the certificate of the service.
	var open atomic.Pointer[net.Conn]
	dial := func(ctx context.Context, address string) (net.Conn, error) {
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			open.Store(&connection)
		}
		return connection, err
	}
	var serial string
	look := func(
		ctx context.Context, method string, request, reply any,
		connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
	) error {
		var peer peer.Peer
		err := invoke(ctx, method, request, reply, connection, append(options, grpc.Peer(&peer))...)
		if info, is := peer.AuthInfo.(credentials.TLSInfo); is {
			serial = info.State.PeerCertificates[0].SerialNumber.String()
		}
		return err
	}
	files := TLS{
		CA:          environment(t, "MILLPOND_TEST_CA"),
		Certificate: environment(t, "MILLPOND_TEST_CERTIFICATE"),
		Key:         environment(t, "MILLPOND_TEST_KEY"),
	}
	client := connect(t, environment(t, "MILLPOND_TEST_TLS_ENDPOINT"), WithTLS(files), WithDeadline(patience),
		WithDialOptions(grpc.WithContextDialer(dial), grpc.WithUnaryInterceptor(look)))
	get := func() {
		t.Helper()
		if _, err := client.Get(context.Background(), "live", "go-any"); err != nil {
			t.Fatal(err)
		}
	}
	get()
	old := serial
	control(t, "POST", "/rotate", nil)
	for end := time.Now().Add(patience); serial == old; get() {
		if time.Now().After(end) {
			t.Fatal("the service still has its old certificate")
		}
		time.Sleep(200 * time.Millisecond)
		(*open.Load()).Close()
	}
}
