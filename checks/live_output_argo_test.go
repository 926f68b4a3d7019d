package checks

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	headerv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/header/v1"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// argoLive is a tbot that selects by labels, and the cluster Secrets of its namespace: one of a cluster that matches, one of a cluster that is gone,
// one of another bot, and one whose name is not tbot's.
func argoLive(t *testing.T, now time.Time) (*Facts, *Live) {
	t.Helper()
	output := &tbotconfig.ArgoCD{Common: tbotconfig.Common{Type: tbotconfig.TypeArgoCD}, SecretNamespace: "argocd", Selectors: []tbotconfig.Selector{{Labels: map[string]string{"env": "prod"}}}}
	secrets := map[string]*Output{}
	put := func(name, cluster, bot string, updated time.Time) {
		secrets[name] = &Output{
			Labels:      map[string]string{argoLabel: "cluster"},
			Annotations: map[string]string{argoCluster: cluster, argoBot: bot, argoTeleport: teleportName, argoUpdated: updated.Format(time.RFC3339)},
			Certificate: &x509.Certificate{NotBefore: updated, NotAfter: updated.Add(time.Hour)},
		}
	}
	put(output.SecretName(teleportName, "production"), "production", "example", now.Add(-10*time.Minute))
	put(output.SecretName(teleportName, "gone"), "gone", "example", now.Add(-2*time.Hour))
	put(output.SecretName(teleportName, "other"), "other", "somebody", now.Add(-9*time.Hour))
	put("by-hand", "manual", "example", now.Add(-9*time.Hour))
	live := &Live{
		Workload: argoWorkload(t, output),
		Output:   func(_ context.Context, _, name string) (*Output, error) { return secrets[name], nil },
		ClusterSecrets: func(_ context.Context, namespace string) (names []string, err error) {
			if namespace != "argocd" {
				t.Errorf("listed in %s", namespace)
			}
			for name := range secrets {
				names = append(names, name)
			}
			return names, nil
		},
		Bot: func(context.Context) (*machineidv1.Bot, error) {
			return &machineidv1.Bot{Metadata: &headerv1.Metadata{Name: "example"}}, nil
		},
	}
	return &Facts{Proxy: func(context.Context) (Proxy, error) { return Proxy{ClusterName: teleportName}, nil }}, live
}

// Secrets that no selector names are looked at too, as far as they are this bot's: P28 is about clusters that nothing names any more.
func TestArgoSecretsAreListed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	facts, live := argoLive(t, now)
	seen, lacking := live.seenArgo(t.Context(), facts)
	if lacking != nil || len(seen) != 2 {
		t.Fatalf("seen %+v, %+v", seen, lacking)
	}
	if got := judgeArgoStale(live.Workload, seen, now); got.Status != Warn || !strings.Contains(got.Observed, `"gone" was last renewed 2h`) || !strings.Contains(got.Observed, "ended 1h") {
		t.Errorf("left behind: %+v", got)
	}
	// What tbot wrote last shows that it works, and what it left behind does not show the contrary.
	handed, err := live.handed(t.Context(), facts)
	if err != nil || len(handed) != 1 {
		t.Fatalf("handed out %+v, %v", handed, err)
	}
	if got, shown := judgeRecent(live.Workload, handed, 30*time.Minute, now); !shown || got.Status != Pass {
		t.Errorf("recent: %+v", got)
	}
	live.Bot = nil
	if seen, _ := live.seenArgo(t.Context(), facts); len(seen) != 3 {
		t.Errorf("without a login %d are seen", len(seen))
	}
	live.ClusterSecrets = func(context.Context, string) ([]string, error) { return nil, errors.New("forbidden") }
	if _, lacking := live.seenArgo(t.Context(), facts); lacking == nil || lacking.Status != Unknown {
		t.Errorf("where nobody may list: %+v", lacking)
	}
}

// Argo CD reads its own namespace: Secrets elsewhere are made for nobody.
func TestArgoSecretsAreBesideArgoCD(t *testing.T) {
	t.Parallel()
	facts, live := argoLive(t, time.Now())
	for name, row := range map[string]struct {
		found []string
		err   error
		want  Status
	}{
		"beside": {[]string{"argocd"}, nil, Pass}, "elsewhere": {nil, nil, Fail}, "not seen": {nil, errors.New("forbidden"), Unknown},
	} {
		live.ArgoCDs = func(context.Context, string) ([]string, error) { return row.found, row.err }
		if got := runArgoSees(t.Context(), facts, live); got.Status != row.want || got.Status == Fail && got.Fix == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
