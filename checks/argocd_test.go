package checks_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// forArgoCD are the facts of a bot for Argo CD that acts as any user, on ground where all is well.
func forArgoCD() *checks.Facts {
	facts := blind(errLook)
	facts.Setup.Access, facts.Setup.Reach.Labels = spec.AccessArgoCD, []map[string]string{{"env": "prod"}}
	facts.Setup.ArgoCD.Impersonation = true
	facts.ArgoCDs = func(context.Context) ([]string, error) { return []string{"argocd"}, nil }
	facts.BotGroups = func(context.Context) (map[string][]string, error) { return map[string][]string{"access": nil}, nil }
	facts.TLSEnds = func(context.Context) (bool, error) { return false, nil }
	return facts
}

func TestArgoCDGround(t *testing.T) {
	t.Parallel()
	found := func(namespaces ...string) func(*checks.Facts) {
		return func(f *checks.Facts) { f.ArgoCDs = func(context.Context) ([]string, error) { return namespaces, nil } }
	}
	for name, row := range map[string]struct {
		id     checks.ID
		change func(*checks.Facts)
		status checks.Status
		says   string
	}{
		"found":         {checks.ArgoCDFound, found("argocd"), checks.Pass, "argocd"},
		"given":         {checks.ArgoCDFound, func(f *checks.Facts) { found("gitops")(f); f.Setup.ArgoCD.Namespace = "gitops" }, checks.Pass, "gitops"},
		"not there":     {checks.ArgoCDFound, func(f *checks.Facts) { found()(f); f.Setup.ArgoCD.Namespace = "gitops" }, checks.Fail, "namespace gitops is one without Argo CD"},
		"nowhere":       {checks.ArgoCDFound, found(), checks.Fail, "no namespace holds a ConfigMap argocd-cm"},
		"several":       {checks.ArgoCDFound, found("b", "a"), checks.Fail, "2 namespaces hold an Argo CD: a, b"},
		"not for it":    {checks.ArgoCDFound, func(f *checks.Facts) { f.Setup.Access = spec.AccessKubernetes }, checks.Skip, "not for Argo CD"},
		"no groups":     {checks.ActsWithoutGroup, nil, checks.Pass, "adds no group"},
		"groups in one": {checks.ActsWithoutGroup, withGroups, checks.Fail, `role "editor" has kubernetes_groups "dev", "ops"`},
		"as a group": {checks.ActsWithoutGroup, func(f *checks.Facts) {
			withGroups(f)
			f.Setup.ArgoCD.Impersonation = false
		}, checks.Skip, "does not act as others"},
		"let through":         {checks.ClientsGetIn, nil, checks.Pass, "the proxy itself ends TLS"},
		"TLS ends before":     {checks.ClientsGetIn, tlsEnds, checks.Fail, "tbot refuses to make them"},
		"TLS for kubeconfigs": {checks.ClientsGetIn, func(f *checks.Facts) { tlsEnds(f); f.Setup.Access = spec.AccessKubernetes }, checks.Warn, "a kubeconfig does not work through it"},
		"TLS of no interest":  {checks.ClientsGetIn, func(f *checks.Facts) { tlsEnds(f); f.Setup.Access = spec.AccessIdentity }, checks.Skip, "not for Kubernetes clusters"},
	} {
		facts := forArgoCD()
		if row.change != nil {
			row.change(facts)
		}
		got := only(t, row.id, facts)
		if got.Status != row.status || !strings.Contains(got.Observed, row.says) || got.Status == checks.Fail && got.Fix == "" {
			t.Errorf("%s: %+v, want %s with %q", name, got, row.status, row.says)
		}
	}
}

func withGroups(f *checks.Facts) {
	f.BotGroups = func(context.Context) (map[string][]string, error) {
		return map[string][]string{"access": nil, "editor": {"dev", "ops"}}, nil
	}
}

func tlsEnds(f *checks.Facts) { f.TLSEnds = func(context.Context) (bool, error) { return true, nil } }

func TestClusterSecretsAreWaitedFor(t *testing.T) {
	t.Parallel()
	facts, looks := forArgoCD(), 0
	facts.ClusterSecrets = func(context.Context) (all, missing []string, err error) {
		all = []string{"argocd/one", "argocd/other"}
		if looks++; looks < 2 {
			missing = all[1:]
		}
		return all, missing, nil
	}
	if got := only(t, checks.OutputWritten, facts); got.Status != checks.Pass || got.Observed != "Secret argocd/one, argocd/other" || looks != 2 {
		t.Errorf("after %d looks %+v", looks, got)
	}
	facts.ClusterSecrets = func(context.Context) (all, missing []string, err error) {
		return []string{"argocd/one"}, []string{"argocd/one"}, nil
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if got := onlyWith(ctx, t, checks.OutputWritten, facts); got.Status != checks.Warn || !strings.Contains(got.Observed, "argocd/one yet") || got.Fix == "" {
		t.Errorf("in vain: %+v", got)
	}
	facts.ClusterSecrets = func(context.Context) (all, missing []string, err error) { return nil, nil, errLook }
	if got := only(t, checks.OutputWritten, facts); got.Status != checks.Unknown {
		t.Errorf("without a look: %+v", got)
	}
}
