package checks

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// verdict is a row of a judge on objects: the status, and parts of what a user reads. A fix that has to be none is "-".
type verdict struct {
	got                     Finding
	status                  Status
	observed, expected, fix string
}

func judgedOn(t *testing.T, rows map[string]verdict) {
	t.Helper()
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if row.got.Status != row.status || !strings.Contains(row.got.Observed, row.observed) || !strings.Contains(row.got.Expected, row.expected) {
				t.Errorf("got %+v, want %s with %q and %q", row.got, row.status, row.observed, row.expected)
			}
			if row.fix == "-" && row.got.Fix != "" || row.fix != "-" && !strings.Contains(row.got.Fix, row.fix) {
				t.Errorf("fix %q, want %q", row.got.Fix, row.fix)
			}
			if row.got.Status == Fail && row.got.Fix == "" && row.fix != "-" {
				t.Error("a failure without a fix")
			}
			if row.got.Observed == "" {
				t.Error("nothing is observed")
			}
		})
	}
}

func TestJudgeInstalledAndConfig(t *testing.T) {
	t.Parallel()
	notThere := apierrors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, "tbot-config")
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "tbot-config", errors.New("no"))
	configErr := func(err error) Workload { return guided(t, func(w *Workload) { w.ConfigErr = err }) }
	judgedOn(t, map[string]verdict{
		"nothing installed":     {judgeInstalled("machines", Workload{}), Fail, "no Deployment runs tbot in namespace machines", "tbot-distroless", "tbotctl init --namespace machines"},
		"nothing anywhere":      {judgeInstalled("", Workload{}), Fail, "no Deployment runs tbot", "", "tbotctl init"},
		"installed":             {judgeInstalled("", guided(t, func(w *Workload) { w.Manager = "Helm" })), Pass, "Deployment default/tbot, managed by Helm", "", "-"},
		"the file is read":      {judgeConfig(guided(t, nil)), Pass, `ConfigMap default/tbot-config, key "tbot.yaml"`, "", "-"},
		"no ConfigMap":          {judgeConfig(configErr(fmt.Errorf("reading: %w", notThere))), Fail, "not found", "mounts", "--from-file tbot.yaml=tbot.yaml"},
		"no such key":           {judgeConfig(configErr(errors.New(`ConfigMap default/tbot-config has no key "tbot.yaml"`))), Fail, "has no key", "mounts", "kubectl --namespace default create configmap tbot-config"},
		"not allowed to look":   {judgeConfig(configErr(fmt.Errorf("reading: %w", forbidden))), Unknown, "forbidden", "", "-"},
		"not in a ConfigMap":    {judgeConfig(Workload{Deployment: configErr(nil).Deployment, ConfigErr: errors.New("started without a configuration file")}), Unknown, "without a configuration file", "", "-"},
		"an unknown key":        {judgeConfig(edited(t, "    storage:\n", "    storages:\n")), Fail, "line 5", "without unknown keys", "kubectl --namespace default edit configmap tbot-config"},
		"outputs of other kind": {judgeConfig(edited(t, "type: identity", "type: application\n        app_name: grafana")), Pass, "tbot-config", "", "-"},
	})
}

func TestJudgeAudience(t *testing.T) {
	t.Parallel()
	with := func(audience string) Workload {
		return edited(t, "audience: main.example.com", "audience: "+audience)
	}
	chartWith, _ := from(t, strings.Replace(chart, "audience: main.example.com", "audience: teleport.example.com", 1))
	chartWith.Manager = "Helm"
	none := edited(t, projectedVolume, "")
	judgedOn(t, map[string]verdict{
		"right":                          {judgeAudience(with("main.example.com"), teleportName, spec.JoinOIDC), Pass, `"main.example.com"`, "", "-"},
		"the proxy's address":            {judgeAudience(with("teleport.example.com:443"), teleportName, ""), Fail, `"teleport.example.com:443"`, `"main.example.com", the name of the Teleport cluster`, `"value":"main.example.com"`},
		"with the port":                  {judgeAudience(with("main.example.com:443"), teleportName, ""), Fail, "the name with a port", `"main.example.com"`, "/volumes/1/projected/sources/0/serviceAccountToken/audience"},
		"Helm undoes it":                 {judgeAudience(chartWith, teleportName, ""), Fail, "teleport.example.com", "(clusterName in the values of the Helm release)", "kubectl --namespace ci patch deployment ci-tbot"},
		"none, oidc":                     {judgeAudience(with(`""`), teleportName, spec.JoinOIDC), Fail, "no audience", "main.example.com", "audience"},
		"none, in_cluster":               {judgeAudience(with(`""`), teleportName, spec.JoinInCluster), Pass, "right for a join token of type in_cluster", "", "-"},
		"none, type not known":           {judgeAudience(with(`""`), teleportName, ""), Unknown, "not known", "main.example.com", "-"},
		"the API server's, in_cluster":   {judgeAudience(with("https://kubernetes.default.svc"), teleportName, spec.JoinInCluster), Pass, "in_cluster", "", "-"},
		"somebody else's, in_cluster":    {judgeAudience(with("vault"), teleportName, spec.JoinInCluster), Fail, `"vault"`, "main.example.com", "patch"},
		"the API server's, another type": {judgeAudience(with("https://kubernetes.default.svc"), teleportName, spec.JoinStaticJWKS), Fail, "kubernetes.default.svc", "main.example.com", "patch"},
		"nothing is projected":           {judgeAudience(none, teleportName, spec.JoinOIDC), Skip, "TBC506", "", "-"},
	})
}

func TestJudgeLifetimeAndPath(t *testing.T) {
	t.Parallel()
	lives := func(seconds string) Workload { return edited(t, "expirationSeconds: 600", seconds) }
	withPath := func(change func(*Workload)) Workload { return guided(t, change) }
	setPath := func(path string) Workload {
		return withPath(func(w *Workload) { w.container().Env[1].Value = path })
	}
	noVolume := func(join spec.JoinType, change func(*Workload)) Finding {
		w := edited(t, projectedVolume, "")
		w.container().VolumeMounts = w.container().VolumeMounts[:1]
		w.container().Env = w.container().Env[:1]
		if change != nil {
			change(&w)
		}
		return judgeTokenPath(w, teleportName, join)
	}
	judgedOn(t, map[string]verdict{
		"ten minutes":            {judgeLifetime(lives("expirationSeconds: 600"), spec.JoinOIDC), Pass, "10m", "", "-"},
		"half an hour":           {judgeLifetime(lives("expirationSeconds: 1800"), spec.JoinOIDC), Pass, "30m", "", "-"},
		"a second more":          {judgeLifetime(lives("expirationSeconds: 1801"), spec.JoinOIDC), Fail, "1801", "600", `"value":600`},
		"not said":               {judgeLifetime(lives(""), spec.JoinStaticJWKS), Fail, "3600", "600", `"op":"add"`},
		"an hour, in_cluster":    {judgeLifetime(lives("expirationSeconds: 3600"), spec.JoinInCluster), Pass, "1h", "", "-"},
		"an hour, not known":     {judgeLifetime(lives("expirationSeconds: 3600"), ""), Warn, "unless the join token is of type in_cluster", "600", `"value":600`},
		"the three agree":        {judgeTokenPath(guided(t, nil), teleportName, ""), Pass, "/var/run/secrets/tokens/join-sa-token", "", "-"},
		"by the link /run":       {judgeTokenPath(setPath("/run/secrets/tokens/join-sa-token"), teleportName, ""), Pass, "join-sa-token", "", "-"},
		"another file":           {judgeTokenPath(setPath("/var/run/secrets/tokens/token"), teleportName, ""), Fail, `KUBERNETES_TOKEN_PATH is "/var/run/secrets/tokens/token"`, "/var/run/secrets/tokens/join-sa-token", `"value":"/var/run/secrets/tokens/join-sa-token"`},
		"the API server's token": {judgeTokenPath(setPath(defaultToken), teleportName, ""), Fail, "meant for the API server", "join-sa-token", "patch"},
		"by another variable": {judgeTokenPath(withPath(func(w *Workload) {
			w.container().Env[1].Value = "$(TOKENS)/join-sa-token"
			w.container().Env = append([]corev1.EnvVar{{Name: "TOKENS", Value: "/var/run/secrets/tokens"}}, w.container().Env...)
		}), teleportName, ""), Pass, "join-sa-token", "", "-"},
		"from a ConfigMap": {judgeTokenPath(withPath(func(w *Workload) {
			w.container().Env[1] = corev1.EnvVar{Name: envTokenPath, ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}}
		}), teleportName, ""), Unknown, "ConfigMap settings", "join-sa-token", "-"},
		"perhaps from a ConfigMap": {judgeTokenPath(withPath(func(w *Workload) {
			w.container().Env = nil
			w.container().EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}}
		}), teleportName, ""), Unknown, "ConfigMap settings, if it is set there", "", "-"},
		"token_path of tbot.yaml": {judgeTokenPath(withPath(func(w *Workload) {
			w.container().Env = nil
			w.Config.Onboarding.Kubernetes.TokenPath = "/var/run/secrets/tokens/join-sa-token"
		}), teleportName, ""), Pass, "join-sa-token", "", "-"},
		"by subPath": {judgeTokenPath(withPath(func(w *Workload) {
			w.container().VolumeMounts[1] = corev1.VolumeMount{Name: "join-sa-token", MountPath: "/token", SubPath: "join-sa-token"}
			w.container().Env[1].Value = "/token"
		}), teleportName, ""), Pass, "/token", "", "-"},
		"unread, in_cluster":            {judgeTokenPath(withPath(func(w *Workload) { w.container().Env = nil }), teleportName, spec.JoinInCluster), Pass, "the pod's own token", "", "-"},
		"none, in_cluster":              {noVolume(spec.JoinInCluster, nil), Pass, "the pod's own token", "", "-"},
		"none, not mounted, in_cluster": {noVolume(spec.JoinInCluster, func(w *Workload) { w.pod().AutomountServiceAccountToken = new(bool) }), Fail, "automountServiceAccountToken is false", "", "tbot-join-token"},
		"none, oidc":                    {noVolume(spec.JoinOIDC, nil), Fail, "meant for the API server", "binds to the pod", `"audience":"main.example.com"`},
		"none, type not known":          {noVolume("", nil), Unknown, "not known", "", "-"},
		"nothing at all": {noVolume(spec.JoinOIDC, func(w *Workload) {
			w.pod().Volumes, w.container().VolumeMounts, w.container().Env = nil, nil, nil
		}), Fail, "no KUBERNETES_TOKEN_PATH", "", `"path":"/spec/template/spec/volumes","value":[`},
	})
}

func TestJudgeOwnNamespace(t *testing.T) {
	t.Parallel()
	without := func(change func(*Workload)) Finding {
		return judgeOwnNamespace(guided(t, func(w *Workload) {
			w.container().Env = w.container().Env[1:]
			if change != nil {
				change(w)
			}
		}))
	}
	argo := func(namespace string) Finding {
		return without(func(w *Workload) {
			w.Config.Outputs = []tbotconfig.Output{&tbotconfig.ArgoCD{}}
			w.Deployment.Namespace = namespace
		})
	}
	judgedOn(t, map[string]verdict{
		"by the field": {judgeOwnNamespace(guided(t, nil)), Pass, "default", "", "-"},
		"not set":      {without(nil), Fail, "no POD_NAMESPACE in the container, so tbot ends at its start", "metadata.namespace", "fieldPath"},
		"not needed": {without(func(w *Workload) {
			w.Config.Outputs = []tbotconfig.Output{tbotconfig.NewIdentity(tbotconfig.Destination{Type: tbotconfig.DestinationSecret, Name: "out", Namespace: "ci"})}
		}), Pass, "nothing in tbot.yaml depends on it", "", "-"},
		"for its own state": {without(func(w *Workload) {
			w.Config.Outputs, w.Config.Storage = nil, tbotconfig.Secret("state")
		}), Fail, "Secret state", "", "POD_NAMESPACE"},
		"Argo CD, elsewhere":      {argo("argocd"), Fail, "Argo CD's Secrets into namespace default", "", "POD_NAMESPACE"},
		"Argo CD, in the default": {argo("default"), Pass, "default", "", "-"},
		"perhaps from a Secret": {without(func(w *Workload) {
			w.container().EnvFrom = []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}}}
		}), Unknown, "Secret settings, if it is set there", "", "-"},
	})
}

// stuck is a pod whose container waits.
func stuck(w Workload, reason, message string) corev1.Pod {
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "tbot-7d9f-x2x4"}, Spec: *w.pod()}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "tbot", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}}
	return pod
}

func TestJudgeImage(t *testing.T) {
	t.Parallel()
	server := Proxy{ClusterName: teleportName, Version: "18.2.0", MinClientVersion: "17.0.0-aa"}
	cloud := Proxy{Version: "18.3.0-cloud.4", AgentVersion: "18.2.1", MinClientVersion: "17.0.0"}
	with := func(image string) Workload {
		return edited(t, "public.ecr.aws/gravitational/tbot-distroless:18.2.0", image)
	}
	pulling := func(image string, proxy Proxy) Finding {
		w := with(image)
		return judgeImage(w, proxy, []corev1.Pod{stuck(w, "ImagePullBackOff", "Back-off pulling image: not found")})
	}
	judgedOn(t, map[string]verdict{
		"as the server":        {judgeImage(with("public.ecr.aws/gravitational/tbot-distroless:18.2.0"), server, nil), Pass, "tbot 18.2.0 for Teleport 18.2.0", "", "-"},
		"a major older":        {judgeImage(with("registry.example.com:5000/tbot:17.1.0"), server, nil), Pass, "17.1.0", "", "-"},
		"the guide's tag":      {judgeImage(with("public.ecr.aws/gravitational/tbot-distroless:17.0.0-dev"), server, nil), Fail, "not published", "tbot-distroless:18.2.0", "set image deployment/tbot tbot=public.ecr.aws/gravitational/tbot-distroless:18.2.0"},
		"a build of one's own": {judgeImage(with("registry.example.com/tbot:18.0.0-dev"), server, nil), Pass, "18.0.0-dev", "", "-"},
		"too old":              {judgeImage(with("registry.example.com/tbot:16.4.0"), server, nil), Fail, "older than 17.0.0-aa", "registry.example.com/tbot:18.2.0", "set image"},
		"too new":              {judgeImage(with("public.ecr.aws/gravitational/tbot-distroless:19.0.0"), server, nil), Fail, "newer than the server", "18.2.0", "set image"},
		"the cloud's agents":   {judgeImage(with("public.ecr.aws/gravitational/tbot-distroless:19.0.0"), cloud, nil), Fail, "newer", "tbot-distroless:18.2.1", "18.2.1"},
		"not to be pulled":     {pulling("public.ecr.aws/gravitational/tbot-distroless:18.9.9", server), Fail, "cannot be had: ImagePullBackOff: Back-off pulling image: not found", "18.2.0", "set image"},
		"without the proxy":    {pulling("public.ecr.aws/gravitational/tbot-distroless:17.0.0-dev", Proxy{}), Fail, "ImagePullBackOff", "may pull", "describe pod tbot-7d9f-x2x4"},
		"the right one":        {pulling("public.ecr.aws/gravitational/tbot-distroless:18.2.0", server), Fail, "ImagePullBackOff", "may pull", "describe pod"},
		"a digest":             {judgeImage(with("registry.example.com/tbot@sha256:0123"), server, nil), Skip, "names no version", "", "-"},
		"latest":               {judgeImage(with("registry.example.com/tbot:latest"), server, nil), Skip, "names no version", "", "-"},
		"a server of no version": {
			judgeImage(with("registry.example.com/tbot:18.2.0"), Proxy{Version: "weird"}, nil), Unknown, "weird", "", "-",
		},
	})
}

func TestJudgeOneTbotAndProbes(t *testing.T) {
	t.Parallel()
	replicas := func(n int32, change func(*Workload)) Finding {
		return judgeOneTbot(guided(t, func(w *Workload) {
			w.Deployment.Spec.Replicas = &n
			if change != nil {
				change(w)
			}
		}))
	}
	chartProbes := func(change func(*Workload)) Finding {
		w, _ := from(t, chart)
		change(&w)
		return judgeProbes(w)
	}
	judgedOn(t, map[string]verdict{
		"one":                  {replicas(1, nil), Pass, "1 replica", "", "-"},
		"none":                 {replicas(0, nil), Fail, "no tbot runs", "1", "scale deployment tbot --replicas 1"},
		"two, each for itself": {replicas(2, nil), Warn, "2 replicas", "1", "scale"},
		"two that share":       {replicas(2, func(w *Workload) { w.Config.Storage = tbotconfig.Secret("state") }), Fail, "share their state in Secret state", "1", "scale"},
		"rolling":              {replicas(1, func(w *Workload) { w.Deployment.Spec.Strategy = appsv1.DeploymentStrategy{} }), Warn, "RollingUpdate", "Recreate", `"type":"Recreate"`},
		"no probes":            {judgeProbes(guided(t, nil)), Warn, "no probe", "/readyz", "--diag-addr=0.0.0.0:3001"},
		"the chart's":          {chartProbes(func(*Workload) {}), Pass, "port 3001", "", "-"},
		"the address in the file": {chartProbes(func(w *Workload) {
			w.container().Args = w.container().Args[:3]
			w.Config.DiagAddr = "0.0.0.0:3001"
			w.Text += "diag_addr: 0.0.0.0:3001\n"
		}), Pass, "port 3001", "", "-"},
		"for localhost": {chartProbes(func(w *Workload) {
			w.container().Args = w.container().Args[:3]
			w.Config.DiagAddr, w.Text = "localhost:3001", w.Text+"\ndiag_addr: localhost:3001\n"
		}), Fail, "no kubelet", "0.0.0.0:3001", "sed 's#diag_addr: localhost:3001#diag_addr: 0.0.0.0:3001#'"},
		"another port":      {chartProbes(func(w *Workload) { w.container().Args[6] = "0.0.0.0:3000" }), Fail, "the probes ask port 3001, and tbot answers at 0.0.0.0:3000", "0.0.0.0:3001", `"value":"0.0.0.0:3001"`},
		"alive only":        {chartProbes(func(w *Workload) { w.container().ReadinessProbe = nil }), Warn, "no probe asks /readyz", "/readyz", "readinessProbe"},
		"alive for the old": {chartProbes(func(w *Workload) { w.container().Args = nil }), Fail, "tbot opens none", "--diag-addr", "--diag-addr=0.0.0.0:3001"},
	})
}

func TestJudgeAddresses(t *testing.T) {
	t.Parallel()
	proxy := func(line string) Finding {
		return judgeProxyServer(edited(t, "proxy_server: teleport.example.com:443", line))
	}
	through := func(env ...corev1.EnvVar) Finding {
		return judgeProxies(guided(t, func(w *Workload) { w.container().Env = append(w.container().Env, env...) }))
	}
	set := func(name, value string) corev1.EnvVar { return corev1.EnvVar{Name: name, Value: value} }
	outside := set("HTTPS_PROXY", "http://egress.example.com:3128")
	judgedOn(t, map[string]verdict{
		"host and port":           {proxy("proxy_server: teleport.example.com:443"), Pass, "teleport.example.com:443", "", "-"},
		"an address":              {proxy(`proxy_server: "[2001:db8::1]:443"`), Pass, "[2001:db8::1]:443", "", "-"},
		"no port":                 {proxy("proxy_server: teleport.example.com"), Fail, "tbot tries 3080", `"teleport.example.com:443"`, "rollout restart"},
		"a scheme":                {proxy("proxy_server: https://teleport.example.com:443"), Fail, "with a scheme", `"teleport.example.com:443"`, "sed"},
		"an Auth Service":         {proxy("auth_server: auth.example.com:3025"), Pass, "auth_server auth.example.com:3025", "", "-"},
		"a proxy as Auth Service": {proxy("auth_server: teleport.example.com:443"), Warn, "takes no proxy there", "proxy_server: teleport.example.com:443", "proxy_server"},
		"in a flow":               {judgeProxyServer(guided(t, func(w *Workload) { w.Config.ProxyServer = "teleport.example.com"; w.Text = "{version: v2}" })), Fail, "without a port", "", "edit configmap tbot-config"},

		"no proxy between":     {through(), Pass, "no HTTPS_PROXY", "", "-"},
		"a proxy for all":      {through(outside), Fail, "NO_PROXY is not", "$(KUBERNETES_SERVICE_HOST)", "'NO_PROXY=$(KUBERNETES_SERVICE_HOST)'"},
		"names are not enough": {through(outside, set("NO_PROXY", ".svc,kubernetes.default.svc")), Fail, "names no address", "", "'NO_PROXY=.svc,kubernetes.default.svc,$(KUBERNETES_SERVICE_HOST)'"},
		"a range":              {through(outside, set("NO_PROXY", ".svc,10.0.0.0/8")), Pass, "10.0.0.0/8", "", "-"},
		"everything":           {through(outside, set("no_proxy", "*")), Pass, "*", "", "-"},
		"by Kubernetes":        {through(outside, set("NO_PROXY", "$(KUBERNETES_SERVICE_HOST)")), Pass, "KUBERNETES_SERVICE_HOST", "", "-"},
		"a name by a name":     {through(set("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc"), outside, set("NO_PROXY", ".svc")), Pass, ".svc", "", "-"},
		"a name by a range":    {through(set("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc"), outside, set("NO_PROXY", "10.0.0.0/8")), Fail, "names no address", "", "KUBERNETES_SERVICE_HOST"},
		"an address by a range": {
			through(set("KUBERNETES_SERVICE_HOST", "192.168.0.1"), outside, set("NO_PROXY", "10.0.0.0/8")), Fail, "names no address", "", "KUBERNETES_SERVICE_HOST",
		},
		"a proxy from elsewhere": {through(corev1.EnvVar{Name: "HTTPS_PROXY", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "net"}}}}), Fail, "HTTPS_PROXY is set and NO_PROXY is not", "", "NO_PROXY"},
		"nothing is written": {judgeProxies(guided(t, func(w *Workload) {
			w.container().Env, w.Config.Outputs = append(w.container().Env, outside), nil
		})), Pass, "does not talk to the API server", "", "-"},
		"from elsewhere": {through(outside, corev1.EnvVar{Name: "NO_PROXY", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "net"}}}}), Unknown, "ConfigMap net", "", "-"},
	})
}

func TestJudgePods(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	w := guided(t, nil)
	pod := func(change func(*corev1.Pod)) []corev1.Pod {
		p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "tbot-7d9f-x2x4"}, Spec: *w.pod()}
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "tbot", Ready: true}}
		change(&p)
		return []corev1.Pod{p}
	}
	ready := pod(func(*corev1.Pod) {})
	ended := func(code int32, at time.Time) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: "Error", FinishedAt: metav1.NewTime(at)}}
	}
	looping := pod(func(p *corev1.Pod) {
		p.Status.ContainerStatuses[0] = corev1.ContainerStatus{
			Name: "tbot", RestartCount: 7, LastTerminationState: ended(1, now),
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 5m0s"}},
		}
	})
	restarted := func(ago time.Duration) []corev1.Pod {
		return pod(func(p *corev1.Pod) {
			p.Status.ContainerStatuses[0].RestartCount = 2
			p.Status.ContainerStatuses[0].LastTerminationState = ended(137, now.Add(-ago))
		})
	}
	starting := pod(func(p *corev1.Pod) {
		p.Status.Conditions, p.Status.ContainerStatuses = nil, []corev1.ContainerStatus{{Name: "tbot", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}}}
	})
	event := func(kind, name, reason, message string) []corev1.Event {
		return []corev1.Event{{
			InvolvedObject: corev1.ObjectReference{Kind: kind, Name: name}, Type: corev1.EventTypeWarning, Reason: reason, Message: message, LastTimestamp: metav1.NewTime(now),
		}}
	}
	going := pod(func(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{Time: now} })
	scaled := guided(t, func(w *Workload) { w.Deployment.Spec.Replicas = new(int32) })
	rolling := guided(t, func(w *Workload) {
		w.Deployment.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, LastUpdateTime: metav1.NewTime(now.Add(-5 * time.Second))}}
	})
	judgedOn(t, map[string]verdict{
		"ready":     {judgePods(w, ready, nil, nil, now), Pass, "pod tbot-7d9f-x2x4 is ready", "", "-"},
		"crashing":  {judgePods(w, looping, nil, nil, now), Fail, "CrashLoopBackOff: back-off 5m0s; 7 restarts, it last ended with exit code 1", "", "logs tbot-7d9f-x2x4 --container tbot --previous"},
		"restarted": {judgePods(w, restarted(5*time.Minute), nil, nil, now), Warn, "restarted 2 times, the last time 5m ago: exit code 137", "", "--previous"},
		"long ago":  {judgePods(w, restarted(5*time.Hour), nil, nil, now), Pass, "is ready", "", "-"},
		"no node for it": {judgePods(w, pod(func(p *corev1.Pod) {
			p.Status = corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes are available"}}}
		}), nil, nil, now), Fail, "Unschedulable: 0/3 nodes", "", "describe pod"},
		"not ready yet":   {judgePods(w, pod(func(p *corev1.Pod) { p.Status.Conditions = nil; p.CreationTimestamp.Time = now.Add(-5 * time.Second) }), nil, nil, now), Warn, "is not ready yet; it is 5s old", "", "logs"},
		"not ready":       {judgePods(w, pod(func(p *corev1.Pod) { p.Status.Conditions = nil; p.CreationTimestamp.Time = now.Add(-5 * time.Minute) }), nil, nil, now), Fail, "is not ready", "", "logs"},
		"no pod yet":      {judgePods(rolling, nil, nil, nil, now), Warn, "has no pod yet", "", "describe replicaset"},
		"no volume":       {judgePods(w, starting, event("Pod", "tbot-7d9f-x2x4", "FailedMount", `configmap "tbot-config" not found`), nil, now), Fail, `FailedMount: configmap "tbot-config" not found`, "", "logs"},
		"no pod":          {judgePods(w, nil, event("ReplicaSet", "tbot-7d9f", "FailedCreate", "exceeded quota: small"), nil, now), Fail, "has no pod: exceeded quota: small", "", "describe replicaset --selector app.kubernetes.io/name=tbot"},
		"another's event": {judgePods(w, nil, event("ReplicaSet", "web-7d9f", "FailedCreate", "exceeded quota: small"), nil, now), Fail, "Deployment default/tbot has no pod", "", "describe"},
		"the last goes":   {judgePods(w, going, nil, nil, now), Fail, "has no pod", "", "describe"},
		"none asked for":  {judgePods(scaled, nil, nil, nil, now), Skip, "TBC509", "", "-"},
		"tbot says": {
			judgePods(w, ready, nil, &Health{Code: 503, Body: `{"status":"unhealthy","services":{"identity":{"status":"healthy"},"ca-rotation":{"status":"unhealthy","reason":"access denied"}}}`}, now),
			Fail, "at /readyz: ca-rotation: access denied", "", "logs",
		},
		"an old tbot says OK": {judgePods(w, ready, nil, &Health{Code: 200, Body: "OK"}, now), Pass, "is ready", "", "-"},
	})
}

func TestConfigInForce(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w, _ := rendered(t, spec.JoinOIDC, spec.AccessIdentity)
	other := w
	other.Text += "# a change\n"
	withCA := w
	withCA.Beside = map[string]string{"proxy-ca.pem": "PEM"}
	began := func(w Workload, began, changed time.Time) Finding {
		w.Changed = changed
		facts := well(w, nil, "")
		pods, err := facts.Live.Pods(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pods[0].Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "tbot", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(began)}}}}
		return runInForce(t.Context(), facts, facts.Live)
	}
	hour := now.Add(-time.Hour)
	subPath := guided(t, func(w *Workload) {
		w.container().VolumeMounts[0] = corev1.VolumeMount{Name: "config", MountPath: "/config/tbot.yaml", SubPath: "tbot.yaml"}
	})
	judgedOn(t, map[string]verdict{
		"as made":                {began(w, hour, now), Pass, "made with this file", "", "-"},
		"changed since":          {began(other, hour, hour.Add(10*time.Minute)), Fail, "was changed 10m after pod tbot-7d9f-x2x4 began", "have read", "tbotctl.dev/config-checksum"},
		"changed and restarted":  {began(other, now, hour), Pass, "began after the last change", "", "-"},
		"changed, no time known": {began(other, hour, time.Time{}), Fail, "was changed after the pods were made", "have read", other.checksum()},
		"another file beside":    {began(withCA, hour, time.Time{}), Fail, "was changed after the pods were made", "", withCA.checksum()},
		"by hand":                {began(guided(t, nil), hour, time.Time{}), Skip, "nothing tells", "", "-"},
		"by hand, before":        {began(guided(t, nil), hour, hour.Add(-time.Minute)), Pass, "began after", "", "-"},
		"by hand, it works":      {began(guided(t, nil), hour, hour.Add(time.Minute)), Warn, "by the file of before it works", "", "rollout restart deployment tbot"},
		"by hand, it does not":   {began(guided(t, nil), hour, now), Fail, "1h after pod", "", "rollout restart deployment tbot"},
		"a mount that stays":     {began(subPath, now, now.Add(-30*time.Minute)), Warn, "30m after pod", "", "rollout restart"},
	})
}
