// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/assayrisk/assay/internal/yamltext"
)

// errUsage is matched by errors that the command line is to blame for.
var errUsage = errors.New("usage")

// settings is the one source of every setting: the key is the YAML name, the
// flag, and (upper case, with ASSAY_ before it) the environment variable.
type settings struct {
	Bundle       string        `yaml:"bundle" doc:"Bundle that decides first: a directory that assay train wrote. Required."`
	Models       string        `yaml:"models" doc:"Directory whose folders are bundles that an admin can activate or shadow. Empty: none."`
	Dir          string        `yaml:"dir" default:"assay-data" doc:"Directory of the journal, the log, the keys and the anchors. Back keys/ up apart."`
	Keys         string        `yaml:"keys" doc:"YAML file that names the program that keeps the master key, such as one that asks a hardware module (docs/formats/keys.md). Empty: the key is a file in dir."`
	Archive      string        `yaml:"archive" doc:"YAML file that names the archive that assay ledger archive moved record files to (docs/formats/archive.md). Empty: none."`
	Origin       string        `yaml:"origin" doc:"Name of the log at its first start, such as log.example.org/credit. Empty: random digits."`
	HeadCopy     string        `yaml:"head-copy" doc:"File on another device, or mounted from another machine, that a copy of the log's high-water mark is kept in: a directory that was put back to an older state does not start with it. Empty: none."`
	AcceptHead   bool          `yaml:"accept-head" doc:"Start though neither the chain nor head-copy confirms that the log in dir is the newest: who says so vouches that no promise was given beyond it. The log records it."`
	AcceptClock  bool          `yaml:"accept-clock" doc:"Start though the machine's clock lies more than a day after the last record, and neither the chain nor the time-stamping authority confirms it: who says so vouches that it is right. The log records it."`
	KeepPersonal time.Duration `yaml:"keep-personal" doc:"How long the personal parts of records are kept, such as 61320h for seven years. After that they are dropped, within a day, and the log records it. 0: for ever."`
	Policy       string        `yaml:"policy" doc:"Policy YAML to decide by. Empty: the bundle's."`

	Listen        string        `yaml:"listen" default:"127.0.0.1:7400" doc:"Address of the gRPC server. Without auth only a loopback address is taken."`
	Ops           string        `yaml:"ops" default:"127.0.0.1:7401" doc:"Address of /metrics, /livez and /readyz over HTTP. Empty: none."`
	TLSCert       string        `yaml:"tls-cert" doc:"Certificate chain, PEM. Read again when it changes."`
	TLSKey        string        `yaml:"tls-key" doc:"Private key of tls-cert, PEM."`
	TLSClientCA   string        `yaml:"tls-client-ca" doc:"CA certificates, PEM. Clients may then identify themselves by a certificate under one of them (mTLS)."`
	Auth          string        `yaml:"auth" doc:"YAML file of keys, certificates and issuers that may call. Empty: everybody on this machine, with all roles."`
	FourEyes      bool          `yaml:"four-eyes" doc:"Activating a model or a policy needs two admins."`
	MaxInFlight   int           `yaml:"max-in-flight" default:"8192" doc:"Rows under way; more are refused with RESOURCE_EXHAUSTED."`
	MaxMessage    int           `yaml:"max-message" default:"4194304" doc:"Bytes of one message."`
	RatePerSecond float64       `yaml:"rate" doc:"Rows a second that one caller may ask for; a decision, list or receipt that is read counts as one. 0: no limit."`
	RateBurst     int           `yaml:"rate-burst" doc:"Rows that one caller may ask for at once. 0: one second's worth."`
	Drain         time.Duration `yaml:"drain" default:"20s" doc:"How long requests under way may take when the server stops."`

	ChainURL      string        `yaml:"chain-rpc" doc:"JSON-RPC URL of the chain that checkpoints are anchored to. Empty: no anchoring."`
	ChainID       uint64        `yaml:"chain-id" doc:"Chain that the URL must lead to. 0: the one it is on at the first start."`
	ChainContract string        `yaml:"chain-contract" doc:"Address of the AnchorRegistry. Required with chain-rpc."`
	ChainKey      string        `yaml:"chain-key" doc:"File with the publisher's private key in hexadecimal, mode 0600. Required with chain-rpc."`
	ChainProfile  string        `yaml:"chain-profile" default:"ethereum" doc:"Kind of chain: ethereum, qbft, instant or devchain."`
	ChainMaxFee   float64       `yaml:"chain-max-fee" default:"500" doc:"The most that a transaction may offer, in gwei per unit of gas, tip included, whatever the node asks for."`
	AnchorEvery   time.Duration `yaml:"anchor-every" default:"1m" doc:"Cadence of anchors. On a timer, so that they do not tell the volume."`
	TSA           string        `yaml:"tsa" doc:"URL of an RFC 3161 authority that stamps checkpoints, with the cadence of anchors. Empty: no time stamps."`
	TSACert       string        `yaml:"tsa-cert" doc:"PEM file of the authority's certificate, or its issuer's. Required with tsa."`

	Traces     string  `yaml:"traces" doc:"OTLP/gRPC address of an OpenTelemetry collector, such as http://localhost:4317. Empty: no traces."`
	TraceShare float64 `yaml:"trace-share" default:"0.01" doc:"Share of the calls that are traced, where the caller has not decided."`

	LogFormat string `yaml:"log-format" default:"json" doc:"Log on standard error as json or text."`
	LogLevel  string `yaml:"log-level" default:"info" doc:"debug, info, warn or error."`
}

// setting is one field of settings as text.
type setting struct {
	key, kind, def, doc string
	value               reflect.Value
}

// each calls fn with every setting, in order.
func (s *settings) each(fn func(setting) error) error {
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		err := fn(setting{f.Tag.Get("yaml"), strings.TrimPrefix(f.Type.String(), "time."), f.Tag.Get("default"),
			f.Tag.Get("doc"), v.Field(i)})
		if err != nil {
			return err
		}
	}
	return nil
}

// Set implements pflag.Value.
func (s setting) Set(text string) error {
	switch p := s.value.Addr().Interface().(type) {
	case *string:
		*p = text
	case *bool:
		b, err := strconv.ParseBool(text)
		*p = b
		return err
	case *int:
		n, err := strconv.Atoi(text)
		if err == nil && n < 0 {
			return errors.New("must not be negative")
		}
		*p = n
		return err
	case *uint64:
		n, err := strconv.ParseUint(text, 10, 64)
		*p = n
		return err
	case *float64:
		x, err := strconv.ParseFloat(text, 64)
		if err == nil && !(x >= 0) {
			return errors.New("must not be negative")
		}
		*p = x
		return err
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err == nil && d < 0 {
			return errors.New("must not be negative")
		}
		*p = d
		return err
	default:
		return fmt.Errorf("a setting of type %T", p)
	}
	return nil
}

// String implements pflag.Value.
func (s setting) String() string {
	if !s.value.IsValid() || s.value.IsZero() {
		return ""
	}
	return fmt.Sprint(s.value.Interface())
}

// Type implements pflag.Value.
func (s setting) Type() string { return strings.ToLower(s.kind) }

// defaults returns the settings as they are when nothing is said.
func defaults() (*settings, error) {
	s := new(settings)
	return s, s.each(func(x setting) error {
		if x.def == "" {
			return nil
		}
		return x.Set(x.def)
	})
}

// flags adds a flag for each setting, into s.
func (s *settings) flags(fs *pflag.FlagSet) {
	_ = s.each(func(x setting) error {
		f := fs.VarPF(x, x.key, "", x.doc)
		f.DefValue = x.def
		if x.kind == "bool" {
			f.NoOptDefVal = "true"
		}
		return nil
	})
}

// readYAML decodes a file strictly: an unknown key is an error with its line.
func readYAML(path string, to any) error {
	b, err := yamltext.ReadFile(path, yamltext.Settings)
	if err != nil {
		return err
	}
	if err := yamltext.Decode(b, to, yamltext.Settings); err != nil && !errors.Is(err, yamltext.ErrEmpty) {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// load puts the file, the environment and the flags that were given over the
// defaults, in this order.
func load(config string, environ func(string) (string, bool), given *pflag.FlagSet) (*settings, error) {
	s, err := defaults()
	if err != nil {
		return nil, err
	}
	if config != "" {
		if err := readYAML(config, s); err != nil {
			return nil, fmt.Errorf("--config: %w", err)
		}
	}
	err = s.each(func(x setting) error {
		name := "ASSAY_" + strings.ToUpper(strings.ReplaceAll(x.key, "-", "_"))
		if v, ok := environ(name); ok {
			if err := x.Set(v); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		if f := given.Lookup(x.key); f != nil && f.Changed {
			return x.Set(f.Value.String())
		}
		return nil
	})
	return s, err
}
