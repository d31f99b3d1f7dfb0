// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"testing"
	"time"
)

// TestOpsConnections: connections that ask for nothing do not keep a probe from
// the operators' port, and no more than its bound stay open.
func TestOpsConnections(t *testing.T) {
	const most, opened = 128, 160
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	var log bytes.Buffer
	err := withOps(t.Context(), "127.0.0.1:0", h, slog.New(slog.NewTextHandler(&log, nil)),
		func(context.Context) error {
			address := regexp.MustCompile(`address=(\S+)`).FindStringSubmatch(log.String())[1]
			var conns []net.Conn
			defer func() {
				for _, c := range conns {
					c.Close()
				}
			}()
			for range opened {
				c, err := net.Dial("tcp", address)
				if err != nil {
					return err
				}
				conns = append(conns, c)
			}
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
			r, err := client.Get("http://" + address + "/livez")
			if err != nil {
				return err
			}
			defer r.Body.Close()
			if b, err := io.ReadAll(r.Body); string(b) != "ok" {
				t.Errorf("/livez answered %q, %v", b, err)
			}
			// The first were closed, in their order, before the probe was answered.
			for _, c := range conns[:opened-most] {
				_ = c.SetReadDeadline(time.Now().Add(time.Second))
				if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
					t.Fatalf("an old connection is open still: %v", err)
				}
			}
			newest := conns[opened-1]
			if _, err := fmt.Fprint(newest, "GET /livez HTTP/1.0\r\n\r\n"); err != nil {
				return err
			}
			_ = newest.SetReadDeadline(time.Now().Add(5 * time.Second))
			if b, err := io.ReadAll(newest); !bytes.Contains(b, []byte("200 OK")) {
				t.Errorf("the newest connection: %q, %v", b, err)
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}
