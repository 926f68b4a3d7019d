package tbot

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// OutputResult is what became of one output.
type OutputResult struct {
	// Name tells outputs apart in tbot's log and under /readyz: the given one, or <type>-<n>.
	Name, Type string
	// Destination is the configured one, also where Destinations.Nowhere kept it from being written; zero for a type without one.
	Destination tbotconfig.Destination
	// Artifacts are the files; nil where Err or NotExercised is set, and for an output that writes Secrets of its own.
	Artifacts *Artifacts
	// Identity is the certificate of the output; nil where none was made.
	Identity *Identity
	// Clusters are the Kubernetes clusters that the output reaches, sorted.
	Clusters []string
	// Contexts name, by cluster, the context of kubeconfig.yaml that reaches it. A cluster is not among them where the output's template
	// gives a later one the same context.
	Contexts map[string]string
	// Namespaces are, by cluster, those that the output's selectors name.
	Namespaces map[string]string
	// Secrets are what an Argo CD output writes, one for each of Clusters.
	Secrets []Secret
	// Err is why the output could not be generated or written, *Refused in Teleport's own words.
	Err error
	// NotExercised is why nobody tried.
	NotExercised string
	// TLSEnded tells that a load balancer keeps the credentials of a kubeconfig from the proxy.
	TLSEnded bool
	// Notes are what the output is not good for although tbot makes it.
	Notes []string
}

// Secret is a Kubernetes Secret that an output writes. It prints as its name, never as what is in it.
type Secret struct {
	Namespace, Name string
	// Cluster is the Kubernetes cluster whose credentials it holds.
	Cluster string
	object  *corev1.Secret
}

// Object is the Secret as it would be written, credentials and all.
func (s Secret) Object() *corev1.Secret { return s.object.DeepCopy() }

// String is the place, such as "Secret argocd/teleport.argocd-cluster.0123456789abcdef".
func (s Secret) String() string { return "Secret " + s.Namespace + "/" + s.Name }

// Format implements fmt.Formatter, so that every verb prints what String tells and no more.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }
