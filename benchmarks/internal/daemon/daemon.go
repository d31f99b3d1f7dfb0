// SPDX-License-Identifier: Apache-2.0

// Package daemon runs servers as separate processes for benchmarks: it builds
// the project's own commands, finds ports, waits until a server answers, says
// what its processes use, and ends them.
package daemon

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/assayrisk/assay/benchmarks/internal/usage"
)

// Build builds a command of this module into dir and returns its path.
func Build(ctx context.Context, dir, command string) (string, error) {
	out := filepath.Join(dir, filepath.Base(command))
	c := exec.CommandContext(ctx, "go", "build", "-o", out, command)
	if b, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", command, err, b)
	}
	return out, nil
}

// Port returns a loopback address that nobody listens on now.
func Port() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// Process is a running server.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // set when done is closed
	tail outputTail
}

// StartAssayd builds assayd into dir, starts it on a loopback address with these
// flags, and waits until it serves.
func StartAssayd(ctx context.Context, dir string, flags ...string) (p *Process, address string, err error) {
	program, err := Build(ctx, dir, "./cmd/assayd")
	if err != nil {
		return nil, "", err
	}
	if address, err = Port(); err != nil {
		return nil, "", err
	}
	flags = append([]string{"--listen", address, "--ops", "", "--log-level", "warn"}, flags...)
	p, err = Start(ctx, Serving(address), nil, program, flags...)
	return p, address, err
}

// Start starts a program in a process group of its own, so that the processes it
// starts end with it, and waits until ready returns no error.
func Start(ctx context.Context, ready func(context.Context) error, env []string, program string,
	args ...string) (*Process, error) {
	p := &Process{done: make(chan struct{})}
	p.cmd = exec.Command(program, args...)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Stdout, p.cmd.Stderr = &p.tail, &p.tail
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.err = p.cmd.Wait(); close(p.done) }()
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	for {
		if err := ready(ctx); err == nil {
			return p, nil
		}
		select {
		case <-p.done:
			return nil, fmt.Errorf("%s ended before it served: %w\n%s", filepath.Base(program), p.err, p.tail.String())
		case <-ctx.Done():
			p.Kill()
			return nil, fmt.Errorf("%s does not serve: %w\n%s", filepath.Base(program),
				context.Cause(ctx), p.tail.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// StartPiped starts a command and returns pipes to its standard input and from
// its standard output. Its errors go to those of this process.
func StartPiped(cmd *exec.Cmd) (in io.WriteCloser, out *bufio.Reader, err error) {
	cmd.Stderr = os.Stderr
	if in, err = cmd.StdinPipe(); err != nil {
		return nil, nil, err
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	return in, bufio.NewReader(pipe), cmd.Start()
}

// Listening is ready when something accepts connections at the address.
func Listening(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return c.Close()
	}
}

// Serving is ready when the server's gRPC health service says so: it may listen
// before it has recovered.
func Serving(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		c, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return err
		}
		defer c.Close()
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		r, err := healthpb.NewHealthClient(c).Check(ctx, &healthpb.HealthCheckRequest{})
		if err == nil && r.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			err = errors.New(r.GetStatus().String())
		}
		return err
	}
}

// Kill ends the process and those that it started at once, and waits.
func (p *Process) Kill() {
	p.killAll(p.members())
	<-p.done
}

// killAll ends the process group and those members that have another group.
func (p *Process) killAll(members []usage.Process) {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	for _, m := range members {
		if m.Group != p.cmd.Process.Pid {
			_ = syscall.Kill(m.PID, syscall.SIGKILL)
		}
	}
}

// Stop asks the process to end, and kills it if it has not after atMost. The
// error says how it ended.
func (p *Process) Stop(atMost time.Duration) error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		p.killAll(p.members()) // processes that it left behind
		return p.err
	case <-time.After(atMost):
		p.Kill()
		return errors.New("it did not stop when asked to, and was killed")
	}
}

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.done }

// Output is the end of what the process printed.
func (p *Process) Output() string { return p.tail.String() }

// outputTail keeps the last bytes written to it.
type outputTail struct {
	sync.Mutex
	b bytes.Buffer
}

const tailBytes = 8 << 10

// Write implements io.Writer.
func (t *outputTail) Write(b []byte) (int, error) {
	t.Lock()
	defer t.Unlock()
	t.b.Write(b)
	if n := t.b.Len(); n > 2*tailBytes {
		t.b.Next(n - tailBytes)
	}
	return len(b), nil
}

// String returns the end of what was written.
func (t *outputTail) String() string {
	t.Lock()
	defer t.Unlock()
	return t.b.String()
}
