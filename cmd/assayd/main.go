// SPDX-License-Identifier: Apache-2.0

// Command assayd is the production server: it scores over gRPC, makes each
// decision durable, and anchors the log to an EVM chain that it reaches by
// JSON-RPC. It links no trainer and no chain node.
//
// Settings come from a YAML file (--config), then the environment (ASSAY_...),
// then flags; docs/serving.md documents them key by key, from the same source
// as --help. It stops on SIGINT and SIGTERM: requests under way are finished,
// the last batch is made durable, published and anchored.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Exit statuses.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := command().ExecuteContext(ctx)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "assayd:", err)
	if errors.Is(err, errUsage) {
		os.Exit(exitUsage)
	}
	os.Exit(exitFailed)
}
