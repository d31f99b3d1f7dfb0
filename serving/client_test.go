// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"errors"
	"io"
	"testing"

	"github.com/assayrisk/assay/serving/assayclient"
)

// TestClientRefusesAnotherLog: everything that one log signs is refused by a
// client that trusts another one's key, and the error says whose it is not.
func TestClientRefusesAnotherLog(t *testing.T) {
	t.Parallel()
	n, other := start(t, t.TempDir(), Config{}), start(t, t.TempDir(), Config{})
	d, err := n.client.Score(t.Context(), "ours", application("ours", 10, 600))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.client.Receipt(t.Context(), d.Sequence); err != nil {
		t.Fatal(err)
	}
	c := n.dial(assayclient.Config{LogKey: other.journal.Key()})
	event := application("theirs", 10, 600)
	stream := func() (got error) {
		sent := false
		err := c.ScoreStream(t.Context(), func() (assayclient.Request, error) {
			if sent {
				return assayclient.Request{}, io.EOF
			}
			sent = true
			return assayclient.Request{ID: "s", Event: event}, nil
		}, func(_ string, r assayclient.Row) error { got = r.Err; return nil })
		return errors.Join(got, err)
	}
	for name, call := range map[string]func() error{
		"Score":  func() error { _, err := c.Score(t.Context(), "r", event); return err },
		"Record": func() error { _, err := c.Record(t.Context(), "f", event); return err },
		"RecordBatch": func() error {
			rows, err := c.RecordBatch(t.Context(), []assayclient.Request{{ID: "fb", Event: event}})
			if err != nil {
				return err
			}
			return rows[0].Err
		},
		"ScoreBatch": func() error {
			rows, err := c.ScoreBatch(t.Context(), []assayclient.Request{{ID: "b", Event: event}})
			if err != nil {
				return err
			}
			return rows[0].Err
		},
		"ScoreStream": stream,
		"Receipt":     func() error { _, err := c.Receipt(t.Context(), d.Sequence); return err },
	} {
		if err := call(); !errors.Is(err, assayclient.ErrBadProof) || !has(err, "key") {
			t.Errorf("%s: %v, want ErrBadProof that speaks of the key", name, err)
		}
	}
}
