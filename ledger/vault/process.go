// SPDX-License-Identifier: Apache-2.0

package vault

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"time"
)

// process is a running program, of which one line is asked at a time.
type process struct {
	cmd    *exec.Cmd
	in     *os.File // its standard input
	out    *os.File // its standard output
	lines  *bufio.Reader
	ended  chan struct{} // closed when it has ended
	status error         // how; after ended
}

func startProcess(cfg *ProgramConfig) (c *process, err error) {
	childIn, in, err := os.Pipe() // by hand: these ends take deadlines
	if err != nil {
		return nil, err
	}
	defer childIn.Close()
	out, childOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	defer childOut.Close()
	cmd := exec.Command(cfg.Command[0], cfg.Command[1:]...)
	cmd.Stdin, cmd.Stdout = childIn, childOut
	cmd.Stderr = &stderrLog{log: cfg.Logger.With("program", cfg.Command[0])}
	cmd.WaitDelay = time.Second // for standard error, which a child of its own may hold open
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, in.Close(), out.Close())
	}
	c = &process{cmd: cmd, in: in, out: out, lines: bufio.NewReaderSize(out, maxLine), ended: make(chan struct{})}
	go func() {
		c.status = cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}

// exchange writes a line and reads the next. The line that it returns is valid until the next call.
func (c *process) exchange(line []byte, deadline time.Time) ([]byte, error) {
	if err := errors.Join(c.in.SetWriteDeadline(deadline), c.out.SetReadDeadline(deadline)); err != nil {
		return nil, err
	}
	if len(line) > maxLine {
		return nil, fmt.Errorf("a request of %d bytes, at most %d are sent", len(line), maxLine)
	}
	_, werr := c.in.Write(line)
	answer, err := c.lines.ReadSlice('\n')
	switch {
	case errors.Is(werr, os.ErrDeadlineExceeded):
		return nil, errors.New("it does not read what it is asked")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errors.New("it did not answer in time")
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("its answer is longer than %d bytes", maxLine)
	case errors.Is(err, io.EOF):
		return nil, errors.New("it ended before it had answered")
	case err != nil || werr != nil:
		return nil, errors.Join(err, werr)
	}
	return answer, nil
}

// kill ends the process and returns how it ended, if it had ended by itself.
func (c *process) kill() error {
	_ = c.in.Close()
	select {
	case <-c.ended:
	case <-time.After(100 * time.Millisecond): // it closed its output, and is about to end
		_ = c.cmd.Process.Kill()
		<-c.ended
		_ = c.out.Close()
		return nil
	}
	_ = c.out.Close()
	return c.status
}

// end lets the process end by itself, and kills it if it does not.
func (c *process) end(within time.Duration) error {
	_ = c.in.Close()
	defer c.out.Close()
	select {
	case <-c.ended:
		if c.status != nil {
			return fmt.Errorf("keys: the program that keeps the master key ended: %w", c.status)
		}
		return nil
	case <-time.After(within):
		_ = c.cmd.Process.Kill()
		<-c.ended
		return fmt.Errorf("keys: the program that keeps the master key did not end when its standard input did, and " +
			"was killed")
	}
}

// maxLogLine bounds a line of standard error in the log.
const maxLogLine = 4096

// stderrLog logs lines.
type stderrLog struct {
	log *slog.Logger
	mu  sync.Mutex
	buf []byte
}

// Write implements io.Writer.
func (s *stderrLog) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = append(s.buf, b...)
	for {
		line, rest, ok := bytes.Cut(s.buf, []byte("\n"))
		if !ok && len(s.buf) < maxLogLine {
			return len(b), nil
		}
		if len(line) > maxLogLine {
			line, rest = s.buf[:maxLogLine], s.buf[maxLogLine:]
		}
		if len(bytes.TrimSpace(line)) > 0 {
			s.log.Warn("keys: the program says", "line", string(line))
		}
		s.buf = append(s.buf[:0], rest...)
	}
}
