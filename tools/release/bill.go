// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/assayrisk/assay/tools/licence"
)

// document is an SPDX 2.3 list of what a program is made of. It is made from
// the program's own build information, so that it cannot name what is not in
// it, and holds no time and no random name: the same program has the same list.
type document struct {
	Version       string         `json:"spdxVersion"`
	Data          string         `json:"dataLicense"`
	ID            string         `json:"SPDXID"`
	Name          string         `json:"name"`
	Namespace     string         `json:"documentNamespace"`
	Creation      creation       `json:"creationInfo"`
	Packages      []spdxPackage  `json:"packages"`
	Relationships []relationship `json:"relationships"`
}

type creation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	ID        string      `json:"SPDXID"`
	Name      string      `json:"name"`
	Version   string      `json:"versionInfo"`
	Download  string      `json:"downloadLocation"`
	Analyzed  bool        `json:"filesAnalyzed"`
	Concluded string      `json:"licenseConcluded"`
	Declared  string      `json:"licenseDeclared"`
	Copyright string      `json:"copyrightText"`
	Checksums []checksum  `json:"checksums,omitempty"`
	Refs      []reference `json:"externalRefs,omitempty"`
}

type checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type reference struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type relationship struct {
	From string `json:"spdxElementId"`
	Kind string `json:"relationshipType"`
	To   string `json:"relatedSpdxElement"`
}

// billOfMaterials lists what the program at path links.
func billOfMaterials(path string) ([]byte, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(program)
	name := filepath.Base(path)
	d := document{
		Version: "SPDX-2.3", Data: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: name,
		Namespace: "https://assay.invalid/spdx/" + name + "-" + hex.EncodeToString(sum[:16]),
		// SPDX asks for a time; a fixed one keeps two lists of one program equal.
		Creation: creation{"1970-01-01T00:00:00Z", []string{"Tool: github.com/assayrisk/assay/tools/release"}},
	}
	root := spdxPackage{ID: "SPDXRef-program", Name: name, Version: info.Main.Version, Download: "NOASSERTION",
		Concluded: "Apache-2.0", Declared: "Apache-2.0", Copyright: "NOASSERTION",
		Checksums: []checksum{{"SHA256", hex.EncodeToString(sum[:])}}}
	d.Packages = append(d.Packages, root)
	d.Relationships = append(d.Relationships, relationship{d.ID, "DESCRIBES", root.ID})
	standard := spdxPackage{ID: "SPDXRef-go", Name: "std", Version: info.GoVersion, Download: "https://go.dev/dl/",
		Concluded: "BSD-3-Clause", Declared: "BSD-3-Clause",
		Copyright: "NOASSERTION",
		Refs: []reference{{"PACKAGE-MANAGER", "purl",
			"pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go")}}}
	d.Packages = append(d.Packages, standard)
	d.Relationships = append(d.Relationships, relationship{root.ID, "STATIC_LINK", standard.ID})
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		p, err := packageOf(m)
		if err != nil {
			return nil, err
		}
		d.Packages = append(d.Packages, p)
		d.Relationships = append(d.Relationships, relationship{root.ID, "STATIC_LINK", p.ID})
	}
	b, err := json.MarshalIndent(d, "", " ")
	return append(b, '\n'), err
}

var notID = regexp.MustCompile(`[^A-Za-z0-9.-]+`)

// packageOf describes one module. Its checksum is Go's own, of the module's file tree.
func packageOf(m *debug.Module) (spdxPackage, error) {
	out, err := exec.Command("go", "mod", "download", "-json", m.Path+"@"+m.Version).Output()
	if err != nil {
		return spdxPackage{}, fmt.Errorf("%s %s: %w", m.Path, m.Version, err)
	}
	var at struct{ Dir string }
	if err := json.Unmarshal(out, &at); err != nil {
		return spdxPackage{}, err
	}
	id, err := licence.Of(m.Path, at.Dir)
	if err != nil {
		return spdxPackage{}, fmt.Errorf("%s %s: %w", m.Path, m.Version, err)
	}
	p := spdxPackage{ID: "SPDXRef-" + notID.ReplaceAllString(m.Path, "-"), Name: m.Path, Version: m.Version,
		Download:  "https://" + m.Path,
		Concluded: id, Declared: id, Copyright: "NOASSERTION",
		Refs: []reference{{"PACKAGE-MANAGER", "purl", "pkg:golang/" + m.Path + "@" + m.Version}}}
	if tree, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil &&
		len(tree) == sha256.Size {
		p.Checksums = []checksum{{"SHA256", hex.EncodeToString(tree)}}
	}
	return p, nil
}
