package cmd_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// faultsOfArgoCD are P26 to P29 again, made in setups of `init --access argocd`, whose tbot is played and writes its Secrets itself. P30 ends
// such an init before anything is made, and so is made behind its back.
func faultsOfArgoCD() []fault {
	clusters := teleporttest.Options{KubeClusters: []teleporttest.KubeCluster{
		{Name: "alpha", Labels: map[string]string{"env": "prod"}}, {Name: "beta", Labels: map[string]string{"env": "dev"}},
	}}
	anyone := []string{"--access", "argocd", "--roles", "", "--kube-labels", "env=prod", "--argocd-impersonation"}
	group := []string{"--access", "argocd", "--roles", "", "--kube-labels", "env=prod", "--kube-groups", "deployers"}
	return []fault{
		{
			problem: "P26", want: checks.RolesReach, says: []string{"P26", `role "kube" has kubernetes_groups "editor"`}, options: clusters, init: anyone,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.teleport.AddRole(kubeRole([]string{"editor"}, nil))
				s.botRoles(t, s.made.Setup.Bot+"-kubernetes", "kube")
			},
		},
		{
			problem: "P27", want: checks.ArgoSees, says: []string{"matched_cluster_count=0"}, options: clusters, init: group, fix: byWord,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.node(t).Say(s.namespace, s.rollout(t), "tbot", false, "INFO Generated identity matched_cluster_count=0")
			},
			mends: func(t *testing.T, s *scene, fix string) {
				t.Helper()
				if !strings.HasPrefix(fix, "tctl get kube_server") {
					t.Fatalf("the fix is %s", fix)
				}
				s.node(t).Say(s.namespace, s.rollout(t), "tbot", false, "INFO Generated identity matched_cluster_count=1")
			},
		},
		{
			problem: "P27", want: checks.ArgoSees, says: []string{"no ConfigMap argocd-cm and so no Argo CD"}, options: clusters, init: group, fix: byWord,
			breaks: func(t *testing.T, s *scene) { t.Helper(); s.kubectl(t, "delete", "configmap", "argocd-cm") },
			mends: func(t *testing.T, s *scene, fix string) {
				t.Helper()
				if !strings.Contains(fix, "into secret_namespace") {
					t.Fatalf("the fix is %s", fix)
				}
				s.argoCDIn(t, s.namespace)
			},
		},
		{
			problem: "P28", want: checks.ArgoNotStale, warns: true, says: []string{`"gone"`, "was last renewed 3h"}, options: clusters, init: group, fix: byHand,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.copyOf(t, "alpha", "gone", time.Now().Add(-3*time.Hour))
			},
			mends: func(t *testing.T, s *scene, fix string) {
				t.Helper()
				s.shell(t, fix) // it lists the Secrets with their clusters
				s.shell(t, "kubectl --namespace "+s.namespace+" delete secret "+argoName("gone"))
			},
		},
		{
			problem: "P29", want: checks.ArgoLabelsKept, warns: true, says: []string{"tier=gold"}, options: clusters, init: group, fix: byHand,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.kubectl(t, "label", "secret", argoName("alpha"), "tier=gold")
			},
			mends: func(t *testing.T, s *scene, _ string) {
				t.Helper()
				s.run(t, s.initArgs(append(group, "--argocd-namespace", s.namespace, "--argocd-secret-labels", "tier=gold")...)...).want(t, 0)
			},
		},
		{
			problem: "P30", want: checks.NoTLSEnd, says: []string{"ends TLS", "kubernetes/argo-cd"}, options: clusters, init: group, fix: byWord,
			breaks: goBehindBalancer, mends: leaveBalancer,
		},
	}
}

// TestDoctorMatrixArgoCD makes these as TestDoctorMatrix makes the others.
func TestDoctorMatrixArgoCD(t *testing.T) {
	t.Parallel()
	for _, row := range faultsOfArgoCD() {
		t.Run(row.problem, func(t *testing.T) {
			t.Parallel()
			row.beside = true
			t.Log(row.run(t))
		})
	}
}

// copyOf leaves the Secret of a cluster that is gone: what tbot wrote for another, under its name and from then.
func (s *scene) copyOf(t *testing.T, cluster, gone string, updated time.Time) {
	t.Helper()
	secrets := s.plane.Client().CoreV1().Secrets(s.namespace)
	found, err := secrets.Get(t.Context(), argoName(cluster), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	left := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: argoName(gone), Labels: found.Labels, Annotations: found.Annotations}, Data: found.Data}
	left.Annotations["teleport.dev/kubernetes-cluster-name"] = gone
	left.Annotations["teleport.dev/updated"] = updated.UTC().Format(time.RFC3339)
	s.create(t, left)
}
