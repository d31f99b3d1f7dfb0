// SPDX-License-Identifier: Apache-2.0

// Newcomer does what the README asks of somebody who has only Go: it clones the
// repository, and runs the README's two commands from an empty module cache and
// an empty build cache. It takes up to 20 minutes and prints
//
//	S newcomer_download    downloading the modules
//	MB newcomer_modules    their size on disk
//	S newcomer_compile     compiling cmd/assay and its dependencies
//	S newcomer_demo        `assay demo`
//	S newcomer_again       `assay demo` once more, already compiled
//	S newcomer_up          `assay up` in the demo's directory, until it serves
//
// It fails if a command fails, or if the server does not stop when asked to.
//
//	go run ./benchmarks/newcomer           the commit at HEAD; needs git and the module proxy
//	go run ./benchmarks/newcomer -short    with the existing caches
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/daemon"
	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/benchmarks/internal/usage"
)

func main() {
	short := flag.Bool("short", false, "use the existing caches")
	repository := flag.String("repository", ".", "the repository to clone")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *repository, *short); err != nil {
		fmt.Fprintln(os.Stderr, "newcomer:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, repository string, short bool) error {
	tmp, err := os.MkdirTemp("", "assay-newcomer-")
	if err != nil {
		return err
	}
	n := newcomer{clone: filepath.Join(tmp, "assay")}
	defer os.RemoveAll(tmp)
	modules := filepath.Join(tmp, "modules")
	if !short {
		n.env = []string{"GOMODCACHE=" + modules, "GOCACHE=" + filepath.Join(tmp, "build")}
		// The files of a module cache are read-only; the go command can remove them.
		defer func() { _ = n.do(context.WithoutCancel(ctx), "go", "clean", "-modcache") }()
	}
	if out, err := exec.CommandContext(ctx, "git", "clone", "--quiet", repository,
		n.clone).CombinedOutput(); err != nil {
		return fmt.Errorf("git clone: %w\n%s", err, out)
	}
	if err := n.time(ctx, "newcomer_download", "go", "mod", "download"); err != nil {
		return err
	}
	if !short {
		size, err := usage.Disk(modules)
		if err != nil {
			return err
		}
		fmt.Println(figure.One("MB", "newcomer_modules", float64(size)/1e6))
	}
	if err := n.time(ctx, "newcomer_compile", "go", "build", "./cmd/assay"); err != nil {
		return err
	}
	if err := n.time(ctx, "newcomer_demo", "go", "run", "./cmd/assay", "demo"); err != nil {
		return err
	}
	if err := n.time(ctx, "newcomer_again", "go", "run", "./cmd/assay", "demo", "--dir", "again"); err != nil {
		return err
	}
	return n.up(ctx)
}

// newcomer is a clone and the environment of its commands.
type newcomer struct {
	clone string
	env   []string
}

// do runs a command in the clone.
func (n newcomer) do(ctx context.Context, program string, args ...string) error {
	c := exec.CommandContext(ctx, program, args...)
	c.Dir, c.Env = n.clone, append(os.Environ(), n.env...)
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("%v: %w", c.Args, err)
	}
	return nil
}

// time runs a command in the clone and prints its seconds.
func (n newcomer) time(ctx context.Context, name, program string, args ...string) error {
	start := time.Now()
	if err := n.do(ctx, program, args...); err != nil {
		return err
	}
	fmt.Println(figure.One("S", name, time.Since(start).Seconds()))
	return nil
}

// up starts the README's second command and stops it again. It starts the
// compiled program, because `go run` would not pass the signal on.
func (n newcomer) up(ctx context.Context) error {
	addr, err := daemon.Port()
	if err != nil {
		return err
	}
	start := time.Now()
	p, err := daemon.Start(ctx, daemon.Serving(addr), n.env, filepath.Join(n.clone, "assay"), "up", "--dir",
		filepath.Join(n.clone, "assay-demo"), "--listen", addr)
	if err != nil {
		return err
	}
	fmt.Println(figure.One("S", "newcomer_up", time.Since(start).Seconds()))
	if err := p.Stop(time.Minute); err != nil {
		return fmt.Errorf("assay up: %w\n%s", err, p.Output())
	}
	return nil
}
