// SPDX-License-Identifier: Apache-2.0

// Assay is the toolbox: it trains a credit model, evaluates it, serves it with
// every decision anchored, and verifies receipts. `assay demo` does all of it
// on real data in one command; `assay help` lists the rest.
//
// Exit status: 0 done, 1 failed, 2 the command line was wrong.
//
// # Map
//
// A command is a file: its flags, a method run that wires packages together, and
// what it prints. No logic lies here that another program would want to call:
//
//	train, score, features, import, export, evaluate   training and the packages below it
//	up, record                                         cmd/internal/node, serving/assayclient
//	verify                                             ledger/verdict
//	audit, ledger                                      serving/audit, ledger/journal
//	chain, devchain                                    ledger/anchor/evm, ledger/anchor/devchain
//	data                                               datasets, datasets/scf
//
// main.go makes the root command and exits; ui.go prints results and progress;
// tableflags.go has the flags of every command that reads a table. train.go and
// score.go are one command each; features.go has --report in featuresreport.go;
// import.go is import and export. bundlefiles.go looks after policies and plans
// next to a bundle. evaluate.go has the flags and files of a report, evaluation.go
// gathers what it is made from, served.go asks a server for its scores,
// reportrecord.go records its digest in a log and checks it, and ablate.go prints
// the stages of a plan in its place.
//
// demo.go trains and starts a server; demosteps.go is what a platform, an auditor
// and a forger then do (the forgeries are cmd/internal/forgery); demosummary.go
// prints it. The command lines are tested by testdata/script.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/assayrisk/assay/internal/nearest"
	"github.com/assayrisk/assay/internal/version"
	"github.com/assayrisk/assay/training"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// usageError marks an error that the command line is to blame for.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// run executes one command line and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	ui := newUI(stdout, stderr)
	root := newRoot(ui)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	ui.finish()
	if err == nil {
		err = ui.writeErr
	}
	var usage usageError
	var option *training.OptionError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage), errors.As(err, &option):
		fmt.Fprintf(stderr, "assay: %v\n", err)
		return 2
	default:
		fmt.Fprintf(stderr, "assay: %v\n", err)
		return 1
	}
}

func newRoot(ui *ui) *cobra.Command {
	var root *cobra.Command
	root = &cobra.Command{
		Use:   "assay",
		Short: "Train credit models, score transactions, and prove each decision",
		Long: "Assay tests a transaction and stamps the result: it trains gradient-boosted credit\nmodels, " +
			"scores over gRPC, and anchors every decision so that its receipt verifies offline.",
		Version:       version.String(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(root, args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{
		Use:   "help [command]",
		Short: "Help about any command",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(root, strings.Join(args, " "))
			}
			c.InitDefaultHelpFlag()
			c.InitDefaultVersionFlag()
			return c.Help()
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) (names []string,
			_ cobra.ShellCompDirective) {
			c, _, err := root.Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			for _, sub := range c.Commands() {
				if sub.IsAvailableCommand() {
					names = append(names, sub.Name()+"\t"+sub.Short)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	})
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%v%s; `%s --help` lists the flags", err, nearest.FlagHint(err.Error(), flagNames(c)),
			c.CommandPath())
	})
	for _, c := range []*cobra.Command{
		demoCommand(ui), upCommand(ui), dataCommand(ui), trainCommand(ui), featuresCommand(ui),
		scoreCommand(ui), recordCommand(ui),
		evaluateCommand(ui), importCommand(ui), exportCommand(ui), verifyCommand(ui), auditCommand(ui),
		ledgerCommand(ui), chainCommand(ui), devchainCommand(ui),
	} {
		root.AddCommand(c)
	}
	return root
}

// unknownCommand says that there is no such command, and which was meant.
func unknownCommand(root *cobra.Command, name string) error {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return usagef("there is no command %q%s; `assay help` lists them", name, nearest.Hint(name, names))
}

// noArgs and oneArg are cobra.NoArgs and ExactArgs(1) with errors that say
// what to do and give exit status 2.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no argument, got %q", c.CommandPath(), args[0])
	}
	return nil
}

func oneArg(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("%s takes one argument, %s; got %d", c.CommandPath(), what, len(args))
		}
		return nil
	}
}

// requireFlags marks flags that a command cannot do without.
func requireFlags(c *cobra.Command, names ...string) error {
	for _, n := range names {
		if f := c.Flags().Lookup(n); f.Value.String() == "" {
			return usagef("%s needs --%s (%s)", c.CommandPath(), n, f.Usage)
		}
	}
	return nil
}

func flagNames(c *cobra.Command) (names []string) {
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}
