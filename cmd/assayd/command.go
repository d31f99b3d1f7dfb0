// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/assayrisk/assay/cmd/internal/node"
	"github.com/assayrisk/assay/internal/nearest"
	"github.com/assayrisk/assay/internal/version"
	"github.com/assayrisk/assay/internal/yamltext"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/interchange"
	"github.com/assayrisk/assay/serving"
)

func command() *cobra.Command {
	var config string
	from := new(settings)
	c := &cobra.Command{
		Use:           "assayd --bundle DIR [flags]",
		Short:         "Score transactions over gRPC and anchor every decision",
		Args:          cobra.NoArgs,
		Version:       version.String(),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := load(config, os.LookupEnv, c.Flags())
			if err != nil {
				return fmt.Errorf("%w: %w", errUsage, err)
			}
			return run(c.Context(), s)
		},
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w: %w%s; assayd --help lists the flags", errUsage, err,
			nearest.FlagHint(err.Error(), flagNames(c)))
	})
	c.Flags().StringVar(&config, "config", "",
		"YAML file of the settings below; flags and ASSAY_... variables go before it")
	from.flags(c.Flags())
	return c
}

func flagNames(c *cobra.Command) (names []string) {
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

func run(ctx context.Context, s *settings) (failed error) {
	log, err := logger(s)
	if err != nil {
		return err
	}
	if s.Bundle == "" {
		return fmt.Errorf("%w: --bundle is required: a directory that `assay train` wrote", errUsage)
	}
	cfg := node.Config{Dir: s.Dir, AnchorEvery: s.AnchorEvery, Logger: log}
	if err := setTimestamps(s, &cfg); err != nil {
		return err
	}
	cfg.Journal.Origin, cfg.Journal.HighWaterCopy = s.Origin, s.HeadCopy
	cfg.AcceptHead, cfg.AcceptClock = s.AcceptHead, s.AcceptClock
	if cfg.Bundle, err = loadBundle(s.Bundle); err != nil {
		return err
	}
	if cfg.Serving, err = servingConfig(s, log); err != nil {
		return err
	}
	provider, err := newTracerProvider(ctx, s)
	if err != nil {
		return err
	}
	if provider != nil { // a nil pointer in the interface would not be nil
		cfg.Serving.Traces = provider
		defer func() { failed = errors.Join(failed, endTraces(provider)) }()
	}
	if s.ChainURL != "" {
		if cfg.Chain, err = chainConnector(s); err != nil {
			return err
		}
	}
	if cfg.Listener, err = net.Listen("tcp", s.Listen); err != nil {
		return err
	}
	if cfg.Journal.Archive, err = node.OpenArchive(s.Archive); err != nil {
		return errors.Join(err, cfg.Listener.Close())
	}
	keys, endKeys, err := node.OpenKeys(s.Keys, log)
	if err != nil {
		return errors.Join(err, cfg.Listener.Close())
	}
	defer func() { failed = errors.Join(failed, endKeys()) }()
	cfg.Journal.Keys = keys
	n, err := node.Open(ctx, cfg)
	if err != nil {
		return errors.Join(err, cfg.Listener.Close())
	}
	log.Info("log", "origin", n.Journal.Origin(), "key", n.Journal.Key(), "anchoring", s.ChainURL != "")
	return withOps(ctx, s.Ops, n.Server.Ops(), log, n.Run)
}

// withOps serves the operators' handler for as long as run runs.
func withOps(ctx context.Context, address string, h http.Handler, log *slog.Logger,
	run func(context.Context) error) error {
	if address == "" {
		return run(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l, err := net.Listen("tcp", address)
	if err != nil {
		cancel() // run once, to give back what was opened
		return errors.Join(fmt.Errorf("--ops: %w", err), run(ctx))
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, MaxHeaderBytes: 16 << 10}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(serving.OpsListener(l)) }()
	log.Info("operators", "address", l.Addr().String(), "paths", "/metrics /livez /readyz")
	err = run(ctx)
	return errors.Join(err, srv.Close(), ignore(<-done, http.ErrServerClosed))
}

// ignore returns err unless it is the expected one.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

func logger(s *settings) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		return nil, fmt.Errorf("%w: --log-level %s: want debug, info, warn or error", errUsage, s.LogLevel)
	}
	opt := &slog.HandlerOptions{Level: level}
	switch s.LogFormat {
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, opt)), nil
	case "text":
		return slog.New(slog.NewTextHandler(os.Stderr, opt)), nil
	}
	return nil, fmt.Errorf("%w: --log-format %s: want json or text", errUsage, s.LogFormat)
}

// loadBundle reads a bundle and its model, and refuses it when the compiled
// predictor and an independent implementation differ.
func loadBundle(dir string) (*models.Bundle, error) {
	b, err := models.ReadBundle(dir)
	if err != nil {
		return nil, err
	}
	if b.Model, err = interchange.LoadModel(b); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	f, err := forest.Compile(b.Model)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if _, err := interchange.Gate(b.ModelText, f, nil); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return b, nil
}

// bundleLoader reads bundles from the models directory by their folder's name.
func bundleLoader(dir string) func(context.Context, string) (*models.Bundle, error) {
	return func(_ context.Context, name string) (*models.Bundle, error) {
		if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") {
			return nil, fmt.Errorf("%w: a bundle is named by its folder, with no path", models.ErrBundle)
		}
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%w: the directory of models has no such folder%s", models.ErrBundle,
				nearest.Hint(name, folders(dir)))
		}
		return loadBundle(path)
	}
}

// folders lists the names of the folders in dir, those that can be read.
func folders(dir string) (names []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

func servingConfig(s *settings, log *slog.Logger) (serving.Config, error) {
	cfg := serving.Config{
		MaxInFlight: s.MaxInFlight, MaxMessageBytes: s.MaxMessage, DrainTimeout: s.Drain, FourEyes: s.FourEyes,
		RatePerSecond: s.RatePerSecond, RateBurst: s.RateBurst, KeepPersonal: s.KeepPersonal,
		Logger:  log,
		Version: version.String(), StartedBy: node.User(),
		KeyFiles: []string{s.TLSKey, s.ChainKey, filepath.Join(s.Dir, "keys", "*")},
	}
	if s.TLSCert != "" || s.TLSKey != "" || s.TLSClientCA != "" {
		var err error
		if cfg.TLS, err = serving.ReloadingTLS(s.TLSCert, s.TLSKey, s.TLSClientCA, log); err != nil {
			return cfg, fmt.Errorf("--tls-cert, --tls-key, --tls-client-ca: %w", err)
		}
	}
	if s.Models != "" {
		if _, err := os.ReadDir(s.Models); err != nil {
			return cfg, fmt.Errorf("--models: %w: want a directory whose folders are bundles", err)
		}
		cfg.Load = bundleLoader(s.Models)
	}
	if s.Policy != "" {
		b, err := yamltext.ReadFile(s.Policy, yamltext.Policy)
		if err != nil {
			return cfg, fmt.Errorf("--policy: %w", err)
		}
		cfg.Policy = b
	}
	if s.Auth != "" {
		if err := readYAML(s.Auth, &cfg.Auth); err != nil {
			return cfg, fmt.Errorf("--auth: %w", err)
		}
		if len(cfg.Auth.Keys)+len(cfg.Auth.Certificates)+len(cfg.Auth.Issuers) == 0 {
			return cfg, fmt.Errorf("--auth: %s lists no key, certificate or issuer, so nobody could call", s.Auth)
		}
	}
	return cfg, nil
}
