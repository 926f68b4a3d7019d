package tbot

import (
	"bytes"
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// kubeconfig is the file as kubectl reads it and tbot writes it (recordings/tbot-kubernetes-output.md); client-go's own type would
// bring a Kubernetes client into this package.
type kubeconfig struct {
	APIVersion     string        `json:"apiVersion"`
	Kind           string        `json:"kind"`
	Preferences    struct{}      `json:"preferences"`
	CurrentContext string        `json:"current-context"`
	Clusters       []kubeCluster `json:"clusters"`
	Contexts       []kubeContext `json:"contexts"`
	Users          []kubeUser    `json:"users"`
}

type kubeCluster struct {
	Name    string `json:"name"`
	Cluster struct {
		Server        string `json:"server"`
		TLSServerName string `json:"tls-server-name,omitempty"`
		CAData        []byte `json:"certificate-authority-data,omitempty"`
	} `json:"cluster"`
}

type kubeContext struct {
	Name    string `json:"name"`
	Context struct {
		Cluster   string `json:"cluster"`
		User      string `json:"user"`
		Namespace string `json:"namespace,omitempty"`
	} `json:"context"`
}

type kubeUser struct {
	Name string    `json:"name"`
	User kubeLogin `json:"user"`
}

type kubeLogin struct {
	ClientCertificateData []byte    `json:"client-certificate-data,omitempty"`
	ClientKeyData         []byte    `json:"client-key-data,omitempty"`
	Exec                  *kubeExec `json:"exec,omitempty"`
}

type kubeExec struct {
	APIVersion         string   `json:"apiVersion"`
	Command            string   `json:"command"`
	Args               []string `json:"args"`
	Env                []string `json:"env"`
	ProvideClusterInfo bool     `json:"provideClusterInfo"`
}

// newKubeconfig has one user and no context yet.
func newKubeconfig(user string, login kubeLogin) *kubeconfig {
	return &kubeconfig{
		APIVersion: "v1", Kind: "Config", Clusters: []kubeCluster{}, Contexts: []kubeContext{},
		Users: []kubeUser{{Name: user, User: login}},
	}
}

// login is what a kubeconfig lets its user in by: the credentials themselves, or tbot, which reads them from a directory whenever
// they are needed. Elsewhere than in a directory tbot would not find them (teleport-facts 6.3).
func login(identity *Identity, to tbotconfig.Destination, embed bool) (kubeLogin, error) {
	if embed || to.Type != tbotconfig.DestinationDirectory {
		return kubeLogin{ClientCertificateData: identity.certs.TLS, ClientKeyData: identity.key.private}, nil
	}
	dir, err := filepath.Abs(to.Path)
	if err != nil {
		return kubeLogin{}, fmt.Errorf("the destination: %w", err)
	}
	return kubeLogin{Exec: &kubeExec{
		APIVersion: "client.authentication.k8s.io/v1beta1", Command: tbotPath,
		Args: []string{"kube", "credentials", "--destination-dir=" + dir},
	}}, nil
}

// add puts a context with a cluster of the same name in, in place of one that is there under that name, as tbot does. The first one
// is current.
func (k *kubeconfig) add(name, server, namespace string, address kubeAddress, identity *Identity) {
	if k.CurrentContext == "" {
		k.CurrentContext = name
	}
	cluster, context := kubeCluster{Name: name}, kubeContext{Name: name}
	cluster.Cluster.Server, cluster.Cluster.TLSServerName, cluster.Cluster.CAData = server, address.serverName, identity.caData()
	context.Context.Cluster, context.Context.User, context.Context.Namespace = name, k.Users[0].Name, namespace
	k.Clusters = append(slices.DeleteFunc(k.Clusters, func(c kubeCluster) bool { return c.Name == name }), cluster)
	k.Contexts = append(slices.DeleteFunc(k.Contexts, func(c kubeContext) bool { return c.Name == name }), context)
}

// encode writes the file, its lists sorted by name as kubectl does it.
func (k *kubeconfig) encode() ([]byte, error) {
	slices.SortFunc(k.Clusters, func(a, b kubeCluster) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(k.Contexts, func(a, b kubeContext) int { return strings.Compare(a.Name, b.Name) })
	text, err := yaml.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return text, nil
}

// caData are the authorities that a Kubernetes client trusts the proxy by.
func (i *Identity) caData() []byte { return bytes.Join(i.certs.TLSCACerts, nil) }

// defaultNameTemplate names contexts and Argo CD's clusters where the output does not (teleport-facts 6.3).
const defaultNameTemplate = "{{.ClusterName}}-{{.KubeName}}"

// namer names a cluster by an output's template.
func namer(text string) (func(teleportCluster, kubeCluster string) (string, error), error) {
	parsed, err := template.New("name").Option("missingkey=error").Parse(cmp.Or(text, defaultNameTemplate))
	if err != nil {
		return nil, fmt.Errorf("the template %q: %w", text, err)
	}
	return func(teleportCluster, kubeCluster string) (string, error) {
		var name strings.Builder
		err := parsed.Execute(&name, struct{ ClusterName, KubeName string }{teleportCluster, kubeCluster})
		if err != nil {
			return "", fmt.Errorf("the template %q: %w", text, err)
		}
		return name.String(), nil
	}, nil
}
