// SPDX-License-Identifier: Apache-2.0

package licence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Module is a module that a program links.
type Module struct {
	Path, Version, Dir string
	Licence            string
	Packages           []string // of it, that are linked
}

// Linked lists the modules that a command of the repository at root links on
// linux/amd64, ours left out, in order.
func Linked(root, command string) ([]Module, error) {
	c := exec.Command("go", "list", "-deps", "-json=ImportPath,Module", command)
	c.Dir, c.Env = root, append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := c.Output()
	if err != nil {
		var x *exec.ExitError
		if errors.As(err, &x) {
			err = fmt.Errorf("%w: %s", err, x.Stderr)
		}
		return nil, fmt.Errorf("go list %s: %w", command, err)
	}
	type module struct {
		Path, Version, Dir string
		Main               bool
	}
	byPath := map[string]*Module{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Module     *module
		}
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		if p.Module == nil || p.Module.Main {
			continue
		}
		m := byPath[p.Module.Path]
		if m == nil {
			m = &Module{Path: p.Module.Path, Version: p.Module.Version, Dir: p.Module.Dir}
			byPath[m.Path] = m
		}
		m.Packages = append(m.Packages, p.ImportPath)
	}
	var all []Module
	for _, m := range byPath {
		if m.Licence, err = Of(m.Path, m.Dir); err != nil {
			return nil, fmt.Errorf("%s %s: %w", m.Path, m.Version, err)
		}
		all = append(all, *m)
	}
	slices.SortFunc(all, func(a, b Module) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}
