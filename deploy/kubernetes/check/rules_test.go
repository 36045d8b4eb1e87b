package check

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/apps"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/networking"
	"k8s.io/kubernetes/pkg/apis/policy"
	"k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"
)

// A cluster is what the manifests make.
type cluster struct {
	deployment apps.Deployment
	config     core.ConfigMap
	service    core.Service
	account    core.ServiceAccount
	network    networking.NetworkPolicy
	budget     policy.PodDisruptionBudget
}

func apply(t *testing.T) (c cluster) {
	t.Helper()
	for _, document := range build(t) {
		object, err := accept(document)
		if err != nil {
			t.Fatal(err)
		}
		switch o := object.(type) {
		case *apps.Deployment:
			c.deployment = *o
		case *core.ConfigMap:
			c.config = *o
		case *core.Service:
			c.service = *o
		case *core.ServiceAccount:
			c.account = *o
		case *networking.NetworkPolicy:
			c.network = *o
		case *policy.PodDisruptionBudget:
			c.budget = *o
		}
	}
	return c
}

func (c cluster) pod() core.PodTemplateSpec { return c.deployment.Spec.Template }

func (c cluster) container() core.Container { return c.pod().Spec.Containers[0] }

// Whatever selects pods selects ours, and does not select every pod there is.
func TestSelectors(t *testing.T) {
	c := apply(t)
	selectors := map[string]*metav1.LabelSelector{
		"Service":             {MatchLabels: c.service.Spec.Selector},
		"PodDisruptionBudget": c.budget.Spec.Selector,
		"NetworkPolicy":       &c.network.Spec.PodSelector,
	}
	for _, spread := range c.pod().Spec.TopologySpreadConstraints {
		selectors[spread.TopologyKey] = spread.LabelSelector
	}
	for name, selector := range selectors {
		s, err := metav1.LabelSelectorAsSelector(selector)
		if err != nil || s.Empty() || !s.Matches(labels.Set(c.pod().Labels)) {
			t.Errorf("%s: %s, %v; want a selector that matches %v", name, s, err, c.pod().Labels)
		}
	}
}

// Ports are named by what the Corefile has on them, and every name that is used
// is one of them.
func TestPorts(t *testing.T) {
	c := apply(t)
	corefile := c.config.Data["Corefile"]
	want := map[string]string{"dns-udp": "53/UDP", "dns-tcp": "53/TCP"}
	for name, property := range map[string]string{"health": "health", "ready": "ready", "metrics": "prometheus"} {
		want[name] = listener(t, corefile, property) + "/TCP"
	}
	for _, port := range c.container().Ports {
		if got := fmt.Sprintf("%d/%s", port.ContainerPort, port.Protocol); got != want[port.Name] {
			t.Errorf("port %s = %s; want %s", port.Name, got, want[port.Name])
		}
		delete(want, port.Name)
	}
	for name := range want {
		t.Errorf("no port %s", name)
	}
	for _, port := range c.service.Spec.Ports {
		c.has(t, port.TargetPort.StrVal, port.Protocol)
	}
	for _, rule := range c.network.Spec.Ingress {
		for _, port := range rule.Ports {
			c.has(t, port.Port.StrVal, *port.Protocol)
		}
	}
}

// listener returns the port of a plugin such as `ready :8181`.
func listener(t *testing.T, corefile, plugin string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^\s+` + plugin + ` :(\d+)`).FindStringSubmatch(corefile)
	if m == nil {
		t.Fatalf("the Corefile has no %s", plugin)
	}
	return m[1]
}

func (c cluster) has(t *testing.T, name string, protocol core.Protocol) {
	t.Helper()
	for _, port := range c.container().Ports {
		if port.Name == name && port.Protocol == protocol {
			return
		}
	}
	t.Errorf("the container has no port %q over %s", name, protocol)
}

func TestProbes(t *testing.T) {
	c := apply(t)
	for name, probe := range map[string]*core.Probe{"health": c.container().LivenessProbe, "ready": c.container().ReadinessProbe} {
		if get := probe.HTTPGet; get == nil || get.Path != "/"+name || get.Port.StrVal != name {
			t.Errorf("probe %s = %+v", name, probe)
		}
	}
}

// A pod that leaves answers for the time of lameduck, and is not killed in it.
func TestLeavesInPeace(t *testing.T) {
	c := apply(t)
	m := regexp.MustCompile(`(?m)^\s+lameduck (\S+)`).FindStringSubmatch(c.config.Data["Corefile"])
	if m == nil {
		t.Fatal("the Corefile has no lameduck")
	}
	lameduck, err := time.ParseDuration(m[1])
	grace := time.Duration(*c.pod().Spec.TerminationGracePeriodSeconds) * time.Second
	if err != nil || lameduck < 5*time.Second || grace < lameduck+10*time.Second {
		t.Errorf("lameduck %s, %v, killed after %s", m[1], err, grace)
	}
	if c.deployment.Spec.Replicas <= c.budget.Spec.MaxUnavailable.IntVal {
		t.Errorf("%d pods, of which %s may be missing", c.deployment.Spec.Replicas, c.budget.Spec.MaxUnavailable)
	}
}

// The Corefile is where the server looks for it, and the one folder that the
// server writes to can be written.
func TestVolumes(t *testing.T) {
	c := apply(t)
	sources := map[string]core.VolumeSource{}
	for _, volume := range c.pod().Spec.Volumes {
		sources[volume.Name] = volume.VolumeSource
	}
	mounts := map[string]core.VolumeMount{}
	for _, mount := range c.container().VolumeMounts {
		mounts[mount.MountPath] = mount
	}
	args := c.container().Args
	config := sources[mounts[filepath.Dir(args[1])].Name].ConfigMap
	if args[0] != "-conf" || filepath.Base(args[1]) != "Corefile" || config == nil || config.Name != c.config.Name {
		t.Errorf("%v: no volume has it, %+v", args, config)
	}
	state := regexp.MustCompile(`(?m)^\s+state (\S+)`).FindStringSubmatch(c.config.Data["Corefile"])
	folder := mounts[filepath.Dir(state[1])]
	if sources[folder.Name].EmptyDir == nil || folder.ReadOnly {
		t.Errorf("%s: no volume for it, %+v", state[1], folder)
	}
}

// The webhook of the workload identity looks at label, account and annotation.
func TestWorkloadIdentity(t *testing.T) {
	c := apply(t)
	if c.pod().Labels["azure.workload.identity/use"] != "true" || c.pod().Spec.ServiceAccountName != c.account.Name ||
		c.account.Annotations["azure.workload.identity/client-id"] == "" {
		t.Errorf("a pod with %v of account %q; account %q with %v", c.pod().Labels, c.pod().Spec.ServiceAccountName, c.account.Name, c.account.Annotations)
	}
}

// The pod is one that a namespace with Pod Security Standard "restricted" takes. It
// runs as the image's user and has the capability that the image's program asks
// for: without it the kernel does not even start the program.
func TestRestricted(t *testing.T) {
	c := apply(t)
	var pod corev1.PodTemplateSpec
	template := c.pod()
	if err := legacyscheme.Scheme.Convert(&template, &pod, nil); err != nil {
		t.Fatal(err)
	}
	evaluator, err := psa.NewEvaluator(psa.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, result := range evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec) {
		if !result.Allowed {
			t.Errorf("%s: %s", result.ForbiddenReason, result.ForbiddenDetail)
		}
	}
	if add := c.container().SecurityContext.Capabilities.Add; len(add) != 1 || add[0] != "NET_BIND_SERVICE" {
		t.Errorf("capabilities %v; want NET_BIND_SERVICE", add)
	}
	dockerfile, err := os.ReadFile("../../../Dockerfile")
	user := fmt.Sprintf("\nUSER %d:", *template.Spec.SecurityContext.RunAsUser)
	if err != nil || !strings.Contains(string(dockerfile), user) {
		t.Errorf("Dockerfile, %v: no %q", err, user)
	}
}
