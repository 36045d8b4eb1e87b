// Package check builds the kustomization and looks at what a cluster would get.
package check

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	networkingvalidation "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/apis/policy"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	policyvalidation "k8s.io/kubernetes/pkg/apis/policy/validation"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// build does what `kubectl kustomize deploy/kubernetes` does. The namespace is the
// one that kubectl apply is given.
func build(t *testing.T) (documents []string) {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "..")
	if err != nil {
		t.Fatal(err)
	}
	for _, resource := range resources.Resources() {
		if err := resource.SetNamespace("dns"); err != nil {
			t.Fatal(err)
		}
		document, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, string(document))
	}
	return documents
}

// The API server's decoder, for which an unknown or a repeated field is an error.
var decoder = serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict).UniversalDecoder()

// accept does to a new object what the API server does: it decodes the document,
// sets the defaults and validates.
func accept(document string) (runtime.Object, error) {
	object, _, err := decoder.Decode([]byte(document), nil, nil)
	if err != nil {
		return nil, err
	}
	return object, validate(object).ToAggregate()
}

func validate(object runtime.Object) field.ErrorList {
	switch o := object.(type) {
	case *apps.Deployment:
		return appsvalidation.ValidateDeployment(o, corevalidation.PodValidationOptions{})
	case *core.ConfigMap:
		return corevalidation.ValidateConfigMap(o)
	case *core.Service:
		o.Spec.HealthCheckNodePort = 30000 // it chooses one before it validates
		return corevalidation.ValidateServiceCreate(o)
	case *core.ServiceAccount:
		return corevalidation.ValidateServiceAccount(o)
	case *networking.NetworkPolicy:
		return networkingvalidation.ValidateNetworkPolicy(o, networkingvalidation.NetworkPolicyValidationOptions{})
	case *policy.PodDisruptionBudget:
		return policyvalidation.ValidatePodDisruptionBudget(o, policyvalidation.PodDisruptionBudgetValidationOptions{})
	}
	return field.ErrorList{field.Invalid(nil, fmt.Sprintf("%T", object), "nothing here validates it")}
}

func TestManifests(t *testing.T) {
	for _, document := range build(t) {
		if _, err := accept(document); err != nil {
			t.Errorf("%v\n%s", err, document)
		}
	}
}

// The checks find what they are here for.
func TestMistakesAreFound(t *testing.T) {
	deployment := build(t)[1]
	for _, tt := range []struct{ name, from, to, want string }{
		{"an unknown kind", "kind: Deployment", "kind: Deploy", `no kind "Deploy" is registered`},
		{"an unknown field", "readinessProbe:", "readynessProbe:", `unknown field "spec.template.spec.containers[0].readynessProbe"`},
		{"a wrong type", "replicas: 2", "replicas: two", "cannot unmarshal string"},
		{"a missing field", "containerPort: 53", "hostPort: 53", "spec.template.spec.containers[0].ports[0].containerPort: Required value"},
		{"an unknown value", "dnsPolicy: None", "dnsPolicy: Nobody", "spec.template.spec.dnsPolicy: Unsupported value"},
		{"a selector of nothing", "      labels:\n        app.kubernetes.io/name: privatelink-dns", "      labels:\n        app: privatelink-dns", "`selector` does not match template `labels`"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(deployment, tt.from) {
				t.Fatalf("%s\nhas no %q", deployment, tt.from)
			}
			if _, err := accept(strings.Replace(deployment, tt.from, tt.to, 1)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v; want %s", tt.to, err, tt.want)
			}
		})
	}
}
