// Command house checks the walls of the house: who may import whom, what pure
// packages may call, which third-party modules a package may use, that nobody
// opens connections past integrations/internal/outbound, that every package says
// what it is for, and that files, functions, interfaces and parameter lists stay
// small. Its test runs the same check under `go test ./...`.
//
// It reads source files and nothing else. It prints one line per breach and
// exits 1 if there is any, 2 if the tree cannot be read.
package main

import (
	"fmt"
	"os"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	tree, err := Read(root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "house:", err)
		os.Exit(2)
	}
	breaches := Check(tree)
	for _, b := range breaches {
		fmt.Println(b)
	}
	if len(breaches) > 0 {
		os.Exit(1)
	}
}
