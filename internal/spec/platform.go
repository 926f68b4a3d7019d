package spec

// Platform is what the cluster's distribution asks of a pod.
type Platform string

// The platforms. Auto is ours: it is found in the cluster, and Kubernetes where none is asked. OpenShift assigns uid and groups from a
// range of the namespace's own, and its stock constraints refuse a pod that fixes them (OpenShift: Managing security context constraints).
const (
	PlatformAuto       Platform = "auto"
	PlatformKubernetes Platform = "kubernetes"
	PlatformOpenShift  Platform = "openshift"
)

// OpenShiftGroup is an API group that every OpenShift serves and nobody else: that of its security context constraints.
const OpenShiftGroup = "security.openshift.io"

// OnOpenShift reports whether the pod leaves uid and groups to OpenShift, by the answer or by what was found.
func (s Setup) OnOpenShift() bool {
	platform := s.Workload.Platform
	if (platform == PlatformAuto || platform == "") && s.Resolved != nil {
		platform = s.Resolved.Platform
	}
	return platform == PlatformOpenShift
}
