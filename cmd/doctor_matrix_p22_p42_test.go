package cmd_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	teleporttypes "github.com/gravitational/teleport/api/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// faultsFrom22 are the failures of access, of the ways between the clusters, and of workloads.
func faultsFrom22() []fault { return append(faultsOfAccess(), faultsOfOperation()...) }

const (
	container = "/spec/template/spec/containers/0"
	// kubeOutput is an output for a Kubernetes cluster that is enrolled in Teleport.
	kubeOutput = `outputs:
  - type: kubernetes
    destination:
      type: kubernetes_secret
      name: tbot-output
    kubernetes_cluster: production
`
	// argoByLabel and argoByName are outputs into Argo CD.
	argoByLabel = `outputs:
  - type: kubernetes/argo-cd
    selectors: [{labels: {environment: production}}]
`
	argoByName = `outputs:
  - type: kubernetes/argo-cd
    selectors: [{name: production}]
    secret_labels: {team: a}
`
)

// faultsOfAccess are those of what a bot's credentials are for, P22 to P29, in tbot.yaml that were edited by hand; faultsOfReach has P22 to
// P26 as they come to setups of init. Where a Secret stands in Argo CD it is written as tbot would write it.
func faultsOfAccess() []fault {
	return []fault{
		{
			problem: "P22", want: checks.NoExecPlugin, says: []string{"a kubeconfig into Secret tbot-output that calls tbot"}, unplayed: true,
			options: teleporttest.Options{Version: "16.0.3"}, log: []string{"ERROR: Destination kubernetes_secret: tbot-output must be a directory in exec plugin mode"},
			breaks: func(t *testing.T, s *scene) { t.Helper(); s.outputs(t, kubeOutput) },
		},
		{
			problem: "P23", want: checks.RolesReach, says: []string{"P23", "has no roles"}, unplayed: true, fix: byHand,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.outputs(t, kubeOutput)
				s.botRoles(t)
			},
			mends: func(t *testing.T, s *scene, fix string) {
				t.Helper()
				line, _, _ := strings.Cut(fix, ", with a role")
				s.shell(t, strings.Replace(line, " ROLE", " access", 1))
			},
		},
		{problem: "P24", want: checks.RolesReach, says: []string{"P24", `kind "*" is not supported in role version "v6"`}, judged: roleTooOld},
		{
			problem: "P25", want: checks.RolesReach, says: []string{"P25", "kubernetes_groups"}, unplayed: true, fix: byHand,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.outputs(t, kubeOutput)
				s.kubeRole(t, nil, nil)
			},
			mends: func(t *testing.T, s *scene, fix string) {
				t.Helper()
				editsRole(t, fix)
				s.kubeRole(t, []string{"editor"}, nil)
			},
		},
		{
			problem: "P26", want: checks.RolesReach, says: []string{"P26", `"alice"`, `"bob"`}, unplayed: true, fix: byHand,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.forArgo(t, argoByLabel)
				s.kubeRole(t, nil, []string{"alice", "bob"})
			},
			mends: func(t *testing.T, s *scene, fix string) {
				t.Helper()
				editsRole(t, fix)
				s.kubeRole(t, nil, []string{"alice"})
			},
		},
		{
			problem: "P27", want: checks.ArgoSees, says: []string{`for cluster "production"`}, unplayed: true, fix: byWord,
			breaks: func(t *testing.T, s *scene) { t.Helper(); s.forArgo(t, argoByName) },
			mends: func(t *testing.T, s *scene, fix string) {
				t.Helper()
				if !strings.HasPrefix(fix, "tctl get kube_server") {
					t.Fatalf("the fix is %s", fix)
				}
				s.argoSecret(t, "production", time.Now(), "team", "a")
			},
		},
		{
			problem: "P28", want: checks.ArgoNotStale, warns: true, handmade: true, says: []string{`"gone"`, "was last renewed 3h"}, unplayed: true, fix: byHand,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.forArgo(t, strings.Replace(argoByName, "{name: production}", "{name: production}, {name: gone}", 1))
				s.argoSecret(t, "production", time.Now(), "team", "a")
				s.argoSecret(t, "gone", time.Now().Add(-3*time.Hour), "team", "a")
			},
			mends: func(t *testing.T, s *scene, fix string) {
				t.Helper()
				s.shell(t, fix) // it lists the Secrets with their clusters
				s.shell(t, "kubectl --namespace "+s.namespace+" delete secret "+argoName("gone"))
				s.outputs(t, argoByName)
			},
		},
		{
			problem: "P29", want: checks.ArgoLabelsKept, warns: true, handmade: true, says: []string{"tier=gold"}, unplayed: true, fix: byHand,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.forArgo(t, argoByName)
				s.argoSecret(t, "production", time.Now(), "team", "a", "tier", "gold")
			},
			mends: func(t *testing.T, s *scene, fix string) {
				t.Helper()
				s.write(t, "editor", []byte("sed -i 's/{team: a}/{team: a, tier: gold}/' \"$1\"\n"))
				s.shell(t, "export KUBE_EDITOR='sh "+s.path("editor")+"'; "+fix)
			},
		},
	}
}

// faultsOfOperation are those of proxies, clocks, policies and pods.
func faultsOfOperation() []fault {
	var behind atomic.Int64
	return []fault{
		{
			problem: "P30", want: checks.NoTLSEnd, says: []string{"ends TLS", "kubernetes"}, unplayed: true, fix: byWord,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.outputs(t, kubeOutput)
				goBehindBalancer(t, s)
			},
			mends: leaveBalancer,
		},
		{
			problem: "P31", want: checks.ProxyWritten, says: []string{`"https://localhost:`, "with a scheme"}, unplayed: true,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.laid(t, func(text string) string { return strings.Replace(text, "proxy_server: ", "proxy_server: https://", 1) })
			},
		},
		{
			problem: "P32", want: checks.PublicAddress, says: []string{"teleport.inside.example.com", "no such host"}, unplayed: true,
			options: teleporttest.Options{PublicName: "teleport.inside.example.com"},
			log:     []string{`ERROR: Get "https://teleport.inside.example.com/webapi/ping": dial tcp: lookup teleport.inside.example.com on 10.96.0.10:53: no such host`},
			breaks:  func(*testing.T, *scene) {},
		},
		{
			problem: "P33", want: checks.ImageSuits, says: []string{"tbot-distroless:17.0.0-dev", "not published"}, unplayed: true,
			breaks: patching(`{"op":"replace","path":"` + container + `/image","value":"public.ecr.aws/gravitational/tbot-distroless:17.0.0-dev"}`),
		},
		{
			problem: "P34", want: checks.NoTouch, warns: true, says: []string{"a touch of a hardware key"}, unplayed: true, fix: byHand,
			breaks: touching,
			mends: func(t *testing.T, s *scene, fix string) {
				t.Helper()
				if !strings.Contains(fix, "--identity FILE of a bot") {
					t.Fatalf("the fix is %s", fix)
				}
				held, err := s.plane.Client().CoreV1().Secrets(s.namespace).Get(t.Context(), "tbot-output", metav1.GetOptions{})
				if err != nil {
					t.Fatal(err)
				}
				s.write(t, "bot.identity", held.Data["identity"])
				s.args = []string{"--identity", s.path("bot.identity")}
			},
		},
		{
			problem: "P35", want: checks.MayRead, warns: true, says: []string{"onlooker may not"}, unplayed: true, fix: byHand,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.args = []string{"--identity", s.teleportUser(t, "onlooker", nil, "access")}
			},
			mends: func(t *testing.T, s *scene, fix string) {
				t.Helper()
				s.grantAsSaid(t, "onlooker", fix)
			},
		},
		{
			problem: "P36", want: checks.NothingLocked, says: []string{"locked"}, unplayed: true, refused: true, sounds: "P17",
			breaks: func(_ *testing.T, s *scene) { s.teleport.Lock(s.made.Setup.Bot) },
		},
		{
			problem: "P37", want: checks.ClocksAgree, says: []string{"5m", "ahead of the Teleport proxy's"}, unplayed: true, refused: true, fix: byWord,
			options: teleporttest.Options{Now: func() time.Time { return time.Now().Add(-time.Duration(behind.Load())) }},
			breaks:  func(*testing.T, *scene) { behind.Store(int64(5 * time.Minute)) },
			mends: func(t *testing.T, _ *scene, fix string) {
				t.Helper()
				if !strings.HasPrefix(fix, "timedatectl set-ntp true, on the hosts of the Teleport") {
					t.Fatalf("the fix is %s", fix)
				}
				behind.Store(0)
			},
		},
		{
			problem: "P38", want: checks.PodsAdmitted, says: []string{`violates PodSecurity "restricted:latest"`}, unplayed: true,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.kubectl(t, "label", "namespace", s.namespace, "pod-security.kubernetes.io/enforce=restricted")
				s.patch(t, `{"op":"remove","path":"/spec/template/spec/securityContext"}`, `{"op":"remove","path":"`+container+`/securityContext"}`)
			},
		},
		{
			problem: "P39", want: checks.PoliciesLetOut, says: []string{"NetworkPolicy deny-all", "DNS", "the Teleport proxy", "the API server"}, unplayed: true,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.apply(t, `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny-all}, spec: {podSelector: {}, policyTypes: [Egress]}}`)
			},
		},
		{
			problem: "P40", want: checks.ProbesAsk, warns: true, says: []string{"no probe"}, unplayed: true,
			breaks: patching(
				`{"op":"remove","path":"`+container+`/livenessProbe"}`, `{"op":"remove","path":"`+container+`/readinessProbe"}`, `{"op":"remove","path":"`+container+`/args/4"}`),
		},
		{
			problem: "P41", want: checks.ConfigInForce, says: []string{"was changed"}, unplayed: true,
			breaks: func(t *testing.T, s *scene) {
				t.Helper()
				s.running(t)
				s.config(t, "type: memory", "type: memory # a change")
			},
		},
		{
			problem: "P42", want: checks.TokenFits, says: []string{"P42", "Kubernetes"}, unplayed: true, refused: true, init: []string{"--join-type", "in_cluster"},
			breaks: func(*testing.T, *scene) {},
		},
	}
}

// touching starts over with a Teleport cluster whose administrators confirm by a hardware key.
func touching(t *testing.T, s *scene) {
	t.Helper()
	s.bench = newBench(t, testkit.SelfManaged, teleporttest.Options{AdminMFA: true})
	s.play(t)
	s.atTerminal(t, s.stubTctl(t, false), s.initArgs("--roles", "access,editor,auditor")...).want(t, 0)
}

// roleTooOld is a role that no Teleport takes any more, so that only objects can show it: v6 knows of pods alone.
func roleTooOld(t *testing.T, mended bool) *checks.Facts {
	t.Helper()
	facts := rotating(t, true)
	w := &facts.Live.Workload
	w.Text = w.Text[:strings.Index(w.Text, "outputs:")] + kubeOutput
	w.Config, w.Problem = inspected(w.Text)
	role := kubeRole([]string{"editor"}, nil)
	if !mended {
		role.Version = teleporttypes.V6
		role.Spec.Allow.KubernetesResources = []teleporttypes.KubernetesResource{{Kind: "*", Namespace: "*", Name: "*"}}
	}
	facts.Live.Bot = fixed(&machineidv1.Bot{Metadata: headerNamed("robot"), Spec: &machineidv1.BotSpec{Roles: []string{"kube"}}})
	facts.Live.BotRoles = fixed([]teleporttypes.Role{role})
	return facts
}

func editsRole(t *testing.T, fix string) {
	t.Helper()
	if !strings.HasPrefix(fix, "tctl edit role/kube, and ") {
		t.Fatalf("the fix is %s, and no edit of the role", fix)
	}
}

// goBehindBalancer has doctor look at a proxy that a load balancer which ends TLS stands before. Nothing but HTTP comes through it here,
// so nobody is logged in.
func goBehindBalancer(t *testing.T, s *scene) {
	t.Helper()
	balanced := teleporttest.New(t, teleporttest.Options{BehindL7LB: true})
	s.write(t, "balanced-ca.pem", balanced.WebCAPEM())
	s.args = []string{"--proxy", balanced.Addr(), "--proxy-ca", s.path("balanced-ca.pem"), "--identity="}
}

func leaveBalancer(t *testing.T, s *scene, fix string) {
	t.Helper()
	if !strings.Contains(fix, "pass TLS through (layer 4)") {
		t.Fatalf("the fix is %s", fix)
	}
	s.args = nil
}
