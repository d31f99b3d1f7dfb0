// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/pflag"

	"github.com/assayrisk/assay/serving/auth"
)

func deployFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// taken parses arguments and ASSAY_ variables as the program does.
func taken(t *testing.T, args []string, env map[string]string) *settings {
	t.Helper()
	fs := pflag.NewFlagSet("assayd", pflag.ContinueOnError)
	new(settings).flags(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	known := map[string]bool{}
	_ = new(settings).each(func(x setting) error {
		known["ASSAY_"+strings.ToUpper(strings.ReplaceAll(x.key, "-", "_"))] = true
		return nil
	})
	for k := range env {
		if strings.HasPrefix(k, "ASSAY_") && !known[k] {
			t.Errorf("%s is no setting", k)
		}
	}
	s, err := load("", func(k string) (string, bool) { v, ok := env[k]; return v, ok }, fs)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDeployConfig: the example files are what the program takes.
func TestDeployConfig(t *testing.T) {
	var s settings
	if err := readYAML(filepath.Join("..", "..", "deploy", "assayd.yaml"), &s); err != nil {
		t.Error(err)
	}
	if s.Bundle == "" || s.Auth == "" || s.Dir == "" {
		t.Errorf("deploy/assayd.yaml: %+v: a bundle, auth and a directory are needed", s)
	}
	var a auth.Config
	if err := readYAML(filepath.Join("..", "..", "deploy", "auth.yaml"), &a); err != nil {
		t.Error(err)
	}
	a.Issuers = nil // they are fetched
	if _, err := auth.New(a); err == nil {
		t.Error("deploy/auth.yaml is taken with the key that everybody can read there")
	}
	a.Keys[0].SHA256 = strings.Repeat("1f", 32)
	if _, err := auth.New(a); err != nil {
		t.Errorf("deploy/auth.yaml, with a key: %v", err)
	}
}

// TestDeployDocker: the image's variables are settings, its ports are the ones
// listened on, and it runs as nobody special.
func TestDeployDocker(t *testing.T) {
	file := string(deployFile(t, "Dockerfile"))
	env := map[string]string{}
	for _, l := range regexp.MustCompile(`(?m)^ENV (.*)$`).FindAllStringSubmatch(file, -1) {
		for _, kv := range strings.Fields(l[1]) {
			k, v, _ := strings.Cut(kv, "=")
			env[k] = v
		}
	}
	args := regexp.MustCompile(`assayd (--auth .*)`).FindStringSubmatch(file)
	if args == nil {
		t.Fatal("the Dockerfile shows no command")
	}
	s := taken(t, strings.Fields(args[1]), env)
	for _, want := range []string{"VOLUME " + s.Dir, "EXPOSE" + port(t, s.Listen) + port(t, s.Ops), "USER nonroot",
		":nonroot\n", "./cmd/assayd", `ENTRYPOINT ["/usr/local/bin/assayd"]`} {
		if !strings.Contains(file, want) {
			t.Errorf("the Dockerfile has no %q", want)
		}
	}
}

func port(t *testing.T, address string) string {
	t.Helper()
	i := strings.LastIndex(address, ":")
	if i < 0 {
		t.Fatalf("%q has no port", address)
	}
	return " " + address[i+1:]
}

// TestDeploySystemd: the unit's command is taken, its state directory is the
// one that the configuration writes to, and it waits for the drain.
func TestDeploySystemd(t *testing.T) {
	unit := map[string]string{}
	for _, l := range strings.Split(string(deployFile(t, "systemd/assayd.service")), "\n") {
		if k, v, ok := strings.Cut(l, "="); ok && !strings.HasPrefix(l, "#") {
			unit[k] = v
		}
	}
	f := strings.Fields(unit["ExecStart"])
	if len(f) != 3 || f[1] != "--config" || f[2] != "/etc/assay/assayd.yaml" {
		t.Fatalf("ExecStart=%s", unit["ExecStart"])
	}
	if command().Flags().Lookup("config") == nil {
		t.Error("there is no flag --config")
	}
	s, err := defaults()
	if err != nil {
		t.Fatal(err)
	}
	if err := readYAML(filepath.Join("..", "..", "deploy", "assayd.yaml"), s); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{s.Dir, s.Models, s.Bundle} {
		if !strings.HasPrefix(dir, "/var/lib/"+unit["StateDirectory"]+"/") {
			t.Errorf("%s lies outside of the unit's StateDirectory %s", dir, unit["StateDirectory"])
		}
	}
	stop, err := time.ParseDuration(unit["TimeoutStopSec"] + "s")
	if err != nil || stop < s.Drain+15*time.Second {
		t.Errorf("TimeoutStopSec %v, %v: less than the drain (%v) and the last anchor (15 s)", stop, err, s.Drain)
	}
}

// TestDeploySystemdVerify asks systemd itself. It warns of a key or a value
// that it does not know and goes on, so that nothing at all may be said. The
// program that the unit starts is this test's, since none is installed.
func TestDeploySystemdVerify(t *testing.T) {
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not at hand (Debian: systemd): the unit is not verified")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text := string(deployFile(t, "systemd/assayd.service"))
	said := func(text string) string {
		path := filepath.Join(t.TempDir(), "assayd.service")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(verify, "verify", "--man=no", path).CombinedOutput()
		if err != nil {
			return fmt.Sprintf("%v\n%s", err, out)
		}
		return string(out)
	}
	text = strings.Replace(text, "ExecStart=/usr/local/bin/assayd ", "ExecStart="+self+" ", 1)
	if out := said(text); out != "" {
		t.Error(out)
	}
	for _, wrong := range [][2]string{{"UMask=", "UMasks="}, {"ProtectHome=yes", "ProtectHome=perhaps"},
		{self, "/nowhere/assayd"}} {
		if said(strings.Replace(text, wrong[0], wrong[1], 1)) == "" {
			t.Errorf("systemd-analyze says nothing of %s", wrong[1])
		}
	}
}

// TestDeployKubernetes: the manifest's arguments are taken; ports, probes,
// mounts and the time to stop agree with them; there is one writer.
func TestDeployKubernetes(t *testing.T) {
	type object struct {
		Kind string
		Spec struct {
			Replicas int
			Template struct {
				Spec struct {
					Grace      int `yaml:"terminationGracePeriodSeconds"`
					Containers []struct {
						Args  []string
						Ports []struct {
							Name string
							Port int `yaml:"containerPort"`
						}
						Liveness  probe `yaml:"livenessProbe"`
						Readiness probe `yaml:"readinessProbe"`
						Startup   probe `yaml:"startupProbe"`
						Resources struct{ Limits map[string]string }
						Mounts    []struct {
							Path string `yaml:"mountPath"`
						} `yaml:"volumeMounts"`
					}
				}
			}
		}
	}
	kinds, seen := map[string]int{}, false
	for d := yaml.NewDecoder(bytes.NewReader(deployFile(t, "kubernetes/assayd.yaml"))); ; {
		var o object
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		kinds[o.Kind]++
		if o.Kind != "StatefulSet" {
			continue
		}
		seen = true
		c := o.Spec.Template.Spec.Containers[0]
		s := taken(t, c.Args, nil)
		if o.Spec.Replicas != 1 {
			t.Errorf("%d replicas: there is one writer to a log", o.Spec.Replicas)
		}
		if grace := time.Duration(o.Spec.Template.Spec.Grace) * time.Second; grace < s.Drain+15*time.Second {
			t.Errorf("terminationGracePeriodSeconds %v: less than the drain (%v) and the last anchor (15 s)", grace,
				s.Drain)
		}
		for i, address := range []string{s.Listen, s.Ops} {
			if want := []string{"grpc", "ops"}[i]; c.Ports[i].Name != want ||
				" "+strconv.Itoa(c.Ports[i].Port) != port(t, address) {
				t.Errorf("port %d is %+v, want %s at %s", i, c.Ports[i], want, address)
			}
		}
		for _, p := range []struct {
			probe
			path string
		}{{c.Liveness, "/livez"}, {c.Readiness, "/readyz"}, {c.Startup, "/readyz"}} {
			if p.Get.Path != p.path || p.Get.Port != "ops" {
				t.Errorf("probe %+v, want %s of ops", p.probe, p.path)
			}
		}
		for _, path := range []string{s.Dir, s.Bundle, s.Models, s.Auth, s.TLSCert, s.TLSKey} {
			mounted := false
			for _, m := range c.Mounts {
				mounted = mounted || path == m.Path || strings.HasPrefix(path, m.Path+"/")
			}
			if path == "" || !mounted {
				t.Errorf("%q is on no volume", path)
			}
		}
		if c.Resources.Limits["memory"] == "" {
			t.Error("memory is not limited")
		}
	}
	if !seen || kinds["Service"] != 1 || kinds["NetworkPolicy"] != 1 {
		t.Errorf("objects %v, want a StatefulSet, a Service and a NetworkPolicy", kinds)
	}
}

// probe is a Kubernetes probe over HTTP.
type probe struct {
	Get struct{ Path, Port string } `yaml:"httpGet"`
}
