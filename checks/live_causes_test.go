package checks

import (
	"context"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// crashed is the pod of a tbot that ends at its start.
func crashed(w Workload) []corev1.Pod {
	pod := stuck(w, "CrashLoopBackOff", "back-off 5m0s restarting failed container")
	pod.CreationTimestamp.Time = time.Now().Add(-time.Hour)
	return []corev1.Pod{pod}
}

// Each fault fails one check that is no symptom, by itself or beside its symptoms, for whoever may look at everything; and, where
// viewer says so, also for a viewer of the namespace without any Teleport login.
func TestOneCauseForOneFault(t *testing.T) {
	t.Parallel()
	const words = `pods "tbot-7d9f-" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true`
	for name, row := range map[string]struct {
		change func(*Workload)
		// facts spoils what is seen beside the workload; it runs last.
		facts  func(*Facts, Workload)
		want   ID
		viewer bool
	}{
		"P01": {change: func(w *Workload) {
			w.pod().Volumes[1].Projected.Sources[0].ServiceAccountToken.Audience = "teleport.example.com:443"
		}, want: TokenAudience, viewer: true},
		"P08": {change: func(w *Workload) {
			w.pod().Volumes[1].VolumeSource = corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "tbot-token"}}
		}, want: TokenPath},
		"P09": {change: func(w *Workload) {
			hour := int64(3600)
			w.pod().Volumes[1].Projected.Sources[0].ServiceAccountToken.ExpirationSeconds = &hour
		}, want: TokenLifetime},
		"P10": {change: func(w *Workload) { w.container().Env = w.container().Env[:1] }, want: TokenPath, viewer: true},
		"P19": {change: func(w *Workload) { w.container().Env = w.container().Env[1:] }, want: NamespaceKnown, viewer: true},
		"P20": {
			facts: func(f *Facts, _ Workload) {
				if f.Live.Grants != nil {
					f.Live.Grants = kept([]Grant(nil))
				}
				f.Live.Logs = kept([]Log{{Pod: "tbot-7d9f-x2x4", Lines: []string{
					`ERROR: secrets "identity-output" is forbidden: User "system:serviceaccount:default:tbot" cannot get resource "secrets" in API group "" in the namespace "default"`,
				}}})
			}, want: MayWriteOutputs, viewer: true,
		},
		"P22": {change: func(w *Workload) {
			w.container().Image = "registry.example.com/tbot:15.4.0"
			w.Config.Outputs = []tbotconfig.Output{&tbotconfig.Kubernetes{Common: tbotconfig.Common{Type: "kubernetes"}, Destination: tbotconfig.Secret("identity-output")}}
		}, facts: func(f *Facts, _ Workload) {
			f.Proxy = kept(Proxy{ClusterName: teleportName, Version: "15.4.0", MinClientVersion: "14.0.0"})
		}, want: NoExecPlugin},
		"P23": {facts: func(f *Facts, _ Workload) {
			f.Proxy = kept(Proxy{ClusterName: "new.example.com", Version: "18.2.0"})
			f.Live.Workload.pod().Volumes[1].Projected.Sources[0].ServiceAccountToken.Audience = "new.example.com"
		}, want: OutputValid},
		"P31": {change: func(w *Workload) { w.Config.ProxyServer = "teleport.example.com" }, want: ProxyWritten, viewer: true},
		"P33": {change: func(w *Workload) {
			w.container().Image = "public.ecr.aws/gravitational/tbot-distroless:17.0.0-dev"
		}, facts: func(f *Facts, w Workload) {
			f.Live.Pods = kept([]corev1.Pod{stuck(w, "ImagePullBackOff", "Back-off pulling image")})
		}, want: ImageSuits, viewer: true},
		"P36": {change: func(w *Workload) {
			two := int32(2)
			w.Deployment.Spec.Replicas = &two
			w.Config.Storage = tbotconfig.Secret("state")
		}, want: OneTbot},
		"P37": {facts: func(f *Facts, _ Workload) {
			f.Live.Clocks = kept([]Clock{{Whose: clockKubernetes, Ahead: time.Hour}, {Whose: clockTeleport}})
		}, want: ClocksAgree},
		"P38": {
			facts: func(f *Facts, w Workload) {
				if f.Live.Token != nil {
					f.Live.Admission = kept(Admission{Refused: words})
				}
				w.Deployment.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: words}}
				f.Live.Pods = kept([]corev1.Pod(nil))
			}, want: PodsAdmitted, viewer: true,
		},
		"P39, a policy": {facts: func(f *Facts, _ Workload) {
			deny := networkingv1.NetworkPolicy{Spec: networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}}}
			deny.CreationTimestamp.Time = time.Now()
			f.Live.Policies = kept([]networkingv1.NetworkPolicy{deny})
		}, want: PoliciesLetOut},
		"P39, a proxy": {change: func(w *Workload) {
			w.container().Env = append(w.container().Env, corev1.EnvVar{Name: "HTTPS_PROXY", Value: "http://egress.example.com:3128"})
		}, want: ProxiesLeave, viewer: true},
		"P41":     {facts: func(f *Facts, _ Workload) { f.Live.Workload.Changed = time.Now() }, want: ConfigInForce},
		"no tbot": {facts: func(f *Facts, _ Workload) { f.Live.Workload = Workload{} }, want: TbotInstalled, viewer: true},
		"a key that is not known": {change: func(w *Workload) {
			w.Text = "version: v2\nproxy_server: teleport.example.com:443\noutput: []\n"
			w.Config, w.Problem = tbotconfig.Inspect([]byte(w.Text))
		}, want: ConfigReads, viewer: true},
	} {
		for _, viewer := range []bool{false, true} {
			if viewer && !row.viewer {
				continue
			}
			t.Run(name+map[bool]string{true: " as a viewer"}[viewer], func(t *testing.T) {
				t.Parallel()
				w, grants := from(t, guide)
				if row.change != nil {
					row.change(&w)
				}
				facts := well(w, grants, spec.JoinOIDC)
				// Whatever is wrong, the pod does not get far.
				facts.Live.Pods = kept(crashed(w))
				if viewer {
					asViewer(facts)
				}
				if row.facts != nil {
					row.facts(facts, w)
				}
				results := Run(t.Context(), mine(), facts, func(Result) {})
				conclusion := Conclude(results)
				var causes []ID
				for _, cause := range conclusion.Causes {
					causes = append(causes, cause.Check.ID)
				}
				if !slices.Equal(causes, []ID{row.want}) {
					t.Errorf("causes %v, want %s alone", causes, row.want)
				}
				if conclusion.Root == nil || conclusion.Root.Check.ID != row.want || conclusion.Root.Finding.Fix == "" {
					t.Errorf("root %+v", conclusion.Root)
				}
			})
		}
	}
}

// asViewer leaves what ClusterRole view shows: pods, their logs, events, ConfigMaps and NetworkPolicies, no Secret, no Role and nothing
// of Teleport but its proxy's word.
func asViewer(f *Facts) {
	f.KubernetesMay = func(_ context.Context, asked []Access) []Verdict { return make([]Verdict, len(asked)) }
	f.Live.Grants, f.Live.Admission, f.Live.Token = failing[[]Grant], failing[Admission], nil
	f.Live.Output = func(context.Context, string, string) (*Output, error) { return nil, errForbidden }
	f.Live.May = func(_ context.Context, asked []Access) []Verdict {
		return slices.Repeat([]Verdict{{Err: errForbidden}}, len(asked))
	}
}

// A check that is asked for alone meets what its needs would have caught.
func TestChecksAlone(t *testing.T) {
	t.Parallel()
	unread := guided(t, func(w *Workload) { w.Text, w.Config, w.ConfigErr = "", tbotconfig.Config{}, errForbidden })
	for _, check := range mine() {
		t.Run(string(check.ID), func(t *testing.T) {
			t.Parallel()
			for name, w := range map[string]Workload{"nothing installed": {}, "tbot.yaml not read": unread, "a container that is not there": guided(t, func(w *Workload) { w.Container = 7 })} {
				facts := well(guided(t, nil), nil, spec.JoinOIDC)
				facts.Live.Workload = w
				got := look(t.Context(), Check{ID: check.ID, Run: check.Run}, facts).Finding
				if got.Observed == "" || got.Status == Fail && check.ID != TbotInstalled {
					t.Errorf("%s: %+v", name, got)
				}
			}
		})
	}
}
