// SPDX-License-Identifier: Apache-2.0

// Release builds the three programs for every platform, static and without
// paths of this machine. For each it writes an SPDX list of the modules that it
// links, and SHA256SUMS over all files.
//
//	cd tools && go run ./release -root .. -out ../dist
//	cd tools && go run ./release -root .. -out ../dist -check   builds again and compares
//
// The check copies the sources to another directory and builds them with an
// empty build cache, so that neither paths nor old objects can hide a
// difference.
package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

type options struct {
	root, out           string
	platforms, commands string
	check               bool
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", "..", "the repository")
	flag.StringVar(&o.out, "out", "../dist", "directory to write to")
	flag.StringVar(&o.platforms, "platforms", "linux/amd64,linux/arm64,darwin/arm64", "platforms to build for")
	flag.StringVar(&o.commands, "commands", "assay,assayd,assay-verify", "programs to build")
	flag.BoolVar(&o.check, "check", false, "build again in another directory and compare with the files in -out")
	flag.Parse()
	run := release
	if o.check {
		run = check
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// each calls fn for every program of every platform, with its file's name.
func (o options) each(fn func(command, goos, goarch, name string) error) error {
	for _, platform := range strings.Split(o.platforms, ",") {
		goos, goarch, ok := strings.Cut(platform, "/")
		if !ok {
			return fmt.Errorf("-platforms: %q is not os/arch", platform)
		}
		for _, command := range strings.Split(o.commands, ",") {
			if err := fn(command, goos, goarch, fmt.Sprintf("%s-%s-%s", command, goos, goarch)); err != nil {
				return err
			}
		}
	}
	return nil
}

// build makes one program. The build's facts are in it (go version -m), the
// machine's are not: no paths, no C, no symbols of the version control.
func build(root, out, command, goos, goarch string, env ...string) error {
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=",
		"-o", out, "./cmd/"+command)
	c.Dir = root
	c.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch, "GOFLAGS="), env...)
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("build %s for %s/%s: %w", command, goos, goarch, err)
	}
	return nil
}

func release(o options) error {
	out, err := filepath.Abs(o.out)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	var files []string
	err = o.each(func(command, goos, goarch, name string) error {
		path := filepath.Join(out, name)
		if err := build(o.root, path, command, goos, goarch); err != nil {
			return err
		}
		list, err := billOfMaterials(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path+".spdx.json", list, 0o644); err != nil {
			return err
		}
		files = append(files, name, name+".spdx.json")
		fmt.Println(name)
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range []string{"LICENSE", "NOTICE"} {
		b, err := os.ReadFile(filepath.Join(o.root, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, name), b, 0o644); err != nil {
			return err
		}
		files = append(files, name)
	}
	slices.Sort(files)
	var sums bytes.Buffer
	for _, name := range files {
		b, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(b), name)
	}
	return os.WriteFile(filepath.Join(out, "SHA256SUMS"), sums.Bytes(), 0o644)
}

// check builds every program again and compares bytes.
func check(o options) error {
	work, err := os.MkdirTemp("", "assay-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	sources, cache := filepath.Join(work, "elsewhere", "src"), filepath.Join(work, "cache")
	if err := copySources(o.root, sources); err != nil {
		return err
	}
	return o.each(func(command, goos, goarch, name string) error {
		first, err := os.ReadFile(filepath.Join(o.out, name))
		if err != nil {
			return fmt.Errorf("%w: build the release first", err)
		}
		again := filepath.Join(work, name)
		if err := build(sources, again, command, goos, goarch, "GOCACHE="+cache); err != nil {
			return err
		}
		second, err := os.ReadFile(again)
		if err != nil {
			return err
		}
		if !bytes.Equal(first, second) {
			return fmt.Errorf("%s: two builds of the same sources differ: %x and %x", name,
				sha256.Sum256(first), sha256.Sum256(second))
		}
		fmt.Printf("%s: the same %d bytes\n", name, len(first))
		return os.Remove(again)
	})
}

// copySources copies the files that are under version control.
func copySources(root, to string) error {
	c := exec.Command("git", "ls-files", "-z")
	c.Dir = root
	list, err := c.Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(list), "\x00"), "\x00") {
		b, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // removed, not committed yet
		}
		if err != nil {
			return err
		}
		path := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			return err
		}
	}
	return nil
}
