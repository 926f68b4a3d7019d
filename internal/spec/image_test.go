package spec_test

import (
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"
)

func TestImageFor(t *testing.T) {
	t.Parallel()
	digest := "registry.example.com:5000/tbot@sha256:" + strings.Repeat("0", 64)
	for _, c := range []struct {
		workload   spec.Workload
		version    string
		serverFIPS bool
		want       string
		pins       bool
	}{
		{spec.Workload{}, "18.2.0", false, "public.ecr.aws/gravitational/tbot-distroless:18.2.0", false},
		{spec.Workload{}, "v18.2.0", false, "public.ecr.aws/gravitational/tbot-distroless:18.2.0", false},
		{spec.Workload{}, "18.2.0", true, "public.ecr.aws/gravitational/tbot-fips-distroless:18.2.0", false},
		{spec.Workload{FIPS: true}, "18.2.0", false, "public.ecr.aws/gravitational/tbot-fips-distroless:18.2.0", false},
		{spec.Workload{Registry: "registry.example.com:5000/mirror/"}, "18.2.0", false, "registry.example.com:5000/mirror/tbot-distroless:18.2.0", false},
		{spec.Workload{Image: "registry.example.com:5000/tbot"}, "18.2.0", true, "registry.example.com:5000/tbot:18.2.0", false},
		{spec.Workload{Image: "registry.example.com:5000/tbot:mine"}, "18.2.0", true, "registry.example.com:5000/tbot:mine", true},
		{spec.Workload{Image: digest}, "18.2.0", false, digest, true},
	} {
		if got := c.workload.ImageFor(c.version, c.serverFIPS); got != c.want {
			t.Errorf("%+v: image = %s, want %s", c.workload, got, c.want)
		}
		if got := c.workload.PinsImage(); got != c.pins {
			t.Errorf("%+v: pins = %v", c.workload, got)
		}
	}
}

func TestVersionToRun(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ asked, agent, server, want, problem string }{
		{"17.1.2", "18.0.0", "18.2.0", "17.1.2", ""},
		{"", "v18.0.0", "18.2.0", "18.0.0", ""},
		{"", "", "18.2.0", "18.2.0", ""},
		{"", "18.0.0", "19.0.0-dev", "18.0.0", ""},
		{"", "", "19.0.0-dev", "", `version "19.0.0-dev" has no published tbot image; give --tbot-version X.Y.Z of a release`},
		{"", "18.3.1-cloud.2", "18.2.0", "", `version "18.3.1-cloud.2" has no published tbot image; give --tbot-version X.Y.Z of a release`},
		{"", "", "", "", "the version of tbot to run is not known; give --tbot-version X.Y.Z"},
	} {
		got, err := spec.VersionToRun(c.asked, c.agent, c.server)
		if got != c.want || c.problem == "" && err != nil || c.problem != "" && (err == nil || err.Error() != c.problem) {
			t.Errorf("%+v: got %q, %v", c, got, err)
		}
	}
}

func TestIsRelease(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"18.2.0": true, "v18.2.0": true, "18.2": false, "18": false, "": false, "18.2.0-dev": false, "18.2.0+build": false, "18.02.0": false, "latest": false,
	} {
		if got := spec.IsRelease(version); got != want {
			t.Errorf("IsRelease(%q) = %v", version, got)
		}
	}
}
