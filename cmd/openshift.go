package cmd

import (
	"context"
	"fmt"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// platformLook begins to find out what the distribution asks of the pod, beside whatever else is looked up; the returned function waits
// for it. An answer and what the answers hold are kept, as the image is. What could not be looked at is said, and is empty.
func (s *session) platformLook(ctx context.Context, held *spec.Resolved, refresh bool) func() spec.Platform {
	known := func(platform spec.Platform) func() spec.Platform { return func() spec.Platform { return platform } }
	switch {
	case s.setup.IsAgent(), !s.setup.Side.HasKubernetes(): // whose pod is the chart's, or the other side's
		return known("")
	case s.setup.Workload.Platform != spec.PlatformAuto:
		return known(s.setup.Workload.Platform)
	case held != nil && held.Platform != "" && !refresh:
		return known(held.Platform)
	}
	found := begin(func() (bool, error) { return s.clusters.openshift(ctx) })
	return func() spec.Platform {
		switch openshift, err := found(); {
		case err != nil:
			s.progress.Warn(fmt.Sprintf("whether this cluster is OpenShift could not be looked at, so the pod gets the uid that it has on other clusters (--platform openshift leaves it out): %v", err))
			return ""
		case openshift:
			return spec.PlatformOpenShift
		}
		return spec.PlatformKubernetes
	}
}

// platformLine says in half a line what the plan does differently on OpenShift, and nothing elsewhere.
func (s *session) platformLine() string {
	switch {
	case !s.setup.OnOpenShift():
		return ""
	case s.setup.Workload.Platform == spec.PlatformOpenShift:
		return "; OpenShift assigns its uid and gid, as --platform says"
	}
	return "; OpenShift assigns its uid and gid: the cluster has the API group " + spec.OpenShiftGroup
}
