// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/assayclient"
)

// TestDeployed starts assayd as the Kubernetes manifest and as the systemd unit
// do, with their arguments, files and ports, and holds it to what they say: the
// probes and the scraped path answer, a caller with a key gets a decision, one
// without gets none, and the server stops within its time.
func TestDeployed(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin, "../assayd").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	bundle := smallBundle(t)
	for name, d := range map[string]*deployed{"kubernetes": fromManifest(t), "systemd": fromUnit(t)} {
		t.Run(name, func(t *testing.T) { d.run(t, filepath.Join(bin, "assayd"), bundle) })
	}
}

// deployed is a server as something under deploy/ starts it. Its paths are
// moved below a directory of the test, and its ports are free ones of this machine.
type deployed struct {
	args, env []string
	config    string   // the text at the path after --config, "" for none
	gets      []string // what must answer with 200: ":7401/readyz"
	stop      time.Duration
}

func readDeploy(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// probe is a Kubernetes probe over HTTP.
type probe struct {
	Get struct{ Path, Port string } `yaml:"httpGet"`
}

// fromManifest reads the StatefulSet: the container's arguments and variables,
// its probes, and what Prometheus is told to scrape.
func fromManifest(t *testing.T) *deployed {
	t.Helper()
	var o struct {
		Kind string
		Spec struct {
			Template struct {
				Metadata struct{ Annotations map[string]string }
				Spec     struct {
					Grace      int `yaml:"terminationGracePeriodSeconds"`
					Containers []struct {
						Args  []string
						Env   []struct{ Name, Value string }
						Ports []struct {
							Name string
							Port int `yaml:"containerPort"`
						}
						Liveness  probe `yaml:"livenessProbe"`
						Readiness probe `yaml:"readinessProbe"`
						Startup   probe `yaml:"startupProbe"`
					}
				}
			}
		}
	}
	for d := yaml.NewDecoder(strings.NewReader(readDeploy(t, "kubernetes/assayd.yaml"))); o.Kind != "StatefulSet"; {
		if err := d.Decode(&o); err != nil {
			t.Fatalf("no StatefulSet: %v", err)
		}
	}
	pod := o.Spec.Template
	c := pod.Spec.Containers[0]
	d := &deployed{args: c.Args, stop: time.Duration(pod.Spec.Grace) * time.Second}
	for _, e := range c.Env {
		d.env = append(d.env, e.Name+"="+e.Value)
	}
	named := map[string]int{}
	for _, p := range c.Ports {
		named[p.Name] = p.Port
	}
	for _, p := range []probe{c.Startup, c.Liveness, c.Readiness} {
		d.gets = append(d.gets, fmt.Sprintf(":%d%s", named[p.Get.Port], p.Get.Path))
	}
	a := pod.Metadata.Annotations
	d.gets = append(d.gets, ":"+a["prometheus.io/port"]+a["prometheus.io/path"])
	return d
}

// fromUnit reads the unit's command; its configuration is deploy/assayd.yaml.
func fromUnit(t *testing.T) *deployed {
	t.Helper()
	unit := readDeploy(t, "systemd/assayd.service")
	value := func(key string) string {
		m := regexp.MustCompile(`(?m)^` + key + `=(.*)$`).FindStringSubmatch(unit)
		if m == nil {
			t.Fatalf("the unit has no %s", key)
		}
		return m[1]
	}
	stop, err := time.ParseDuration(value("TimeoutStopSec") + "s")
	if err != nil {
		t.Fatal(err)
	}
	return &deployed{
		args:   strings.Fields(value("ExecStart"))[1:],
		config: readDeploy(t, "assayd.yaml"),
		gets:   []string{":7401/readyz", ":7401/livez", ":7401/metrics"},
		stop:   stop,
	}
}

// setting returns the value of a setting, from the arguments or the
// configuration.
func (d *deployed) setting(key string) string {
	m := regexp.MustCompile(`(?m)^(?:--)?` + key + `(?:=|: )(\S+)$`).FindStringSubmatch(strings.Join(d.args, "\n") +
		"\n" + d.config)
	if m == nil {
		return ""
	}
	return m[1]
}

var (
	absolute = regexp.MustCompile(`(?m)(^|[= ])/`)
	address  = regexp.MustCompile(`(?:127\.0\.0\.1)?:([0-9]{4})\b`)
)

// move puts paths below root and ports on free ones of loopback.
func (d *deployed) move(t *testing.T, root string) {
	t.Helper()
	ports := map[string]string{}
	moved := func(text string) string {
		text = absolute.ReplaceAllString(text, "${1}"+root+"/")
		return address.ReplaceAllStringFunc(text, func(a string) string {
			a = a[strings.LastIndex(a, ":"):]
			if ports[a] == "" {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				ports[a] = l.Addr().String()
			}
			return ports[a]
		})
	}
	for _, list := range [][]string{d.args, d.gets} {
		for i := range list {
			list[i] = moved(list[i])
		}
	}
	d.config = moved(d.config)
}

const apiKey = "0123456789abcdef0123456789abcdef"

// put writes the files that the settings name.
func (d *deployed) put(t *testing.T, bundle string) *tls.Config {
	t.Helper()
	write := func(path string, text []byte) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if d.config != "" {
		write(d.args[len(d.args)-1], []byte(d.config))
	}
	sum := sha256.Sum256([]byte(apiKey))
	write(d.setting("auth"),
		[]byte("keys: [{name: platform, sha256: "+hex.EncodeToString(sum[:])+", roles: [score]}]\n"))
	if err := os.MkdirAll(filepath.Dir(d.setting("bundle")), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(d.setting("bundle"), os.DirFS(bundle)); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(d.setting("dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	if d.setting("tls-cert") == "" {
		return nil
	}
	// A server of the standard library's tests has a certificate for loopback.
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	c := s.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write(d.setting("tls-cert"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}))
	write(d.setting("tls-key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{RootCAs: pool}
}

func (d *deployed) run(t *testing.T, program, bundle string) {
	root := t.TempDir()
	d.move(t, root)
	secure := d.put(t, bundle)
	out := new(lockedBuffer)
	c := exec.Command(program, d.args...)
	c.Dir, c.Env, c.Stdout, c.Stderr = root, append(os.Environ(), d.env...), out, out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	defer func() { _ = c.Process.Kill() }()

	deadline := time.Now().Add(time.Minute)
	for !answers(d.gets[0]) {
		select {
		case err := <-ended:
			t.Fatalf("%v\n%s", err, out)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not answer:\n%s", d.gets[0], out)
		}
	}
	for _, get := range d.gets {
		if !answers(get) {
			t.Errorf("%s does not answer with 200", get)
		}
	}
	for _, caller := range []struct {
		key string
		ok  bool
	}{{apiKey, true}, {"", false}} {
		client, err := assayclient.Dial(d.setting("listen"),
			assayclient.Config{APIKey: caller.key, TLS: secure, Attempts: 1})
		if err != nil {
			t.Fatal(err)
		}
		number := func(name string, x float64) assay.Field {
			return assay.Field{Name: name, Value: assay.NumberValue(x)}
		}
		_, err = client.Score(t.Context(), "loan", &assay.Event{ID: "loan", Kind: "application", Time: time.Now(),
			Fields: []assay.Field{number("Amount", 1200), number("Price", 1500), number("Time", 36),
				number("Expenses", 60),
				number("Age", 40), number("Seniority", 5), {Name: "Records", Value: assay.TextValue("no")}}})
		if (err == nil) != caller.ok {
			t.Errorf("key %q: %v", caller.key, err)
		}
		_ = client.Close()
	}

	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it stopped with %v\n%s", err, out)
		}
	case <-time.After(d.stop):
		t.Errorf("it does not stop within %v:\n%s", d.stop, out)
	}
}

// answers reports whether an address answers with 200 and says something.
func answers(get string) bool {
	r, err := http.Get("http://" + get)
	if err != nil {
		return false
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	return err == nil && r.StatusCode == http.StatusOK && len(bytes.TrimSpace(b)) > 0
}
