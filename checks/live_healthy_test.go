package checks

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"slices"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
)

func kept[T any](value T) func(context.Context) (T, error) {
	return func(context.Context) (T, error) { return value, nil }
}

// well are the facts of a workload that does what it should.
func well(w Workload, grants []Grant, join spec.JoinType) *Facts {
	now := time.Now()
	pod := corev1.Pod{}
	pod.Name, pod.CreationTimestamp.Time = "tbot-7d9f-x2x4", now.Add(-time.Hour)
	pod.Spec = *w.pod()
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	token := &types.ProvisionTokenV2{Spec: types.ProvisionTokenSpecV2{Kubernetes: &types.ProvisionTokenSpecV2Kubernetes{Type: types.KubernetesJoinType(join)}}}
	output := &Output{Keys: []string{"identity", "tlscert"}, Certificate: certificate(teleportName, "bot-example", now, "access"), Written: now.Add(-time.Minute)}
	return &Facts{
		Proxy: kept(Proxy{ClusterName: teleportName, Version: "18.2.0", MinClientVersion: "17.0.0"}),
		KubernetesMay: func(_ context.Context, asked []Access) []Verdict {
			return slices.Repeat([]Verdict{{Allowed: true}}, len(asked))
		},
		Live: &Live{
			MaxAge: DefaultMaxAge, Workload: w, Pods: kept([]corev1.Pod{pod}), Events: kept([]corev1.Event(nil)), Logs: kept([]Log(nil)), Health: kept(Health{Code: 200, Body: `{"status":"healthy"}`}),
			Grants: kept(grants), Policies: kept([]networkingv1.NetworkPolicy(nil)), Admission: kept(Admission{}), Token: kept(token),
			Output: func(context.Context, string, string) (*Output, error) { return output, nil },
			Clocks: kept([]Clock{{Whose: clockKubernetes, Ahead: time.Second}, {Whose: clockTeleport}}),
		},
	}
}

func certificate(cluster, user string, now time.Time, roles ...string) *x509.Certificate {
	return &x509.Certificate{
		Issuer: pkix.Name{Organization: []string{cluster}}, Subject: pkix.Name{CommonName: user, Organization: roles},
		NotBefore: now.Add(-time.Minute), NotAfter: now.Add(59 * time.Minute),
	}
}

// mine are the checks of workload, permissions, outputs and of what the cluster lets pods do.
func mine() []Check {
	return slices.Concat(localChecks(), liveKubernetesChecks(), discoveryChecks(), liveWorkloadChecks(), livePermissionChecks(), liveOutputChecks())
}

// No setup that works may be called broken; what deserves a look is named here.
func TestHealthySetupsGiveNoAlarm(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		make func(*testing.T) (Workload, []Grant)
		join spec.JoinType
		warn []ID
	}{
		"init, oidc": {make: func(t *testing.T) (Workload, []Grant) {
			t.Helper()
			return rendered(t, spec.JoinOIDC, spec.AccessIdentity)
		}, join: spec.JoinOIDC},
		"init, static_jwks": {make: func(t *testing.T) (Workload, []Grant) {
			t.Helper()
			return rendered(t, spec.JoinStaticJWKS, spec.AccessIdentity)
		}, join: spec.JoinStaticJWKS},
		"init, in_cluster": {make: func(t *testing.T) (Workload, []Grant) {
			t.Helper()
			return rendered(t, spec.JoinInCluster, spec.AccessIdentity)
		}, join: spec.JoinInCluster},
		"init, without an output": {make: func(t *testing.T) (Workload, []Grant) {
			t.Helper()
			return rendered(t, spec.JoinOIDC, spec.AccessNone)
		}, join: spec.JoinOIDC},
		// P21 and P40 are in the guides themselves.
		"by the guide": {make: func(t *testing.T) (Workload, []Grant) { t.Helper(); return from(t, guide) }, join: spec.JoinStaticJWKS, warn: []ID{ProbesAsk, MayDoNoMore}},
		"by the chart": {make: func(t *testing.T) (Workload, []Grant) { t.Helper(); return from(t, chart) }, join: spec.JoinOIDC, warn: []ID{MayDoNoMore}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, grants := row.make(t)
			for _, result := range Run(t.Context(), mine(), well(w, grants, row.join), func(Result) {}) {
				got, id := result.Finding, result.Check.ID
				switch {
				case slices.Contains(row.warn, id):
					if got.Status != Warn {
						t.Errorf("%s: %+v, want a warning", id, got)
					}
				case got.Status != Pass && got.Status != Skip:
					t.Errorf("%s: %+v", id, got)
				}
				if got.Observed == "" {
					t.Errorf("%s says nothing", id)
				}
			}
		})
	}
}

// What cannot be had is skipped with the reason, and what cannot be seen is unknown: neither is green.
func TestLiveLooksThatFail(t *testing.T) {
	t.Parallel()
	w, _ := from(t, guide)
	blind := &Facts{
		Proxy: func(context.Context) (Proxy, error) { return Proxy{}, errForbidden },
		KubernetesMay: func(_ context.Context, asked []Access) []Verdict {
			return slices.Repeat([]Verdict{{Err: errForbidden}}, len(asked))
		},
		Live: &Live{
			Workload:  w,
			MaxAge:    DefaultMaxAge,
			Pods:      func(context.Context) ([]corev1.Pod, error) { return nil, errForbidden },
			Logs:      func(context.Context) ([]Log, error) { return nil, errForbidden },
			Events:    func(context.Context) ([]corev1.Event, error) { return nil, errForbidden },
			Health:    func(context.Context) (Health, error) { return Health{}, errForbidden },
			Grants:    func(context.Context) ([]Grant, error) { return nil, errForbidden },
			Policies:  func(context.Context) ([]networkingv1.NetworkPolicy, error) { return nil, errForbidden },
			Admission: func(context.Context) (Admission, error) { return Admission{}, errForbidden },
			Token:     func(context.Context) (*types.ProvisionTokenV2, error) { return nil, errForbidden },
			Output:    func(context.Context, string, string) (*Output, error) { return nil, errForbidden },
			Clocks:    func(context.Context) ([]Clock, error) { return nil, errForbidden },
			May: func(_ context.Context, asked []Access) []Verdict {
				return slices.Repeat([]Verdict{{Err: errForbidden}}, len(asked))
			},
		},
	}
	// These need the Deployment and its ConfigMap alone.
	ground := []ID{TbotInstalled, ConfigReads, TokenLifetime, TokenPath, NamespaceKnown, OneTbot, ProbesAsk, ConfigInForce, ProxyWritten, ProxiesLeave, NoExecPlugin}
	nothing := &Facts{Live: &Live{Workload: w}}
	for _, check := range mine() {
		if slices.Contains(ground, check.ID) {
			continue
		}
		t.Run(string(check.ID), func(t *testing.T) {
			t.Parallel()
			alone := check
			alone.Needs = nil
			want := Unknown
			if check.ID == ArgoSees || check.ID == ArgoNotStale || check.ID == ArgoLabelsKept {
				want = Skip // this tbot.yaml has nothing for Argo CD
			}
			if got := look(t.Context(), alone, blind).Finding; got.Status != want || got.Observed == "" {
				t.Errorf("forbidden: %+v, want %s", got, want)
			}
			if got := look(t.Context(), alone, nothing).Finding; got.Status == Pass || got.Status == Fail || got.Status == Warn || got.Observed == "" {
				t.Errorf("not to be had: %+v", got)
			}
			if got := look(t.Context(), alone, &Facts{}).Finding; got.Status != Skip || got.Observed == "" {
				t.Errorf("no setup: %+v, want a skip", got)
			}
		})
	}
}
