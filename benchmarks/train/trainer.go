// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/assayrisk/assay/benchmarks/internal/daemon"
)

// request asks a trainer's process for one model.
type request struct {
	Seed    int `json:"seed"` // 0: the default
	Rounds  int `json:"rounds"`
	Threads int `json:"threads"`

	// Draw, if above 0, is the number of a sample of the training rows: the model is
	// trained on it alone. Share is about its share of all rows.
	Draw  int     `json:"draw,omitempty"`
	Share float64 `json:"share,omitempty"`
}

// trainingResult is a trainer's answer.
type trainingResult struct {
	Bin   float64 `json:"bin_s"`
	Train float64 `json:"train_s"`
	AUC   float64 `json:"auc"`
	Peak  float64 `json:"peak_mb"` // of the process so far
}

func (o trainingResult) seconds() float64 { return o.Bin + o.Train }

// trainer is a process that holds one table and trains on it when asked. Between
// requests it does nothing, so that it disturbs no other.
type trainer struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *json.Decoder
}

// startTrainer runs the program of a trainer (assay, row, col, quant or xgboost) on
// the table at dir.
func startTrainer(ctx context.Context, name, dir, python, peers string) (*trainer, error) {
	var cmd *exec.Cmd
	switch name {
	case "assay":
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		cmd = exec.CommandContext(ctx, self, "-one", dir)
	case "xgboost":
		cmd = exec.CommandContext(ctx, python, filepath.Join(peers, "train_xgboost.py"), dir)
	default:
		cmd = exec.CommandContext(ctx, python, filepath.Join(peers, "train_lightgbm.py"), dir, name)
	}
	in, out, err := daemon.StartPiped(cmd)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &trainer{name, cmd, in, json.NewDecoder(out)}, nil
}

func (t *trainer) train(r request) (o trainingResult, err error) {
	if err := json.NewEncoder(t.in).Encode(r); err != nil {
		return o, fmt.Errorf("%s: %w", t.name, err)
	}
	if err := t.out.Decode(&o); err != nil {
		return o, fmt.Errorf("%s did not answer: %w", t.name, err)
	}
	return o, nil
}

// stop closes the process's input, upon which it ends.
func (t *trainer) stop() error {
	t.in.Close()
	if err := t.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w", t.name, err)
	}
	return nil
}

// trainOnce starts a trainer for a single model.
func trainOnce(ctx context.Context, name, dir, python, peers string, r request) (trainingResult, error) {
	t, err := startTrainer(ctx, name, dir, python, peers)
	if err != nil {
		return trainingResult{}, err
	}
	o, err := t.train(r)
	if e := t.stop(); err == nil {
		err = e
	}
	return o, err
}
