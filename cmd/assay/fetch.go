// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets"
)

type fetchFlags struct {
	url, sha256, dir string
}

func fetchCommand(u *ui) *cobra.Command {
	var f fetchFlags
	c := &cobra.Command{
		Use:   "fetch NAME",
		Short: "Put a data set on disk: a known one, or any file that a SHA-256 pins",
		Long: "Fetch writes a data set that this program knows to a file. With --url and --sha256 it\n" +
			"downloads any other, under a name of your own; connection errors and answers 429 and 5xx\n" +
			"are tried again, and bytes with another digest are never kept. It prints the file's path,\n" +
			"which --data takes.",
		Example: "  assay data fetch credit_data --dir .\n" +
			"  assay data fetch german --url https://example.org/german.csv --sha256 2c76...ef7e",
		Args: oneArg("the data set's name"),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c.Context(), u, args[0]) },
	}
	c.Flags().StringVar(&f.url, "url", "", "where the file is, http or https")
	c.Flags().StringVar(&f.sha256, "sha256", "", "digest that the file must have, 64 hexadecimal digits")
	c.Flags().StringVar(&f.dir, "dir", "", "directory to put it in (default: assay in the user's cache directory)")
	return c
}

func (f *fetchFlags) run(ctx context.Context, u *ui, name string) error {
	info, known := datasets.Info{Name: name, URL: f.url}, false
	for _, s := range datasets.List() {
		if s.Name == name {
			info, known = s, true
		}
	}
	switch {
	case known && f.url+f.sha256 != "":
		return usagef("%s is known, with its digest: leave out --url and --sha256", name)
	case !known && (f.url == "" || f.sha256 == ""):
		return usagef("%s is not a known set (assay data list): give --url and --sha256, the digest that its "+
			"publisher states", name)
	case !known:
		var err error
		if info.SHA256, err = assay.ParseDigest(f.sha256); err != nil {
			return usagef("--sha256: %v", err)
		}
	}
	u.Step("fetch %s", name)
	path, err := datasets.Fetch(ctx, info, datasets.FetchOptions{Dir: f.dir, Progress: func(got, all int64) {
		if all > 0 {
			u.Progress("%d of %d KiB", got>>10, all>>10)
		} else {
			u.Progress("%d KiB", got>>10)
		}
	}})
	if err != nil {
		return err
	}
	u.Done("SHA-256 %s", info.SHA256)
	u.printf("%s\n", path)
	return nil
}
