package spec

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

// ImageFor returns the image reference that the pod runs, for a version of tbot or agent (X.Y.Z) and whether the server is a FIPS build.
// An image that carries a tag or a digest of its own is taken as it is.
func (w Workload) ImageFor(version string, serverFIPS bool) string {
	if hasTagOrDigest(w.Image) {
		return w.Image
	}
	image := w.Image
	if image == "" {
		name, fips := ImageName, ImageNameFIPS
		if w.Kind == WorkloadAgent {
			name, fips = AgentImage, AgentImageFIPS
		}
		if w.FIPS || serverFIPS {
			name = fips
		}
		registry := strings.TrimSuffix(w.Registry, "/")
		if registry == "" {
			registry = DefaultRegistry
		}
		image = registry + "/" + name
	}
	return image + ":" + strings.TrimPrefix(version, "v")
}

// PinsImage reports whether the image reference itself says which version runs.
func (w Workload) PinsImage() bool { return hasTagOrDigest(w.Image) }

// VersionToRun chooses the tbot release: the one asked for, else what the cluster tells its agents to run, else the server's
// own. Development and Cloud builds have no published image (field-notes 7), so they are refused with the way out.
func VersionToRun(asked, agentVersion, serverVersion string) (string, error) {
	for _, v := range []string{asked, agentVersion, serverVersion} {
		v = strings.TrimPrefix(v, "v")
		if v == "" {
			continue
		}
		if !IsRelease(v) {
			return "", fmt.Errorf("version %s has no published tbot image; give --tbot-version X.Y.Z of a release", Quote(v))
		}
		return v, nil
	}
	return "", fmt.Errorf("the version of tbot to run is not known; give --tbot-version X.Y.Z")
}

// IsRelease reports whether v is X.Y.Z without a pre-release or build part.
func IsRelease(v string) bool {
	v = "v" + strings.TrimPrefix(v, "v")
	return semver.IsValid(v) && semver.Canonical(v) == v && semver.Prerelease(v) == "" && semver.Build(v) == ""
}

// hasTagOrDigest looks behind the last slash, because a registry may carry a port.
func hasTagOrDigest(image string) bool {
	return strings.ContainsAny(image[strings.LastIndex(image, "/")+1:], ":@")
}
