package manifests_test

import (
	"bytes"
	"testing"

	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/spec"
)

func TestRenderGolden(t *testing.T) {
	t.Parallel()
	oldServer := sample(spec.JoinInCluster, spec.AccessIdentity)
	oldServer.Resolved.ServerVersion = "16.4.7"
	oldServer.Resolved.Image = "public.ecr.aws/gravitational/tbot-distroless:16.4.7"
	europe := spec.ResolvedCluster{Name: "prod-eu", Labels: map[string]string{"env": "prod", "region": "eu"}}
	america := spec.ResolvedCluster{Name: "Prod_US", Labels: map[string]string{"env": "prod", "region": "us"}}
	anyone := reaching("17.7.3")
	anyone.Reach.Groups, anyone.Reach.Users, anyone.Teleport.Roles = nil, []string{spec.AnyUser}, []string{"access"}
	held := named("18.2.0", europe, spec.ResolvedCluster{Name: "bare", Labels: map[string]string{"tier": "edge"}})
	held.Reach.Namespace, held.Reach.ClusterRole, held.Reach.Groups, held.Reach.Users = "shop", "edit", nil, []string{"deploy@example.com"}
	wantGolden(t, map[string]spec.Setup{
		"oidc-identity":             sample(spec.JoinOIDC, spec.AccessIdentity),
		"oidc-none":                 sample(spec.JoinOIDC, spec.AccessNone),
		"static_jwks-identity":      sample(spec.JoinStaticJWKS, spec.AccessIdentity),
		"static_jwks-none":          sample(spec.JoinStaticJWKS, spec.AccessNone),
		"in_cluster-identity":       sample(spec.JoinInCluster, spec.AccessIdentity),
		"in_cluster-none":           sample(spec.JoinInCluster, spec.AccessNone),
		"in_cluster-16-identity":    oldServer,
		"oidc-identity-all-answers": full(),
		"kubernetes-18-labels":      reaching("18.2.0"),
		"kubernetes-17-anyone":      anyone,
		"kubernetes-18-held":        held,
		"kubernetes-16-names":       named("16.4.7", europe, america),
	})
}

// wantGolden holds what each setup renders to its golden file.
func wantGolden(t *testing.T, setups map[string]spec.Setup) {
	t.Helper()
	for name, setup := range setups {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stream bytes.Buffer
			if err := render(t, setup).Write(&stream); err != nil {
				t.Fatal(err)
			}
			golden.Assert(t, name+".yaml", stream.Bytes())
		})
	}
}

func TestRenderGivesTheSameBytesTwice(t *testing.T) {
	t.Parallel()
	setup := full()
	setup.Teleport.ProxyCA = authority(t)
	var first bytes.Buffer
	if err := render(t, setup).Write(&first); err != nil {
		t.Fatal(err)
	}
	// The order of Go's maps changes between iterations, so a dependence on it would show within a few runs.
	for range 20 {
		var again bytes.Buffer
		if err := render(t, setup).Write(&again); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Bytes(), again.Bytes()) {
			t.Fatal("two renderings of one Setup differ")
		}
	}
}

// An answers file is all that rendering needs: what it saves and loads again renders to the same bytes.
func TestRenderFromASavedAnswersFile(t *testing.T) {
	t.Parallel()
	setup := full()
	setup.Teleport.ProxyCA = authority(t)
	var answers, before, after bytes.Buffer
	if err := spec.Save(&answers, setup); err != nil {
		t.Fatal(err)
	}
	loaded, err := spec.Load(&answers)
	if err != nil {
		t.Fatal(err)
	}
	if err := render(t, setup).Write(&before); err != nil {
		t.Fatal(err)
	}
	if err := render(t, loaded).Write(&after); err != nil {
		t.Fatal(err)
	}
	if before.String() != after.String() {
		t.Error("the answers file renders to other bytes than the Setup that was saved")
	}
}
