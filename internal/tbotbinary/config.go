package tbotbinary

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// shortest is how long the certificates of a run live, where this tbot lets its file say so: nobody uses them.
const shortest = 10 * time.Minute

// ttlSince is the first release that knows credential_ttl (tbotconfig.Config).
const ttlSince = "v17.2.8"

// LeftOut is an output that the run does without.
type LeftOut struct{ Name, Type, Why string }

// inMemory is the configuration of a run on this machine: what belongs to the pod (its files, its port, its Secrets) is gone from it,
// and so is every output that has nowhere else to go. It holds no secret.
func inMemory(c tbotconfig.Config, version string, insecure bool) (tbotconfig.Config, []LeftOut, error) {
	switch {
	case !c.JoinURI.Empty():
		return tbotconfig.Config{}, nil, errors.New("tbot.yaml joins by join_uri, which may hold a secret; tbotctl writes no such file")
	case c.Onboarding.JoinMethod != tbotconfig.JoinMethodKubernetes:
		return tbotconfig.Config{}, nil, fmt.Errorf("tbot.yaml joins by method %s; on this machine only kubernetes can be tried", spec.Quote(c.Onboarding.JoinMethod))
	case strings.HasPrefix(c.Onboarding.Token, "/"):
		return tbotconfig.Config{}, nil, fmt.Errorf("tbot.yaml takes the join token's name from the file %s of the pod, which is not on this machine", c.Onboarding.Token)
	}
	local := tbotconfig.Config{
		Version: tbotconfig.Version, Storage: tbotconfig.Memory(),
		Onboarding:  tbotconfig.Onboarding{Token: c.Onboarding.Token, JoinMethod: c.Onboarding.JoinMethod, CAPins: c.Onboarding.CAPins},
		ProxyServer: c.ProxyServer, AuthServer: c.AuthServer,
		CredentialTTL: c.CredentialTTL, RenewalInterval: c.RenewalInterval,
		FIPS: c.FIPS, Insecure: c.Insecure || insecure,
	}
	short := semver.Compare("v"+version, ttlSince) >= 0
	if short {
		local.CredentialTTL, local.RenewalInterval = shortest, shortest/2
	}
	var left []LeftOut
	for i, output := range c.Outputs {
		moved, why := toMemory(output)
		if moved == nil {
			left = append(left, LeftOut{Name: c.NameOf(i), Type: output.Shared().Type, Why: why})
			continue
		}
		if short {
			moved.Shared().CredentialTTL, moved.Shared().RenewalInterval = 0, 0
		}
		local.Outputs = append(local.Outputs, moved)
	}
	return local, left, nil
}

// toMemory copies an output with its destination in memory; nil, and why, for one that cannot be had there.
func toMemory(output tbotconfig.Output) (moved tbotconfig.Output, why string) {
	switch o := output.(type) {
	case *tbotconfig.Identity:
		c := *o
		c.Destination = tbotconfig.Memory()
		return &c, ""
	case *tbotconfig.Kubernetes:
		c := *o
		// An exec plugin needs a directory to read from (teleport-facts 6.3).
		c.Destination, c.DisableExecPlugin = tbotconfig.Memory(), true
		return &c, ""
	case *tbotconfig.KubernetesV2:
		c := *o
		c.Destination, c.DisableExecPlugin = tbotconfig.Memory(), true
		return &c, ""
	case *tbotconfig.Application:
		c := *o
		c.Destination = tbotconfig.Memory()
		return &c, ""
	case *tbotconfig.Database:
		c := *o
		c.Destination = tbotconfig.Memory()
		return &c, ""
	case *tbotconfig.SSHHost:
		c := *o
		c.Destination = tbotconfig.Memory()
		return &c, ""
	case *tbotconfig.ArgoCD:
		return nil, "it writes Argo CD's Secrets and has no other destination"
	}
	return nil, "it is a service for its pod, or tbotctl does not know it well enough to move it into memory"
}
