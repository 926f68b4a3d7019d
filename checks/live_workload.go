package checks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// The checks of a Deployment that runs tbot, whoever made it.
const (
	TbotInstalled  ID = "TBC502"
	ConfigReads    ID = "TBC503"
	TokenAudience  ID = "TBC504"
	TokenLifetime  ID = "TBC505"
	TokenPath      ID = "TBC506"
	NamespaceKnown ID = "TBC507"
	ImageSuits     ID = "TBC508"
	OneTbot        ID = "TBC509"
	ProbesAsk      ID = "TBC510"
	ConfigInForce  ID = "TBC511"
	ProxyWritten   ID = "TBC512"
	ProxiesLeave   ID = "TBC513"
	PodsRun        ID = "TBC514"
	ReadyzHealthy  ID = "TBC515"
)

func liveWorkloadChecks() []Check {
	deployment, file := []ID{TbotInstalled}, []ID{ConfigReads}
	return []Check{
		{
			ID: TbotInstalled, Category: CategoryWorkload, Stage: Diagnosis, Title: "a tbot is installed",
			Run: lived(func(_ context.Context, f *Facts, l *Live) Finding {
				return judgeInstalled(f.Setup.Kubernetes.Namespace, l.Workload)
			}),
		},
		{
			ID: ConfigReads, Category: CategoryWorkload, Stage: Diagnosis, Needs: deployment, Title: "tbot.yaml is there and tbot can read it",
			Run: installed(func(_ context.Context, _ *Facts, l *Live) Finding { return judgeConfig(l.Workload) }),
		},
		{
			ID: TokenAudience, Category: CategoryWorkload, Stage: Diagnosis, Needs: deployment, Problems: []string{"P01"}, Title: "the pod's token is meant for the Teleport cluster",
			Run: installed(func(ctx context.Context, f *Facts, l *Live) Finding {
				proxy, lacking := fetched(ctx, f.Proxy, "the Teleport proxy is not known, and so not its cluster's name")
				if lacking != nil {
					return *lacking
				}
				return judgeAudience(l.Workload, proxy.ClusterName, l.joinType(ctx))
			}),
		},
		{
			ID: TokenLifetime, Category: CategoryWorkload, Stage: Diagnosis, Needs: deployment, Problems: []string{"P09"}, Title: "the pod's token lives no longer than Teleport takes",
			Run: installed(func(ctx context.Context, _ *Facts, l *Live) Finding {
				return judgeLifetime(l.Workload, l.joinType(ctx))
			}),
		},
		{
			ID: TokenPath, Category: CategoryWorkload, Stage: Diagnosis, Needs: deployment, Problems: []string{"P08", "P10"}, Title: "tbot reads the token that is mounted for it",
			Run: installed(func(ctx context.Context, f *Facts, l *Live) Finding {
				name := ""
				if f.Proxy != nil {
					// Only for the fix; without it the fix says so.
					if proxy, err := f.Proxy(ctx); err == nil {
						name = proxy.ClusterName
					}
				}
				return judgeTokenPath(l.Workload, name, l.joinType(ctx))
			}),
		},
		{
			ID: NamespaceKnown, Category: CategoryWorkload, Stage: Diagnosis, Needs: file, Problems: []string{"P19"}, Title: "tbot knows the namespace of its Secrets",
			Run: configured(func(_ context.Context, _ *Facts, l *Live) Finding { return judgeOwnNamespace(l.Workload) }),
		},
		{
			ID: ImageSuits, Category: CategoryWorkload, Stage: Diagnosis, Needs: deployment, Problems: []string{"P33"}, Title: "the image is there and its version suits the server", Run: installed(runImage),
		},
		{
			ID: OneTbot, Category: CategoryWorkload, Stage: Diagnosis, Needs: deployment, Problems: []string{"P36"}, Title: "one tbot runs at a time",
			Run: installed(func(_ context.Context, _ *Facts, l *Live) Finding { return judgeOneTbot(l.Workload) }),
		},
		{
			ID: ProbesAsk, Category: CategoryWorkload, Stage: Diagnosis, Needs: deployment, Problems: []string{"P40"}, Title: "probes ask tbot how it is",
			Run: installed(func(_ context.Context, _ *Facts, l *Live) Finding { return judgeProbes(l.Workload) }),
		},
		{
			ID: ConfigInForce, Category: CategoryWorkload, Stage: Diagnosis, Needs: file, Problems: []string{"P41"}, Title: "the pods run by the tbot.yaml that is there",
			Run: configured(runInForce),
		},
		{
			ID: ProxyWritten, Category: CategoryWorkload, Stage: Diagnosis, Needs: file, Problems: []string{"P31"}, Title: "tbot.yaml gives the proxy as host and port",
			Run: configured(func(_ context.Context, _ *Facts, l *Live) Finding { return judgeProxyServer(l.Workload) }),
		},
		{
			ID: ProxiesLeave, Category: CategoryWorkload, Stage: Diagnosis, Needs: file, Problems: []string{"P39"}, Title: "the proxy variables leave the API server out",
			Run: configured(func(_ context.Context, _ *Facts, l *Live) Finding { return judgeProxies(l.Workload) }),
		},
		{
			ID: PodsRun, Category: CategoryWorkload, Stage: Diagnosis, Needs: deployment, Symptom: true, Problems: []string{"P19", "P20", "P33", "P38"}, Title: "the pods run", Run: installed(runPods),
		},
		{
			ID: ReadyzHealthy, Category: CategoryWorkload, Stage: Diagnosis, Needs: deployment, Symptom: true, Title: "tbot says at /readyz that it is healthy",
			Run: installed(func(ctx context.Context, _ *Facts, l *Live) Finding {
				if l.MaxAge == 0 {
					return skipped("part of " + string(PodsRun) + " here; tbotctl verify --evidence asks it by itself")
				}
				return l.readyz(ctx).finding
			}),
		},
	}
}

// judgeInstalled looks at what was found before any check ran.
func judgeInstalled(namespace string, w Workload) Finding {
	if !w.found() {
		observed, fix := "no Deployment runs tbot", "tbotctl init"
		if namespace != "" {
			observed += " in namespace " + namespace
			fix += " --namespace " + spec.ShellWord(namespace)
		}
		return Finding{Status: Fail, Observed: observed, Expected: "a Deployment with the image tbot-distroless, or with the arguments of tbot", Fix: fix}
	}
	observed := "Deployment " + w.name()
	if w.Manager != "" {
		observed += ", managed by " + w.Manager
	}
	return passed(observed)
}

// judgeConfig is as strict as tbot.
func judgeConfig(w Workload) Finding {
	where := "ConfigMap " + w.Deployment.Namespace + "/" + w.ConfigMap
	switch {
	case w.ConfigErr != nil && (w.ConfigMap == "" || notSeen(w.ConfigErr)):
		return unknown(w.ConfigErr)
	case w.ConfigErr != nil:
		return Finding{
			Status: Fail, Observed: where + ": " + w.ConfigErr.Error(), Expected: "the tbot.yaml that Deployment " + w.name() + " mounts",
			// As it stands it makes the ConfigMap, or adds the file to it.
			Fix: w.kubectl("create", "configmap", w.ConfigMap, "--from-file", w.Key+"=tbot.yaml", "--dry-run=client", "--output", "yaml") + " | kubectl apply --server-side --filename -",
			Err: w.ConfigErr,
		}
	case w.Problem != nil:
		return Finding{
			Status: Fail, Observed: where + ": " + w.Problem.Error(), Expected: "a tbot.yaml of version v2 without unknown keys: tbot refuses the rest",
			Fix: w.rewrite("", ""), Err: w.Problem,
		}
	}
	return passed(where + ", key " + spec.Quote(w.Key))
}

// notSeen tells an answer of the API server, or none, from what was found there.
func notSeen(err error) bool {
	var status apierrors.APIStatus
	var network net.Error
	return errors.As(err, &status) && !apierrors.IsNotFound(err) || errors.As(err, &network) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// judgeAudience holds the projected token to the cluster's name. For in_cluster the API server's own audience does as well, which
// is that of a token without one (teleport-facts 3.4).
func judgeAudience(w Workload, clusterName string, join spec.JoinType) Finding {
	token, found := w.joinToken(clusterName)
	switch {
	case !found:
		return skipped("no service account token is projected into the container: see " + string(TokenPath))
	case token.audience == clusterName:
		return passed(spec.Quote(clusterName))
	case join == spec.JoinInCluster && (token.audience == "" || strings.HasPrefix(token.audience, "https://")):
		return passed(audienceText(token.audience) + ", which is right for a join token of type in_cluster")
	case join == "" && token.audience == "":
		return Finding{
			Status: Unknown, Observed: "the projected token has no audience, which is right for in_cluster alone; the type of the join token is not known",
			Expected: spec.Quote(clusterName) + ", for any other type",
		}
	}
	finding := Finding{
		Status: Fail, Observed: "the projected token has " + audienceText(token.audience),
		Expected: spec.Quote(clusterName) + ", the name of the Teleport cluster" + w.inValues("clusterName"),
		Fix:      w.patch(change{"add", token.at + "/audience", clusterName}),
	}
	if host, _, _ := strings.Cut(token.audience, ":"); host == clusterName {
		finding.Observed += ": the name with a port"
	}
	return finding
}

func audienceText(audience string) string {
	if audience == "" {
		return "no audience, so the API server's own"
	}
	return "the audience " + spec.Quote(audience)
}

// judgeLifetime follows Teleport's limit for static_jwks and oidc; in_cluster has none (teleport-facts 3.2 to 3.4).
func judgeLifetime(w Workload, join spec.JoinType) Finding {
	token, found := w.joinToken("")
	observed := "expirationSeconds of the projected token is " + fmt.Sprint(int(token.lifetime/time.Second))
	switch {
	case !found:
		return skipped("no service account token is projected into the container: see " + string(TokenPath))
	case token.lifetime <= maxLifetime:
		return passed(roundly(token.lifetime))
	case join == spec.JoinInCluster:
		return passed(roundly(token.lifetime) + ", which a join token of type in_cluster does not limit")
	}
	finding := Finding{Status: Fail, Observed: observed, Expected: "600, the least that Kubernetes gives, and at most 1800", Fix: w.patch(change{"add", token.at + "/expirationSeconds", 600})}
	if join == "" {
		finding.Status = Warn
		finding.Observed += "; that is too long unless the join token is of type in_cluster, which is not known"
	}
	return finding
}

// judgeTokenPath joins the three values that have to agree: the variable, the mount and the projected path.
func judgeTokenPath(w Workload, clusterName string, join spec.JoinType) Finding {
	read, said, from := w.readPath()
	token, projected := w.joinToken(clusterName)
	switch {
	case from != "":
		return Finding{Status: Unknown, Observed: said + " comes from " + from + ", which was not read", Expected: token.path}
	case projected && sameFile(token.path, read):
		return passed(token.path)
	case join == spec.JoinInCluster && sameFile(read, defaultToken) && w.mountsDefaultToken(nil):
		return passed("the pod's own token, which is right for a join token of type in_cluster")
	}
	finding := Finding{Status: Fail, Observed: said + ", so tbot reads " + read, Expected: token.path + ", where the projected token is mounted"}
	if said == envTokenPath {
		finding.Observed = envTokenPath + " is " + spec.Quote(read)
	}
	if secret := w.secretAt(read); secret != "" {
		finding.Observed += ", a file of Secret " + secret + ": a token that is bound to no pod"
	} else if sameFile(read, defaultToken) {
		finding.Observed += ", the pod's own token, which is meant for the API server"
	}
	switch {
	case projected:
		finding.Fix = w.patch(w.withEnv(corev1.EnvVar{Name: envTokenPath, Value: token.path}))
	case join == spec.JoinInCluster && sameFile(read, defaultToken):
		finding.Observed = "no service account token is mounted: automountServiceAccountToken is false"
		finding.Expected, finding.Fix = "the pod's own token or a projected one", w.patch(w.projectToken(clusterName)...)
	case join == "" && sameFile(read, defaultToken):
		finding.Status = Unknown
		finding.Observed += "; that is right for in_cluster alone, and the type of the join token is not known"
		finding.Expected = "a projected token, for any other type"
	default:
		finding.Expected = "a service account token that a projected volume binds to the pod"
		if clusterName != "" {
			finding.Fix = w.patch(w.projectToken(clusterName)...)
		}
	}
	return finding
}

// mountsDefaultToken tells whether the pod gets a token for the API server: by itself, unless the pod or else its service account says
// no, or by a volume at the same place. account is nil where it was not seen.
func (w Workload) mountsDefaultToken(account *corev1.ServiceAccount) bool {
	for _, mount := range w.container().VolumeMounts {
		if sameFile(mount.MountPath, path.Dir(defaultToken)) || sameFile(mount.MountPath, defaultToken) {
			return true
		}
	}
	automount := w.pod().AutomountServiceAccountToken
	if automount == nil && account != nil {
		automount = account.AutomountServiceAccountToken
	}
	return automount == nil || *automount
}

// secretAt is the Secret that a path in the container is a file of.
func (w Workload) secretAt(file string) string {
	for _, mount := range w.container().VolumeMounts {
		if file != mount.MountPath && !strings.HasPrefix(file, strings.TrimSuffix(mount.MountPath, "/")+"/") {
			continue
		}
		for _, volume := range w.pod().Volumes {
			if volume.Name == mount.Name && volume.Secret != nil {
				return volume.Secret.SecretName
			}
		}
	}
	return ""
}

// projectToken gives the pod what it needs to join: volume, mount and variable.
func (w Workload) projectToken(audience string) []change {
	const name, folder, file = "tbot-join-token", "/var/run/secrets/tbot-join", "join-sa-token"
	seconds := int64(600)
	volume := map[string]any{"name": name, "projected": map[string]any{"sources": []any{map[string]any{
		"serviceAccountToken": map[string]any{"path": file, "expirationSeconds": seconds, "audience": audience},
	}}}}
	mount := map[string]any{"name": name, "mountPath": folder, "readOnly": true}
	changes := []change{{"add", "/spec/template/spec/volumes/-", volume}, {"add", w.inContainer("volumeMounts/-"), mount}}
	if len(w.pod().Volumes) == 0 {
		changes[0] = change{"add", "/spec/template/spec/volumes", []any{volume}}
	}
	if len(w.container().VolumeMounts) == 0 {
		changes[1] = change{"add", w.inContainer("volumeMounts"), []any{mount}}
	}
	return append(changes, w.withEnv(corev1.EnvVar{Name: envTokenPath, Value: folder + "/" + file}))
}

// judgeOwnNamespace is about Secrets without a namespace: a kubernetes_secret ends tbot at its start, and one of Argo CD goes to the
// namespace default (teleport-facts 6.3, 6.6).
func judgeOwnNamespace(w Workload) Finding {
	var need string
	if homeless := w.homeless(); len(homeless) > 0 {
		need = "Secret " + homeless[0]
	}
	for _, output := range w.argoOutputs() {
		if need == "" && output.SecretNamespace == "" {
			need = "Argo CD's Secrets"
		}
	}
	own := corev1.EnvVar{Name: envNamespace, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"}}}
	value, from, set := w.env(envNamespace)
	switch {
	case need == "":
		return passed("nothing in tbot.yaml depends on it")
	case from == "metadata.namespace" || value == w.Deployment.Namespace:
		return passed(w.Deployment.Namespace)
	case value != "":
		return Finding{
			Status: Warn, Observed: envNamespace + " is " + spec.Quote(value) + ", so there tbot writes " + need, Expected: spec.Quote(w.Deployment.Namespace) + ", the pod's own namespace",
			Fix: w.patch(w.withEnv(own)),
		}
	case from != "" || !set && w.elsewhere() != "":
		if from == "" {
			from = w.elsewhere() + ", if it is set there"
		}
		return Finding{Status: Unknown, Observed: envNamespace + " comes from " + from + ", which was not read", Expected: spec.Quote(w.Deployment.Namespace)}
	}
	observed := "no " + envNamespace + " in the container, so tbot ends at its start: it cannot tell where " + need + " belongs"
	if strings.HasPrefix(need, "Argo") {
		observed = "no " + envNamespace + " in the container, so tbot writes " + need + " into namespace default"
		if w.Deployment.Namespace == "default" {
			return passed("default")
		}
	}
	return Finding{Status: Fail, Observed: observed, Expected: envNamespace + " from the field metadata.namespace", Fix: w.patch(w.withEnv(own))}
}
