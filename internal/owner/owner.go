// Package owner tells by its marks which tool keeps a live object as a repository, a release or another object has it. It reads labels,
// annotations and managed fields and asks no cluster.
package owner

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Tool is what keeps an object.
type Tool string

// The tools. Controller is any other Kubernetes controller that an object names as its own (Kubernetes: Owners and Dependents).
const (
	ArgoCD     Tool = "Argo CD"
	Flux       Tool = "Flux"
	Helm       Tool = "Helm"
	Terraform  Tool = "Terraform"
	Operator   Tool = "the Teleport operator"
	Controller Tool = "controller"
)

// Owner is who keeps one object. The zero value is nobody.
type Owner struct {
	Tool Tool
	// Of is what of the tool's it belongs to, such as "application shop"; empty where the marks do not say.
	Of string
	// Namespace and Name are those of Of, as far as the marks say.
	Namespace, Name string
}

// Marks that tools leave in Kubernetes (Argo CD: Resource Tracking; Flux: Kustomization and HelmRelease, "Recommended settings" and
// labels; Helm: "helm install" and adoption of resources). The label app.kubernetes.io/instance is none: Argo CD once took it for its own,
// and everybody else uses it too.
const (
	argoCDTracking = "argocd.argoproj.io/tracking-id"
	argoCDInstance = "argocd.argoproj.io/instance"
	fluxKustomize  = "kustomize.toolkit.fluxcd.io/"
	fluxHelm       = "helm.toolkit.fluxcd.io/"
	helmRelease    = "meta.helm.sh/release-name"
	helmNamespace  = "meta.helm.sh/release-namespace"
)

// Labels of Teleport resources. The operator writes teleport.dev/origin: kubernetes on whatever it makes. Terraform's provider writes none of
// its own: teleport.dev/iac-tool comes from Teleport's modules and generated configuration, and spec.MarkOwner from what tbotctl renders.
const (
	originLabel    = "teleport.dev/origin"
	originOperator = "kubernetes"
	toolLabel      = "teleport.dev/iac-tool"
	terraform      = "terraform"
)

// OfObject tells who keeps a Kubernetes object. What syncs from Git comes before what it was rendered by.
func OfObject(object metav1.Object) Owner {
	labels, annotations := object.GetLabels(), object.GetAnnotations()
	switch {
	case annotations[argoCDTracking] != "":
		app, _, _ := strings.Cut(annotations[argoCDTracking], ":")
		return application(app)
	case labels[argoCDInstance] != "":
		return application(labels[argoCDInstance])
	case wrote(object, "argocd-controller", "argocd-application-controller"):
		return Owner{Tool: ArgoCD}
	case labels[fluxKustomize+"name"] != "":
		return of(Flux, "Kustomization", labels[fluxKustomize+"namespace"], labels[fluxKustomize+"name"])
	case labels[fluxHelm+"name"] != "":
		return of(Flux, "HelmRelease", labels[fluxHelm+"namespace"], labels[fluxHelm+"name"])
	case wrote(object, "kustomize-controller", "helm-controller"):
		return Owner{Tool: Flux}
	case annotations[helmRelease] != "":
		return of(Helm, "release", annotations[helmNamespace], annotations[helmRelease])
	case labels[spec.LabelManagedBy] == string(Helm), wrote(object, "helm"):
		return Owner{Tool: Helm}
	case wrote(object, "Terraform", "HashiCorp"):
		return Owner{Tool: Terraform}
	}
	if controller := metav1.GetControllerOf(object); controller != nil {
		return of(Controller, controller.Kind, "", controller.Name)
	}
	return Owner{}
}

// OfTeleport tells by its labels who keeps a Teleport resource.
func OfTeleport(labels map[string]string) Owner {
	switch {
	case labels[originLabel] == originOperator:
		return Owner{Tool: Operator}
	case labels[spec.MarkOwner] == terraform, labels[toolLabel] == terraform:
		return Owner{Tool: Terraform}
	}
	return Owner{}
}

// application is one of Argo CD's; outside of its own namespace it goes by NAMESPACE_NAME (Argo CD: Applications in any namespace).
func application(name string) Owner {
	namespace, short, elsewhere := strings.Cut(name, "_")
	if !elsewhere {
		namespace, short = "", name
	}
	return of(ArgoCD, "application", namespace, short)
}

func of(tool Tool, kind, namespace, name string) Owner {
	full := name
	if namespace != "" {
		full = namespace + "/" + name
	}
	return Owner{Tool: tool, Of: kind + " " + full, Namespace: namespace, Name: name}
}

// wrote tells that one of the field managers holds what makes the object: any field beside its metadata, or the label that everything of ours
// carries. Who only adds a label holds neither, and what writes the status alone is no owner.
func wrote(object metav1.Object, managers ...string) bool {
	return slices.ContainsFunc(object.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool {
		if entry.Subresource != "" || !slices.Contains(managers, entry.Manager) {
			return false
		}
		if entry.FieldsV1 == nil {
			return true
		}
		fields := entry.FieldsV1.GetRawString()
		return strings.Contains(fields, `"f:spec"`) || strings.Contains(fields, `"f:data"`) || strings.Contains(fields, `"f:rules"`) ||
			strings.Contains(fields, `"f:roleRef"`) || strings.Contains(fields, `"f:`+spec.LabelManagedBy+`"`)
	})
}

// None tells that nobody keeps the object.
func (o Owner) None() bool { return o.Tool == "" }

// String is for example "Argo CD application shop", "Helm release machines/tbot" or "Terraform".
func (o Owner) String() string {
	switch {
	case o.Of == "":
		return string(o.Tool)
	case o.Tool == Controller:
		return o.Of
	}
	return string(o.Tool) + " " + o.Of
}

// Marks tells that a label or annotation of a Kubernetes object is this owner's to set, whatever anybody renders: a comparison leaves it out.
func (o Owner) Marks(key string) bool {
	switch o.Tool {
	case Helm:
		return key == spec.LabelManagedBy
	case ArgoCD:
		// Where Argo CD tracks by label, as it did by default before its version 3.
		return key == spec.LabelInstance
	case Flux, Terraform, Operator, Controller:
	}
	return false
}
