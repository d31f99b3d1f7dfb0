// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Init is the first and only process of the emulated machine: it runs the
// programs that /jobs lists, one a line, and prints their output and how they
// ended on the console, which is the serial line. Then it turns the machine off.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

func main() {
	failed := 0
	if err := run(&failed); err != nil {
		fmt.Println("init:", err)
		failed++
	}
	fmt.Printf("\nemulated: %d failed\n", failed)
	time.Sleep(time.Second) // the serial line sends what it holds
	_ = syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
}

func run(failed *int) error {
	for _, m := range [][2]string{{"proc", "/proc"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"}} {
		if err := syscall.Mount(m[0], m[1], m[0], 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m[1], err)
		}
	}
	jobs, err := os.ReadFile("/jobs")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(jobs)) {
		words := strings.Fields(line)
		fmt.Printf("emulated: %s\n", strings.TrimSpace(line))
		c := exec.Command(words[0], words[1:]...)
		c.Dir, c.Stdout, c.Stderr = "/src", os.Stdout, os.Stderr
		c.Env = []string{"HOME=/tmp", "TMPDIR=/tmp", "ASSAY_WANT_AVX512=1", "ASSAY_ROWS=3000"}
		if err := c.Run(); err != nil {
			fmt.Printf("emulated: %s: %v\n", words[0], err)
			*failed++
		}
	}
	return nil
}
