// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// request and reply are the lines of docs/formats/keys.md.
type request struct {
	Version int      `json:"version"`
	ID      uint64   `json:"id"`
	Op      string   `json:"op"`
	Items   [][]byte `json:"items"`
	Keep    string   `json:"keep"`
}

type reply struct {
	ID     uint64   `json:"id"`
	Error  string   `json:"error,omitempty"`
	Master string   `json:"master,omitempty"`
	Older  int      `json:"older"`
	Items  [][]byte `json:"items,omitempty"`
}

// serve answers requests until in ends. After an error of the module it answers with that and ends: it is started
// again, and opens the module again.
func serve(t *token, in io.Reader, out io.Writer) error {
	lines := bufio.NewReaderSize(in, 1<<20)
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var q request
		if err := json.Unmarshal(line, &q); err != nil {
			return errors.New("what is asked is not a line of JSON")
		}
		r, failed := answer(t, &q)
		b, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if _, err := out.Write(append(b, '\n')); err != nil {
			return err
		}
		if failed != nil {
			return failed
		}
	}
}

func answer(t *token, q *request) (*reply, error) {
	r := &reply{ID: q.ID}
	var err error
	switch {
	case q.Version != 1:
		r.Error = fmt.Sprintf("version %d of the protocol is asked for, and this program speaks version 1", q.Version)
		return r, nil
	case q.Op == "state":
	case q.Op == "wrap":
		r.Items, err = each(q.Items, t.encrypt)
	case q.Op == "unwrap":
		r.Items, err = each(q.Items, t.decrypt)
	case q.Op == "rotate":
		err = t.rotate()
	case q.Op == "destroy" && q.Keep != t.newest().name:
		r.Error = fmt.Sprintf("%s is to be kept, and %s is the newest master key: has another program made one?",
			q.Keep, t.newest().name)
		return r, nil
	case q.Op == "destroy":
		err = t.destroyOld()
	default:
		r.Error = fmt.Sprintf("this program cannot %q", q.Op)
		return r, nil
	}
	if err != nil {
		return &reply{ID: q.ID, Error: err.Error()}, err
	}
	r.Master, r.Older = t.newest().name, len(t.keys)-1
	return r, nil
}

func each(items [][]byte, do func([]byte) ([]byte, error)) ([][]byte, error) {
	out := make([][]byte, len(items))
	for i, item := range items {
		var err error
		if out[i], err = do(item); err != nil {
			return nil, err
		}
	}
	return out, nil
}
