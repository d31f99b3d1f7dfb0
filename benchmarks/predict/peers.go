// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dmitryikh/leaves"

	"github.com/assayrisk/assay/models/forest"
)

// How long gcc may take for one of Treelite's libraries, and for all of a run. A
// case whose library takes longer is compared without Treelite. Compiling is done
// once and not measured.
const (
	maxLibraryTime   = 45 * time.Second
	maxLibrariesTime = 150 * time.Second
)

// peer starts a peer on the model.
func (c *config) peer(peer, name string, text []byte, model, rows string, x []float64) (runner, error) {
	switch peer {
	case "leaves":
		v3 := bytes.Replace(text, []byte("version=v4"), []byte("version=v3"), 1)
		e, err := leaves.LGEnsembleFromReader(bufio.NewReader(bytes.NewReader(v3)), false)
		if err != nil {
			return nil, err
		}
		return &inProcess{
			x:        x,
			scoreRow: func(x []float64) float64 { return e.PredictSingle(x, 0) },
			scoreBatch: func(dst, rows []float64) {
				if err := e.PredictDense(rows, len(dst), features, dst, 0, 1); err != nil {
					panic(err)
				}
			},
		}, nil
	case "lightgbm":
		find := exec.Command(c.python, "-c",
			"import lightgbm, os; d = os.path.dirname(lightgbm.__file__); print(next(p for p in (os.path.join(d, "+
				"'lib', 'lib_lightgbm.so'), os.path.join(d, 'lib_lightgbm.so')) if os.path.exists(p)))")
		lib, err := find.Output()
		if err != nil {
			return nil, fmt.Errorf("find lib_lightgbm.so: %w", err)
		}
		bin, err := c.compileC()
		if err != nil {
			return nil, err
		}
		return startPeer(bin, "lightgbm", strings.TrimSpace(string(lib)), model, rows, strconv.Itoa(features))
	case "treelite":
		bin, err := c.compileC()
		if err != nil {
			return nil, err
		}
		lib := filepath.Join(c.dir, name+".so")
		if _, err := os.Stat(lib); err != nil {
			if err := c.compileTreelite(model, lib); err != nil {
				return nil, err
			}
		}
		return startPeer(bin, "tl2cgen", lib, "-", rows, strconv.Itoa(features))
	case "onnxruntime":
		return startPeer(c.python, filepath.Join(c.peers, "predict_onnx.py"), model, rows, strconv.Itoa(features))
	}
	return nil, fmt.Errorf("unknown peer")
}

// compileTreelite makes a library within the time that is left. gcc takes many
// minutes for some models; it is killed together with the program that started it.
func (c *config) compileTreelite(model, lib string) error {
	limit := min(maxLibraryTime, maxLibrariesTime-c.libraryTime)
	if limit <= 0 {
		return fmt.Errorf("no time is left of the %v for compiling", maxLibrariesTime)
	}
	begin := time.Now()
	defer func() { c.libraryTime += time.Since(begin) }()
	ctx, cancel := context.WithTimeoutCause(context.Background(), limit,
		fmt.Errorf("not compiled within %v", limit.Round(time.Second)))
	defer cancel()
	made := lib + ".new.so" // renamed when it is complete
	compile := exec.CommandContext(ctx, c.python, filepath.Join(c.peers, "predict_tl2cgen.py"), model, made)
	compile.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	compile.Cancel = func() error { return syscall.Kill(-compile.Process.Pid, syscall.SIGKILL) }
	compile.WaitDelay = time.Second
	adoptOrphans()
	if out, err := compile.CombinedOutput(); err != nil {
		if compile.Process != nil {
			killGroup(compile.Process.Pid)
		}
		return cmp.Or(context.Cause(ctx), fmt.Errorf("%w: %s", err, out))
	}
	return os.Rename(made, lib)
}

func (c *config) compileC() (string, error) {
	bin := filepath.Join(c.dir, "predict_c")
	out, err := exec.Command("cc", "-O2", "-o", bin, filepath.Join(c.peers, "predict_c.c"), "-ldl").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("compile predict_c.c: %w: %s", err, out)
	}
	return bin, nil
}

// sameMargins compares the margins of a peer, if it printed any, with ours.
func sameMargins(peer string, r runner, f *forest.Forest, x []float64) error {
	worst := 0.0
	for i, m := range r.margins() {
		worst = max(worst, math.Abs(m-f.Margin(x[i*features:(i+1)*features])))
	}
	if worst > 0 && peer != "treelite" { // Treelite adds in another order
		return fmt.Errorf("margins differ from those of %s by up to %v", peer, worst)
	}
	if worst > 0 {
		fmt.Printf("margins differ from those of %s by up to %g\n", peer, worst)
	}
	return nil
}
