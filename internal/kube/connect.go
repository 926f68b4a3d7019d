// Package kube is the Kubernetes cluster: it loads a kubeconfig as kubectl does, speaks to the API server and sorts its
// errors into kinds. It decides nothing; nobody else in tbotctl dials a Kubernetes cluster.
package kube

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"

	"k8s.io/client-go/dynamic"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // logins that a kubeconfig may ask for, as kubectl knows them
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// defaultRequestTimeout bounds a single request where --request-timeout does not: a silent API server must not hang a wizard.
const defaultRequestTimeout = 30 * time.Second

// Options choose the cluster, with the meaning that kubectl gives to the flags of the same names.
type Options struct {
	Kubeconfig     string
	Context        string
	As             string
	AsGroups       []string
	RequestTimeout time.Duration
	UserAgent      string
	// Explicit refuses to fall back to the kubeconfig's current context (cli.md: without a terminal nothing is taken from what happens to be current).
	Explicit bool
	// NoInput keeps the terminal's input from credential plugins: those that cannot do without fail. It is for looks in the
	// background, while somebody else reads the keys.
	NoInput bool
}

// Cluster is one Kubernetes cluster, seen with one user's credentials. It is safe for concurrent use.
type Cluster struct {
	config    *rest.Config
	anonymous *rest.Config
	objects   dynamic.Interface
	context   string
	// cluster is what the kubeconfig calls the cluster; empty in a pod.
	cluster string
	clock   *clock
}

// Connect loads the configuration and builds the clients; it sends nothing yet. Errors are of kind Config.
func Connect(o Options) (*Cluster, error) {
	loaded, err := load(o)
	if err != nil {
		return nil, &Error{Kind: Config, Doing: "reading the kubeconfig", Err: err}
	}
	return build(loaded, o)
}

// build makes the clients of a configuration.
func build(loaded loadedConfig, o Options) (*Cluster, error) {
	config := loaded.config
	config.UserAgent = o.UserAgent
	config.Timeout = o.RequestTimeout
	if config.Timeout == 0 {
		config.Timeout = defaultRequestTimeout
	}
	// A plan reads and applies a dozen objects; the default of 5 requests a second would be most of its time.
	config.QPS, config.Burst = 50, 100
	config.WarningHandlerWithContext = warned{}
	switch {
	case o.As == "" && len(o.AsGroups) > 0:
		return nil, &Error{Kind: Config, Doing: "reading the kubeconfig", Err: errors.New("--as-group impersonates nobody without --as")}
	case o.As != "":
		config.Impersonate = rest.ImpersonationConfig{UserName: o.As, Groups: o.AsGroups}
	}
	if config.ExecProvider != nil && o.NoInput {
		config.ExecProvider.StdinUnavailable = true
		config.ExecProvider.StdinUnavailableMessage = "the terminal is in use"
	}
	told := &clock{}
	config.Wrap(told.watch)
	client, err := httpClient(config)
	if err != nil {
		return nil, &Error{Kind: Config, Doing: "reading the kubeconfig", Err: err}
	}
	objects, err := dynamic.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, &Error{Kind: Config, Doing: "reading the kubeconfig", Err: err}
	}
	return &Cluster{
		config: config, anonymous: rest.AnonymousClientConfig(config), objects: objects, context: loaded.context, cluster: loaded.cluster, clock: told,
	}, nil
}

// Context is the kubeconfig context in use, or "in-cluster".
func (c *Cluster) Context() string { return c.context }

// Host is the API server's URL.
func (c *Cluster) Host() string { return strings.TrimSuffix(c.config.Host, "/") }

type loadedConfig struct {
	config                      *rest.Config
	context, cluster, namespace string
}

// read merges the kubeconfig files; the rules say which they are.
func read(o Options) (*clientcmdapi.Config, *clientcmd.ClientConfigLoadingRules, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	// Moving a kubeconfig from where it stood before Kubernetes 1.0 is no business of ours, nor is any other write into a home.
	rules.MigrationRules = nil
	if o.Kubeconfig != "" {
		if _, err := os.Stat(o.Kubeconfig); err != nil {
			return nil, nil, fmt.Errorf("--kubeconfig: %w", err)
		}
		rules.ExplicitPath = o.Kubeconfig
	}
	// clientcmd prints a warning for each listed file that is missing; our message names the files itself.
	rules.WarnIfAllMissing = false
	raw, err := rules.Load()
	return raw, rules, err
}

func load(o Options) (loadedConfig, error) {
	raw, rules, err := read(o)
	if err != nil {
		return loadedConfig{}, err
	}
	if clientcmdapi.IsConfigEmpty(raw) {
		if o.Kubeconfig != "" {
			return loadedConfig{}, fmt.Errorf("--kubeconfig: %s names no cluster", o.Kubeconfig)
		}
		return loadInCluster(rules, o)
	}
	name := o.Context
	switch {
	case name != "":
	case o.Explicit:
		return loadedConfig{}, fmt.Errorf("no --context given; without a terminal the current one is not taken (there are %s)", contexts(raw))
	case raw.CurrentContext == "":
		return loadedConfig{}, fmt.Errorf("no --context given and the kubeconfig has no current one (there are %s)", contexts(raw))
	default:
		name = raw.CurrentContext
	}
	entry, ok := raw.Contexts[name]
	if !ok {
		return loadedConfig{}, fmt.Errorf("context %s does not exist (there are %s)", spec.Quote(name), contexts(raw))
	}
	// clientcmd says of a missing cluster that there is no configuration at all, and without the user it goes on as nobody.
	if _, ok := raw.Clusters[entry.Cluster]; !ok {
		return loadedConfig{}, fmt.Errorf("context %s names the cluster %s, which the kubeconfig does not hold", spec.Quote(name), spec.Quote(entry.Cluster))
	}
	if _, ok := raw.AuthInfos[entry.AuthInfo]; !ok && entry.AuthInfo != "" {
		return loadedConfig{}, fmt.Errorf("context %s names the user %s, which the kubeconfig does not hold", spec.Quote(name), spec.Quote(entry.AuthInfo))
	}
	client := clientcmd.NewNonInteractiveClientConfig(*raw, name, &clientcmd.ConfigOverrides{}, rules)
	config, err := client.ClientConfig()
	if err != nil {
		return loadedConfig{}, err
	}
	return loadedConfig{config: config, context: name, cluster: entry.Cluster, namespace: entry.Namespace}, nil
}

func loadInCluster(rules *clientcmd.ClientConfigLoadingRules, o Options) (loadedConfig, error) {
	config, err := rest.InClusterConfig()
	switch {
	case err == nil && o.Context == "":
		return loadedConfig{config: config, context: "in-cluster"}, nil
	case err == nil:
		return loadedConfig{}, fmt.Errorf("there is no kubeconfig, hence no context %s; leave --context out to use the pod's own service account", spec.Quote(o.Context))
	case !errors.Is(err, rest.ErrNotInCluster):
		return loadedConfig{}, fmt.Errorf("the pod's own service account: %w", err)
	}
	return loadedConfig{}, fmt.Errorf("no kubeconfig found (looked at %s); give --kubeconfig FILE or set KUBECONFIG", strings.Join(rules.GetLoadingPrecedence(), ", "))
}

func contexts(raw *clientcmdapi.Config) string {
	names := slices.Sorted(maps.Keys(raw.Contexts))
	if len(names) == 0 {
		return "none"
	}
	const most = 12
	shown := make([]string, 0, most+1)
	for i, name := range names {
		if i == most {
			shown = append(shown, fmt.Sprintf("and %d more", len(names)-most))
			break
		}
		shown = append(shown, spec.Quote(name))
	}
	return strings.Join(shown, ", ")
}

// ServerVersion is the API server's release, such as v1.36.3. Any user may read it on most clusters.
func (c *Cluster) ServerVersion(ctx context.Context) (string, error) {
	var version struct {
		GitVersion string `json:"gitVersion"`
	}
	if err := c.readJSON(ctx, "/version", &version); err != nil {
		return "", err
	}
	return version.GitVersion, nil
}

// CurrentNamespace is the namespace that kubectl would take, "default" where the context names none, and empty where there is
// no such context.
func CurrentNamespace(o Options) string {
	loaded, err := load(o)
	if err != nil {
		return ""
	}
	if loaded.namespace == "" {
		return "default"
	}
	return loaded.namespace
}
