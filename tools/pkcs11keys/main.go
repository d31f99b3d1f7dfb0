// SPDX-License-Identifier: Apache-2.0

// Pkcs11keys keeps the master key of an Assay ledger in a module with PKCS#11, such as a hardware security module. It
// speaks docs/formats/keys.md; assayd starts it:
//
//	keys.yaml:   command: [/usr/local/bin/pkcs11keys, -config, /etc/assay/pkcs11.json]
//	pkcs11.json: {"module": "/usr/lib/softhsm/libsofthsm2.so", "token": "assay", "pin_file": "/etc/assay/pin"}
//
// Each master key is an AES-256 key of the token that cannot be read out, and encrypts with AES-GCM. It needs cgo, and
// is a module of its own so that the server needs neither cgo nor the library. Build it with
// cd tools/pkcs11keys && go build .
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// config is the file that -config names.
type config struct {
	Module  string `json:"module"`   // path of the module's library
	Token   string `json:"token"`    // label of the token
	PinFile string `json:"pin_file"` // file with the user's PIN
	Label   string `json:"label"`    // of the keys, one for each ledger; "": assay
}

func main() {
	path := flag.String("config", "", "JSON file that names module, token, pin_file and label")
	flag.Parse()
	// Whoever stops the server may send these to both; the server needs its keys until it has stopped.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM)
	if err := run(*path, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "pkcs11keys: %v\n", err)
		os.Exit(1)
	}
}

func run(path string, in io.Reader, out io.Writer) error {
	c, err := readConfig(path)
	if err != nil {
		return err
	}
	pin, err := os.ReadFile(c.PinFile)
	if err != nil {
		return err
	}
	t, err := openToken(c, strings.TrimRight(string(pin), "\r\n"))
	if err != nil {
		return err
	}
	return errors.Join(serve(t, in, out), t.close())
}

func readConfig(path string) (c config, err error) {
	if path == "" {
		return c, errors.New("-config is required: a JSON file that names module, token and pin_file")
	}
	f, err := os.Open(path)
	if err != nil {
		return c, err
	}
	defer f.Close()
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	if c.Module == "" || c.Token == "" || c.PinFile == "" {
		return c, fmt.Errorf("%s: module, token and pin_file are required", path)
	}
	if c.Label == "" {
		c.Label = "assay"
	}
	return c, nil
}
