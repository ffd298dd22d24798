// Looks up keys by the Go package. See ../README.md.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"sync"
	"time"

	millpond "millpond.dev/client"
)

const (
	loops = 8
	pause = 25 * time.Millisecond
)

type caller struct {
	client *millpond.Client
	table  string
	keys   []string

	lock     sync.Mutex
	outcomes map[string]int
}

func main() {
	if len(os.Args) < 4 {
		log.Fatal("usage: see README.md")
	}
	client, err := millpond.Connect("dns:///" + os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	caller := caller{client: client, table: os.Args[2], keys: os.Args[3:], outcomes: map[string]int{}}
	caller.lookUp(0)
	fmt.Println("calling")
	caller.callUntilInputEnds()
	for outcome, count := range caller.outcomes {
		fmt.Println(count, outcome)
	}
}

func (c *caller) callUntilInputEnds() {
	stop := make(chan struct{})
	var calls sync.WaitGroup
	for loop := range loops {
		calls.Go(func() {
			for call := loop; ; call++ {
				select {
				case <-stop:
					return
				case <-time.After(pause):
					c.lookUp(call)
				}
			}
		})
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	close(stop)
	calls.Wait()
}

func (c *caller) lookUp(call int) {
	outcome := c.outcome(c.keys[call%len(c.keys)])
	c.lock.Lock()
	defer c.lock.Unlock()
	c.outcomes[outcome]++
}

func (c *caller) outcome(key string) string {
	result, err := c.client.Get(context.Background(), c.table, key)
	switch {
	case err != nil:
		return fmt.Sprint("failed ", err)
	case result.Miss != nil:
		return fmt.Sprint("missed ", result.Miss.Reason)
	default:
		return fmt.Sprint("answered ", result.Entry.Fields["instance"])
	}
}
