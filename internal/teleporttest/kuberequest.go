package teleporttest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gravitational/teleport/api/types"
)

// kubeRequest is what a request to an API server is about, by its path and method.
type kubeRequest struct {
	verb        string
	group       string // empty for the core group
	resource    string // plural
	subresource string
	namespace   string
	name        string
}

// kubeRequestOf returns nil for a path that names no resource, such as discovery.
func kubeRequestOf(r *http.Request) *kubeRequest {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	var out kubeRequest
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		out.group, parts = parts[1], parts[3:]
	default:
		return nil
	}
	// A namespace may have resources below it, or be the resource, with these two below it.
	if parts[0] == "namespaces" && len(parts) > 2 && parts[2] != "status" && parts[2] != "finalize" {
		out.namespace, parts = parts[1], parts[2:]
	}
	out.resource = parts[0]
	if len(parts) > 1 {
		out.name = parts[1]
	}
	if len(parts) > 2 {
		out.subresource = parts[2]
	}
	watch := r.URL.Query().Get("watch")
	switch {
	case r.Method == http.MethodPost:
		out.verb = types.KubeVerbCreate
	case r.Method == http.MethodPut:
		out.verb = types.KubeVerbUpdate
	case r.Method == http.MethodPatch:
		out.verb = types.KubeVerbPatch
	case r.Method == http.MethodDelete && out.name == "":
		out.verb = types.KubeVerbDeleteCollection
	case r.Method == http.MethodDelete:
		out.verb = types.KubeVerbDelete
	case watch == "true" || watch == "1":
		out.verb = types.KubeVerbWatch
	case out.name == "":
		out.verb = types.KubeVerbList
	default:
		out.verb = types.KubeVerbGet
	}
	if out.stream() {
		out.verb = types.KubeVerbExec
		if out.subresource == "portforward" {
			out.verb = types.KubeVerbPortForward
		}
	}
	return &out
}

// collection says whether the request is about objects that it does not name. A create names its object in the body,
// which is not read here: it is judged as one of any name. A review has no name at all.
func (r kubeRequest) collection() bool { return r.name == "" && !r.selfReview() }

// selfReview: the caller asks what it may do.
func (r kubeRequest) selfReview() bool {
	return r.resource == "selfsubjectaccessreviews" && r.verb == types.KubeVerbCreate
}

func (r kubeRequest) stream() bool {
	return r.resource == "pods" && slices.Contains([]string{"exec", "attach", "portforward"}, r.subresource)
}

// clusterWide: the kinds that have no namespace, as far as Teleport's own list goes.
func (r kubeRequest) clusterWide() bool {
	for _, kind := range types.KubernetesClusterWideResourceKinds {
		if types.KubernetesResourcesKindsPlurals[kind] == r.resource || kind == types.KindKubeNamespace && r.resource == "namespaces" {
			return true
		}
	}
	return false
}
