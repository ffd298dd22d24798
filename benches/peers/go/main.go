// Reads a topic from its start into a map under a lock, as an engineer might in an afternoon: with
// franz-go, and with gjson or encoding/json. It has no time to live, no capacity and no counters.
//
//	run BROKER TOPIC KEY FIELD gjson|valid-gjson|json
//
// KEY and FIELD are JSON pointers. It prints a line when it has caught up with the end of the topic,
// and then goes on reading.
package main

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// table is what lookups would read.
type table struct {
	lock    sync.RWMutex
	entries map[string]string
}

func (t *table) put(key, value string) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.entries[key] = value
}

func (t *table) size() int {
	t.lock.RLock()
	defer t.lock.RUnlock()
	return len(t.entries)
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 5 {
		return fmt.Errorf("five arguments are needed: BROKER TOPIC KEY FIELD PARSER")
	}
	broker, topic := arguments[0], arguments[1]
	pluck, err := newPlucker(arguments[4], arguments[2], arguments[3])
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(broker),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	return consume(context.Background(), client, topic, pluck)
}

// consume keeps the entries of all records. It returns at an error only.
func consume(ctx context.Context, client *kgo.Client, topic string, pluck plucker) error {
	left, err := unread(ctx, client, topic)
	if err != nil {
		return err
	}
	entries := table{entries: map[string]string{}}
	isReported := false
	for {
		if len(left) == 0 && !isReported {
			fmt.Printf("caught up with %d entries\n", entries.size())
			isReported = true
		}
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		fetches.EachRecord(func(record *kgo.Record) {
			if key, value, ok := pluck(record.Value); ok {
				entries.put(key, value)
			}
			if end, ok := left[record.Partition]; ok && record.Offset+1 >= end {
				delete(left, record.Partition)
			}
		})
	}
}

// unread returns the end of each partition that has records.
func unread(ctx context.Context, client *kgo.Client, topic string) (map[int32]int64, error) {
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	if err := ends.Error(); err != nil {
		return nil, err
	}
	left := map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		if end.Offset > 0 {
			left[end.Partition] = end.Offset
		}
	})
	return left, nil
}
