package checks_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// TestOfSide runs the checks of init for each side alone, where every fact of the other side fails the test: none of them is asked for.
func TestOfSide(t *testing.T) {
	t.Parallel()
	errOther := errors.New("the other side's")
	for _, side := range []spec.Side{spec.SideKubernetes, spec.SideTeleport} {
		for _, access := range []spec.Access{spec.AccessIdentity, spec.AccessKubernetes, spec.AccessArgoCD} {
			setup := spec.Default()
			setup.Side, setup.Access, setup.Join.Type = side, access, spec.JoinInCluster
			setup.ArgoCD.Impersonation = access == spec.AccessArgoCD
			kubernetes := func() error {
				if side.HasKubernetes() {
					return nil
				}
				t.Errorf("%s, %s: Kubernetes was asked", side, access)
				return errOther
			}
			teleport := func() error {
				if side.HasTeleport() {
					return nil
				}
				t.Errorf("%s, %s: the login was used", side, access)
				return errOther
			}
			facts := &checks.Facts{
				Setup:             setup,
				KubernetesVersion: func(context.Context) (string, error) { return "v1.36.0", kubernetes() },
				NamespaceExists:   func(context.Context) (bool, error) { return true, kubernetes() },
				Issuer: func(context.Context) (issuer.Cluster, error) {
					return issuer.Cluster{Issuer: "https://i"}, kubernetes()
				},
				Public: func(context.Context) (issuer.PublicResult, error) { return issuer.PublicResult{}, kubernetes() },
				Choice: func(context.Context) (issuer.Choice, error) { return issuer.Choice{}, kubernetes() },
				Proxy: func(context.Context) (checks.Proxy, error) {
					return checks.Proxy{ClusterName: "t", Version: "18.2.0"}, nil
				},
				Login:        func(context.Context) (checks.Login, error) { return checks.Login{User: "admin"}, teleport() },
				MissingRoles: func(context.Context) ([]string, error) { return nil, teleport() },
				KubeClusters: func(context.Context) ([]spec.ResolvedCluster, error) { return nil, teleport() },
				MayReview:    func(context.Context, string) (bool, error) { return true, kubernetes() },
				ArgoCDs:      func(context.Context) ([]string, error) { return []string{"argocd"}, kubernetes() },
				BotGroups:    func(context.Context) (map[string][]string, error) { return nil, teleport() },
				TLSEnds:      func(context.Context) (bool, error) { return false, nil },
				KubernetesNeeds: func(context.Context) checks.KubernetesNeeds {
					return checks.KubernetesNeeds{Needs: []checks.Need{{All: []checks.Access{{Verb: "get", Resource: "pods"}}}}}
				},
				TeleportNeeds: []checks.TeleportAccess{{Kind: "bot", Verb: "read"}},
				KubernetesMay: func(_ context.Context, asked []checks.Access) []checks.Verdict {
					_ = kubernetes()
					return make([]checks.Verdict, len(asked))
				},
				TeleportMay: func(_ context.Context, asked []checks.TeleportAccess) ([]checks.Verdict, error) {
					return make([]checks.Verdict, len(asked)), teleport()
				},
			}
			if !side.HasTeleport() {
				facts.Login = nil // as in a run that cannot have one: what it helps to tell is left to the proof
			}
			selected := checks.OfSide(side, checks.Select(checks.Catalogue(), checks.Before))
			if ran := checks.Run(t.Context(), checks.Concerning(setup, selected), facts, func(checks.Result) {}); len(ran) < 4 {
				t.Errorf("%s, %s: only %d checks", side, access, len(ran))
			}
		}
	}
	if all := checks.Catalogue(); len(checks.OfSide(spec.SideBoth, all)) != len(all) {
		t.Error("both sides leave something out")
	}
}
