// SPDX-License-Identifier: Apache-2.0

// Package archive keeps a journal's old record files elsewhere: in an S3-compatible store, or in a folder. It stores
// and reads objects, and removes them with every version; what is in them, and whether it is genuine, is for package
// recordfile.
package archive

import (
	"fmt"
	"strings"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
)

// Open opens the archive that c describes. It does not ask whether it can be reached.
func Open(c Config) (recordfile.Archive, error) {
	switch {
	case c.Folder != "" && c != Config{Folder: c.Folder}:
		return nil, fmt.Errorf("archive: a folder takes no other setting: %w", assay.ErrInvalid)
	case c.Folder != "":
		return openFolder(c.Folder)
	}
	return openBucket(c)
}

// Config describes an archive: a folder, or a bucket of an S3-compatible store.
type Config struct {
	Folder string `yaml:"folder"` // such as one of a mounted file system

	Endpoint    string `yaml:"endpoint"`    // URL of the store, as https://s3.eu-central-1.amazonaws.com
	Bucket      string `yaml:"bucket"`      // must exist
	Prefix      string `yaml:"prefix"`      // of the objects' names
	Region      string `yaml:"region"`      // "": the store is asked
	Credentials string `yaml:"credentials"` // file as of AWS (INI); "": AWS_... variables, else the machine's own role
	Profile     string `yaml:"profile"`     // in that file; "": default
	CA          string `yaml:"ca"`          // PEM file of the authority that signed the store's certificate; "": the system's
	Timeout     string `yaml:"timeout"`     // of one read or removal, as in 30s; "": one minute. Storing takes ten times as long
}

// checkName refuses names that could leave the archive's folder or prefix.
func checkName(name string) error {
	if name == "" || strings.HasPrefix(name, ".") || strings.ContainsAny(name, "/\\") {
		return fmt.Errorf("archive: %q is not the name of an object: %w", name, assay.ErrInvalid)
	}
	return nil
}
