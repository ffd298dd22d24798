// A Go caller of millpond, with grpc-go. See ../README.md.
package main

import (
	"fmt"
	"os"
)

func main() {
	arguments := os.Args[1:]
	var failures []string
	switch {
	case len(arguments) == 4 && arguments[0] == "impatience":
		failures = impatience(arguments[1], arguments[2], arguments[3])
	case len(arguments) == 6 && arguments[0] == "rolling":
		failures = rolling(arguments[1:3], arguments[3], arguments[4], arguments[5])
	case len(arguments) == 4 && arguments[0] == "lookup":
		failures = lookup(arguments[1], arguments[2], arguments[3])
	default:
		failures = []string{"usage: see README.md"}
	}
	for _, failure := range failures {
		fmt.Println("FAILED ", failure)
	}
	if len(failures) > 0 {
		os.Exit(1)
	}
}
