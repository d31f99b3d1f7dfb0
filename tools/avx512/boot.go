// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

// machine is the configuration of Bochs: one Cannon Lake, a disk, and a serial
// line that goes into a file.
const machine = `megs: 1024
romimage: file=` + bios + `
vgaromimage: file=` + vgaBIOS + `
cpu: model=corei3_cnl, count=1, ips=100000000, reset_on_triple_fault=0
clock: sync=none
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=disk.iso, status=inserted
boot: cdrom
display_library: term
com1: enabled=1, mode=file, dev=serial.txt
speaker: enabled=0
log: bochs.txt
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
`

// endLine is the last line that init prints.
var endLine = regexp.MustCompile(`(?m)^emulated: (\d+) failed`)

// boot runs the machine until init has said how the tests ended, and passes on
// what the serial line says. Debian's Bochs has a debugger, which is told to go
// on, and needs a terminal, which script gives it.
func boot(ctx context.Context, work string, most time.Duration) error {
	for name, text := range map[string]string{"bochsrc": machine, "go": "c\n"} {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	c := exec.Command("script", "-qec", "exec bochs -q -f bochsrc -rc go", "screen.txt")
	c.Dir, c.Env = work, append(os.Environ(), "TERM=xterm")
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	off := false
	stop := func() {
		if !off {
			endSession(c.Process.Pid)
			<-done
		}
	}
	defer stop()
	begun := time.Now()
	late := time.After(most)
	seen := 0
	for {
		// What is complete is passed on, and may be the end.
		b, err := os.ReadFile(filepath.Join(work, "serial.txt"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		_, _ = os.Stdout.Write(b[min(seen, len(b)):])
		seen = len(b)
		if m := endLine.FindSubmatch(b); m != nil {
			fmt.Printf("avx512: the emulated machine ran for %.0f s\n", time.Since(begun).Seconds())
			if n, err := strconv.Atoi(string(m[1])); err != nil || n > 0 {
				return fmt.Errorf("%s test programs failed on the emulated processor", m[1])
			}
			if bytes.Contains(b, []byte("no tests to run")) {
				return errors.New("a pattern names no test: mend jobs")
			}
			return nil
		}
		if off {
			return fmt.Errorf("the emulated machine ended before its tests did: %s",
				tail(filepath.Join(work, "screen.txt")))
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-late:
			return fmt.Errorf("the emulated machine was stopped after %v (-most)", most)
		case <-done:
			off = true
		case <-time.After(time.Second):
		}
	}
}

// endSession kills the processes of a session: script, which leads it, and the
// emulator, to which script gives a session of its own.
func endSession(leader int) {
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", leader, leader))
	var pid int
	for rest := string(children); ; rest = rest[len(strconv.Itoa(pid))+1:] {
		if _, err := fmt.Sscanf(rest, "%d ", &pid); err != nil {
			break
		}
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
	_ = syscall.Kill(-leader, syscall.SIGKILL)
}

// tail is the end of a file, for a message.
func tail(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if i, err := f.Stat(); err == nil && i.Size() > 1000 {
		_, _ = f.Seek(-1000, io.SeekEnd)
	}
	b, _ := io.ReadAll(f)
	return string(b)
}
