package checks

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// What tbot reads in its container.
const (
	envTokenPath = "KUBERNETES_TOKEN_PATH" //nolint:gosec // the name of a variable
	envNamespace = "POD_NAMESPACE"
	// defaultToken is what tbot joins with where nothing names another file (field-notes P10).
	defaultToken = "/var/run/secrets/kubernetes.io/serviceaccount/token" //nolint:gosec // a path
)

// lived gives a check the facts of a setup that lives.
func lived(look func(context.Context, *Facts, *Live) Finding) func(context.Context, *Facts) Finding {
	return func(ctx context.Context, f *Facts) Finding {
		if f.Live == nil {
			return Finding{Status: Skip, Observed: "no setup that lives is looked at"}
		}
		return look(ctx, f, f.Live)
	}
}

// installed is lived for what looks at the workload: a check may be asked for alone, without what it needs.
func installed(look func(context.Context, *Facts, *Live) Finding) func(context.Context, *Facts) Finding {
	return lived(func(ctx context.Context, f *Facts, l *Live) Finding {
		if !l.Workload.found() {
			return skipped("no tbot was found")
		}
		return look(ctx, f, l)
	})
}

// configured is installed for what looks at tbot.yaml, as far as it could be read.
func configured(look func(context.Context, *Facts, *Live) Finding) func(context.Context, *Facts) Finding {
	return installed(func(ctx context.Context, f *Facts, l *Live) Finding {
		if l.Workload.ConfigErr != nil {
			return skipped("tbot.yaml was not read")
		}
		return look(ctx, f, l)
	})
}

func (w Workload) found() bool {
	return w.Deployment != nil && w.Container >= 0 && w.Container < len(w.pod().Containers)
}

func skipped(why string) Finding { return Finding{Status: Skip, Observed: why} }

// fetched asks for a fact that a run may lack; a nil finding means that it is there.
func fetched[T any](ctx context.Context, fetch func(context.Context) (T, error), without string) (T, *Finding) {
	var none T
	if fetch == nil {
		finding := skipped(without)
		return none, &finding
	}
	value, err := fetch(ctx)
	if err != nil {
		finding := unknown(err)
		return none, &finding
	}
	return value, nil
}

// serverNow is the time by the API server's clock where that is known, for what stands in Kubernetes is of that clock.
func (l *Live) serverNow(ctx context.Context) time.Time {
	if l.Now != nil {
		return l.Now()
	}
	now := time.Now()
	if l.Clocks == nil {
		return now
	}
	clocks, err := l.Clocks(ctx)
	if err != nil {
		return now
	}
	for _, clock := range clocks {
		if clock.Whose == clockKubernetes && clock.Err == nil {
			return now.Add(clock.Ahead)
		}
	}
	return now
}

// joinType is the type of the join token, empty where it is not known.
func (l *Live) joinType(ctx context.Context) spec.JoinType {
	if l.Token == nil {
		return ""
	}
	token, err := l.Token(ctx)
	if err != nil || token == nil || token.Spec.Kubernetes == nil {
		return ""
	}
	if token.Spec.Kubernetes.Type == "" {
		return spec.JoinInCluster // Teleport's default (teleport-facts 3.6)
	}
	return spec.JoinType(token.Spec.Kubernetes.Type)
}

func (w Workload) name() string { return w.Deployment.Namespace + "/" + w.Deployment.Name }

func (w Workload) pod() *corev1.PodSpec { return &w.Deployment.Spec.Template.Spec }

func (w Workload) container() *corev1.Container { return &w.pod().Containers[w.Container] }

func (w Workload) serviceAccount() string {
	if name := w.pod().ServiceAccountName; name != "" {
		return name
	}
	return "default"
}

// env gives the value of a variable as the container will see it. set tells that it is there; where its value comes from elsewhere,
// from says where, and value is empty.
func (w Workload) env(name string) (value, from string, set bool) {
	known := []string{}
	for _, e := range w.container().Env {
		if e.ValueFrom == nil {
			// Kubernetes puts earlier variables in the place of $(NAME).
			e.Value = strings.NewReplacer(known...).Replace(e.Value)
			known = append(known, "$("+e.Name+")", e.Value)
		}
		if e.Name != name {
			continue
		}
		value, from, set = e.Value, "", true
		if v := e.ValueFrom; v != nil {
			switch {
			case v.FieldRef != nil:
				from = v.FieldRef.FieldPath
			case v.ConfigMapKeyRef != nil:
				from = "ConfigMap " + v.ConfigMapKeyRef.Name
			default:
				from = "another object"
			}
		}
	}
	return value, from, set
}

// elsewhere tells where variables may come from that the Deployment does not hold itself.
func (w Workload) elsewhere() string {
	for _, source := range w.container().EnvFrom {
		switch {
		case source.ConfigMapRef != nil:
			return "ConfigMap " + source.ConfigMapRef.Name
		case source.SecretRef != nil:
			return "Secret " + source.SecretRef.Name
		}
	}
	return ""
}

// tokenFile is a projected service account token that tbot's container sees.
type tokenFile struct {
	// path is in the container; at is the JSON pointer of its source in the Deployment.
	path, at string
	audience string
	lifetime time.Duration
}

// tokenFiles are the tokens that a volume projects into tbot's container.
func (w Workload) tokenFiles() []tokenFile {
	var found []tokenFile
	for _, mount := range w.container().VolumeMounts {
		for v, volume := range w.pod().Volumes {
			if volume.Name != mount.Name || volume.Projected == nil {
				continue
			}
			for s, source := range volume.Projected.Sources {
				token := source.ServiceAccountToken
				if token == nil {
					continue
				}
				file, seen := inMount(mount, token.Path)
				if !seen || sameFile(file, defaultToken) {
					continue
				}
				lifetime := time.Hour // what Kubernetes takes where nothing is said
				if token.ExpirationSeconds != nil {
					lifetime = time.Duration(*token.ExpirationSeconds) * time.Second
				}
				found = append(found, tokenFile{
					path: file, audience: token.Audience, lifetime: lifetime,
					at: fmt.Sprintf("/spec/template/spec/volumes/%d/projected/sources/%d/serviceAccountToken", v, s),
				})
			}
		}
	}
	return found
}

// inMount is where a file of a volume lies in the container, if the mount shows it at all.
func inMount(mount corev1.VolumeMount, file string) (string, bool) {
	if mount.SubPath == "" {
		return path.Join(mount.MountPath, file), true
	}
	rest, inside := strings.CutPrefix(path.Clean(file), path.Clean(mount.SubPath))
	return path.Join(mount.MountPath, rest), inside && (rest == "" || rest[0] == '/')
}

// sameFile compares paths as tbot's images have them, where /var/run is a link to /run.
func sameFile(a, b string) bool {
	resolved := func(file string) string {
		if rest, linked := strings.CutPrefix(path.Clean(file), "/var/run/"); linked {
			return "/run/" + rest
		}
		return path.Clean(file)
	}
	return resolved(a) == resolved(b)
}

// readPath is the file that tbot takes its token from, and what says so. Where that cannot be told, from names the reason.
func (w Workload) readPath() (file, said, from string) {
	if named := w.Config.Onboarding.Kubernetes.TokenPath; named != "" {
		return named, "token_path of tbot.yaml", ""
	}
	value, from, set := w.env(envTokenPath)
	switch {
	case set && from != "":
		return "", envTokenPath, from
	case value != "":
		return value, envTokenPath, ""
	case !set && w.elsewhere() != "":
		return "", envTokenPath, w.elsewhere() + ", if it is set there"
	}
	return defaultToken, "no " + envTokenPath, ""
}

// joinToken is the projected token that tbot reads, else the one that seems meant for it; ok is false where there is none.
func (w Workload) joinToken(clusterName string) (token tokenFile, ok bool) {
	files := w.tokenFiles()
	if len(files) == 0 {
		return tokenFile{}, false
	}
	read, _, _ := w.readPath()
	for _, file := range files {
		if read != "" && sameFile(file.path, read) {
			return file, true
		}
	}
	for _, file := range files {
		if file.audience == clusterName {
			return file, true
		}
	}
	return files[0], true
}

// inValues says where an expectation belongs, for what is patched beside Helm lasts until the next upgrade, and beside what applies
// from Git not even so long. value is that of the official Helm chart.
func (w Workload) inValues(value string) string {
	switch w.Manager {
	case "Helm":
		return " (" + value + " in the values of the Helm release)"
	case "Argo CD", "Flux", "Terraform":
		return " (in the source that " + w.Manager + " applies, or it undoes the change)"
	}
	return ""
}
