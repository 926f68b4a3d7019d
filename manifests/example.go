package manifests

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/templates"
)

// ExampleKind is a way to consume the credentials that tbot writes.
type ExampleKind string

// The kinds; each has a template of its name.
const (
	ExamplePod     ExampleKind = "pod"
	ExampleCronJob ExampleKind = "cronjob"
	ExampleCI      ExampleKind = "ci"
)

// ExampleKinds are all kinds, the plainest first.
func ExampleKinds() []ExampleKind { return []ExampleKind{ExamplePod, ExampleCronJob, ExampleCI} }

// Paths in the pod of an example, and how its name ends. With --name's 45 characters the name of a CronJob still fits its 52.
const (
	exampleFolder   = "/var/run/tbot"
	exampleCAFolder = "/var/run/teleport-ca"
	exampleScratch  = "/tmp"
	exampleSuffix   = "-client"
)

// What the examples run. kubectl's image is Kubernetes' own; its release is that of the client-go that tbotctl is built with, so that
// the tag exists.
const (
	kubectlImage    = "registry.k8s.io/kubectl:v1.36.3"
	clientImage     = "teleport-distroless"
	clientImageFIPS = "teleport-ent-fips-distroless"
)

// exampleView is what the templates of the examples read.
type exampleView struct {
	Name, Namespace     string
	Labels, Annotations map[string]string
	// Secret is the one that is mounted; OtherSecrets hold the same for other clusters.
	Secret       string
	OtherSecrets []string
	Image        string
	PullSecret   string
	// Contexts are those of the kubeconfig, as far as its clusters are known.
	Contexts []string
	// Command is what the container runs, Instead another program that takes the same file.
	Command, Instead []string
	Env              map[string]string
	Requests, Limits map[string]string
	// OpenShift assigns uid and groups.
	OpenShift bool
	// ProxyCA tells that the client has to be told whom to trust, by the ConfigMap of tbot.
	ProxyCA                   bool
	ConfigMap, ProxyCAFile    string
	Folder, CAFolder, Scratch string
}

// Example returns the manifest of a consumer of what the Setup's tbot writes: one YAML document with its comments, ending in a newline.
// It is pure as Render is and needs less: names and versions that the answers have not are left out or asked for. An error that is
// ErrNotReady says what is missing, *spec.Invalid which answers are wrong or hand out nothing that a pod could mount.
func Example(s spec.Setup, kind ExampleKind) ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	v, err := newExample(s)
	if err != nil {
		return nil, err
	}
	parsed, err := template.New("").Option("missingkey=error").Funcs(functions()).ParseFS(templates.FS, "examples/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the templates: %w", err)
	}
	var outside, pod bytes.Buffer
	if err := errors.Join(parsed.ExecuteTemplate(&outside, string(kind)+".yaml", v), parsed.ExecuteTemplate(&pod, "podspec.yaml", v)); err != nil {
		return nil, fmt.Errorf("rendering the example: %w", err)
	}
	return under(outside.String(), pod.String()), nil
}

// under puts a part below the last line of a text, two columns deeper than that line begins.
func under(text, part string) []byte {
	last := text[strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n")+1:]
	indent := strings.Repeat(" ", len(last)-len(strings.TrimLeft(last, " "))+2)
	var b bytes.Buffer
	b.WriteString(text)
	for line := range strings.Lines(part) {
		b.WriteString(indent + line)
	}
	return b.Bytes()
}

func newExample(s spec.Setup) (exampleView, error) {
	n, w := s.Names(), s.Workload
	v := exampleView{
		Name: s.Name + exampleSuffix, Namespace: n.Namespace, PullSecret: w.PullSecret, Requests: w.Requests, Limits: w.Limits, OpenShift: s.OnOpenShift(),
		// Not the labels of tbot's own pods: its Deployment selects by them.
		Labels: merged(w.Labels, map[string]string{spec.LabelName: s.Name + exampleSuffix}), Annotations: merged(w.Annotations),
		Env:       merged(egress(w.Env), map[string]string{"HOME": exampleScratch}),
		ConfigMap: n.ConfigMap, ProxyCAFile: ProxyCAFile, Folder: exampleFolder, CAFolder: exampleCAFolder, Scratch: exampleScratch,
	}
	if n.Namespace == "" {
		return v, fmt.Errorf("%w: missing --namespace", ErrNotReady)
	}
	if secrets := tbotconfig.Own(s).Secrets(); len(secrets) > 0 {
		v.Secret, v.OtherSecrets = secrets[0], secrets[1:]
	}
	switch {
	case s.Access == spec.AccessIdentity:
		return v.identity(s)
	case s.Access == spec.AccessKubernetes && v.Secret == "":
		return v, fmt.Errorf("%w: missing --kube-cluster; this release of tbot writes a Secret for each cluster that is named", ErrNotReady)
	case s.Access == spec.AccessKubernetes:
		return v.kubernetes(s), nil
	case s.Access == spec.AccessNone:
		return v, noExample("none hands out no credentials, so that there is nothing to use", "choose an access that does")
	}
	return v, noExample(string(s.Access)+" writes no Secret that a pod mounts", "there is nothing to print for it")
}

func noExample(problem, fix string) error {
	return &spec.Invalid{Fields: []spec.FieldError{{Flag: "access", Problem: problem, Fix: fix}}}
}

// identity lists servers by tsh, which stands in the same image as tctl.
func (v exampleView) identity(s spec.Setup) (exampleView, error) {
	var missing []string
	if s.Teleport.Proxy == "" {
		missing = append(missing, "--proxy")
	}
	version := ExampleVersion(s)
	if version == "" {
		missing = append(missing, "--tbot-version")
	}
	if len(missing) > 0 {
		return v, fmt.Errorf("%w: missing %s", ErrNotReady, strings.Join(missing, ", "))
	}
	name := clientImage
	if tbotconfig.For(s).FIPS {
		name = clientImageFIPS
	}
	registry := strings.TrimSuffix(s.Workload.Registry, "/")
	if registry == "" {
		registry = spec.DefaultRegistry
	}
	v.Image = registry + "/" + name + ":" + version
	v.Command = []string{"tsh", "--identity=" + exampleFolder + "/identity", "--proxy=" + s.Teleport.Proxy, "ls"}
	v.Instead = []string{"tctl", "--identity=" + exampleFolder + "/identity", "--auth-server=" + s.Teleport.Proxy, "get", "nodes"}
	if s.Teleport.ProxyCA != "" {
		v.ProxyCA = true
		v.Env["SSL_CERT_FILE"] = exampleCAFolder + "/" + ProxyCAFile
	}
	return v, nil
}

// ExampleVersion is the release of the Teleport client that an example runs: that of tbot, which follows the server and has a published
// image; empty where the answers tell none.
func ExampleVersion(s spec.Setup) string {
	versions := []string{s.Workload.TbotVersion}
	if r := s.Resolved; r != nil {
		versions = append(versions, r.Image[strings.LastIndex(r.Image, ":")+1:], r.ServerVersion)
	}
	i := slices.IndexFunc(versions, spec.IsRelease)
	if i < 0 {
		return ""
	}
	return strings.TrimPrefix(versions[i], "v")
}

// kubernetes lists pods by kubectl. The kubeconfig carries its own trust, so that the proxy's authority is not needed.
func (v exampleView) kubernetes(s spec.Setup) exampleView {
	v.Image = kubectlImage
	v.Env["KUBECONFIG"] = exampleFolder + "/kubeconfig.yaml"
	v.Contexts = contexts(s, len(v.OtherSecrets) > 0)
	v.Command = []string{"kubectl"}
	if len(v.Contexts) > 0 {
		v.Command = append(v.Command, "--context="+v.Contexts[0])
	}
	if len(s.Reach.Users) > 1 {
		// Teleport refuses a request that does not say as which of several users it comes (field-notes P26).
		v.Command = append(v.Command, "--as="+s.Reach.Users[0])
	}
	v.Command = append(v.Command, "get", "pods")
	switch {
	case s.Reach.Namespace != "":
		v.Command = append(v.Command, "--namespace="+s.Reach.Namespace)
	case s.MakesRole():
		v.Command = append(v.Command, "--all-namespaces")
	}
	return v
}

// contexts are named as tbot's default context_name_template does (teleport-facts 6.3): by both clusters. With a Secret for each
// cluster, the first holds the first one's alone.
func contexts(s spec.Setup, one bool) []string {
	cluster, names := s.Teleport.ClusterName, slices.Clone(s.Reach.Clusters)
	if r := s.Resolved; r != nil {
		cluster = r.ClusterName
		for _, c := range r.KubeClusters {
			if !slices.Contains(names, c.Name) {
				names = append(names, c.Name)
			}
		}
	}
	if cluster == "" || len(names) == 0 {
		return nil
	}
	if one {
		names = names[:1]
	}
	for i, name := range names {
		names[i] = cluster + "-" + name
	}
	return names
}

// egress are the variables that say how anything gets out of the pod's network; the others are tbot's own.
func egress(env map[string]string) map[string]string {
	kept := map[string]string{}
	for name, value := range env {
		if slices.Contains([]string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}, strings.ToUpper(name)) {
			kept[name] = value
		}
	}
	return kept
}
