// SPDX-License-Identifier: Apache-2.0

// Package deploy has tests alone: they hold the Kubernetes manifests under
// deploy/ to the API's own types, decoded as strictly as an API server does
// when fields are validated. The types are a dependency of the tools' module,
// so that they are in no program and move no version in the main go.mod.
//
// What the manifests say of the server (arguments, ports, probes, mounts) is
// tested where the server is: TestDeployKubernetes in cmd/assayd, and
// TestDeployed in cmd/assay, which starts it as the manifest does.
package deploy

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// manifests are the objects of one file, by kind.
type manifests struct {
	service *core.Service
	set     *apps.StatefulSet
	budget  *policy.PodDisruptionBudget
	network *networking.NetworkPolicy
}

// decode reads a file of manifests. A kind, a field or a value that the API
// does not have, a field given twice, and a kind given twice are errors.
func decode(text []byte) (*manifests, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{core.AddToScheme, apps.AddToScheme, policy.AddToScheme,
		networking.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme,
		json.SerializerOptions{Yaml: true, Strict: true})
	m := new(manifests)
	for i, part := range bytes.Split(text, []byte("\n---\n")) {
		o, kind, err := strict.Decode(part, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("manifest %d: %w", i+1, err)
		}
		again := false
		switch o := o.(type) {
		case *core.Service:
			again, m.service = m.service != nil, o
		case *apps.StatefulSet:
			again, m.set = m.set != nil, o
		case *policy.PodDisruptionBudget:
			again, m.budget = m.budget != nil, o
		case *networking.NetworkPolicy:
			again, m.network = m.network != nil, o
		default:
			return nil, fmt.Errorf("manifest %d: a %s, which this test knows nothing of", i+1, kind)
		}
		if again {
			return nil, fmt.Errorf("manifest %d: a second %s", i+1, kind)
		}
	}
	if m.service == nil || m.set == nil || m.budget == nil || m.network == nil {
		return nil, fmt.Errorf("want a Service, a StatefulSet, a PodDisruptionBudget and a NetworkPolicy")
	}
	return m, nil
}

// check says what of the manifests does not fit together: none of it is in the
// types, and an API server would take most of it.
func (m *manifests) check() (wrong []string) {
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	for _, o := range []meta.Object{m.service, m.set, m.budget, m.network} {
		for _, why := range validation.IsDNS1123Label(o.GetName()) {
			bad("name %q: %s", o.GetName(), why)
		}
	}
	pod := m.set.Spec.Template
	selects := func(what string, s *meta.LabelSelector) {
		selector, err := meta.LabelSelectorAsSelector(s)
		if err != nil || selector.Empty() || !selector.Matches(labels.Set(pod.Labels)) {
			bad("%s does not select the pod: %v, %v", what, s, err)
		}
	}
	selects("the Service", &meta.LabelSelector{MatchLabels: m.service.Spec.Selector})
	selects("the StatefulSet", m.set.Spec.Selector)
	selects("the PodDisruptionBudget", m.budget.Spec.Selector)
	selects("the NetworkPolicy", &m.network.Spec.PodSelector)
	if m.set.Spec.ServiceName != m.service.Name {
		bad("serviceName %q is not the Service", m.set.Spec.ServiceName)
	}

	c := pod.Spec.Containers[0]
	ports := map[string]int32{}
	for _, p := range c.Ports {
		for _, why := range validation.IsValidPortName(p.Name) {
			bad("port %q: %s", p.Name, why)
		}
		ports[p.Name] = p.ContainerPort
	}
	named := func(what string, p intstr.IntOrString) {
		if p.Type != intstr.String || ports[p.StrVal] == 0 {
			bad("%s: the container has no port named %q", what, p.String())
		}
	}
	for _, p := range m.service.Spec.Ports {
		named("the Service", p.TargetPort)
	}
	for _, rule := range m.network.Spec.Ingress {
		for _, p := range rule.Ports {
			named("the NetworkPolicy", *p.Port)
		}
	}
	for what, p := range map[string]*core.Probe{"livenessProbe": c.LivenessProbe, "readinessProbe": c.ReadinessProbe,
		"startupProbe": c.StartupProbe} {
		if p == nil || p.HTTPGet == nil {
			bad("%s: none over HTTP", what)
			continue
		}
		named(what, p.HTTPGet.Port)
	}

	volumes := map[string]bool{}
	for _, v := range pod.Spec.Volumes {
		volumes[v.Name] = true
	}
	for _, v := range m.set.Spec.VolumeClaimTemplates {
		volumes[v.Name] = true
		if want := core.ReadWriteOncePod; len(v.Spec.AccessModes) != 1 || v.Spec.AccessModes[0] != want {
			bad("claim %s: access modes %v, want %s alone: there is one writer to a log", v.Name,
				v.Spec.AccessModes, want)
		}
	}
	for _, v := range c.VolumeMounts {
		if !volumes[v.Name] {
			bad("%s is mounted from %q, which is no volume", v.MountPath, v.Name)
		}
		delete(volumes, v.Name)
	}
	for name := range volumes {
		bad("the volume %q is not mounted", name)
	}
	for name, most := range c.Resources.Limits {
		if least := c.Resources.Requests[name]; least.Cmp(most) > 0 {
			bad("%s: more is asked for (%s) than is allowed (%s)", name, least.String(), most.String())
		}
	}
	return wrong
}

func read(t *testing.T) []byte {
	t.Helper()
	paths, err := filepath.Glob("../../deploy/kubernetes/*")
	if err != nil || len(paths) != 1 {
		t.Fatalf("files %v, %v: this test reads one", paths, err)
	}
	b, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestManifests(t *testing.T) {
	text := read(t)
	m, err := decode(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range m.check() {
		t.Error(wrong)
	}
	// The commands in the comment make what the pod is given.
	made := map[string]bool{}
	for _, c := range regexp.MustCompile(`(?m)^#   kubectl create (configmap|secret tls) (\S+) `).
		FindAllStringSubmatch(string(text), -1) {
		made[strings.TrimSuffix(c[1], " tls")+" "+c[2]] = true
	}
	for _, v := range m.set.Spec.Template.Spec.Volumes {
		name := ""
		switch {
		case v.ConfigMap != nil:
			name = "configmap " + v.ConfigMap.Name
		case v.Secret != nil:
			name = "secret " + v.Secret.SecretName
		default:
			continue
		}
		if !made[name] {
			t.Errorf("the commands do not make the %s", name)
		}
		delete(made, name)
	}
	for name := range made {
		t.Errorf("the commands make the %s, which no volume takes", name)
	}
}

// TestManifestsCanFail breaks the manifests in one place each.
func TestManifestsCanFail(t *testing.T) {
	text := string(read(t))
	for _, tt := range []struct{ from, to string }{
		{"replicas: 1", "replica: 1"},
		{"replicas: 1", "replicas: one"},
		{"replicas: 1", "replicas: 1\n  replicas: 2"},
		{"apiVersion: policy/v1", "apiVersion: policy/v1beta1"},
		{"failureThreshold: 300", "failureTreshold: 300"},
		{"maxUnavailable: 0", "maxUnavailable: [0]"},
		{"{memory: 2Gi}", "{memory: 2Go}"},
		{"{memory: 2Gi}", "{memory: 256Mi}"},
		{"labels: {app: assayd}", "labels: {app: assay}"},
		{"serviceName: assayd", "serviceName: assay"},
		{"name: ops, containerPort", "name: operators, containerPort"},
		{"targetPort: grpc", "targetPort: rpc"},
		{"[{port: grpc}]", "[{port: rpc}]"},
		{"[ReadWriteOncePod]", "[ReadWriteMany]"},
		{"{name: tls, mountPath", "{name: certs, mountPath"},
		{"  name: assayd\nspec:\n  selector:", "  name: Assayd\nspec:\n  selector:"},
	} {
		broken := strings.Replace(text, tt.from, tt.to, 1)
		if broken == text {
			t.Errorf("the manifests have no %q to break", tt.from)
			continue
		}
		m, err := decode([]byte(broken))
		if err == nil && len(m.check()) == 0 {
			t.Errorf("%q in the place of %q is taken", tt.to, tt.from)
		}
	}
}
