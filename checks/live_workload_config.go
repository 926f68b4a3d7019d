package checks

import (
	"fmt"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// written is a Secret that tbot writes; output is nil for its own state.
type written struct {
	namespace, name string
	output          tbotconfig.Output
}

func (s written) String() string { return s.namespace + "/" + s.name }

// secrets are those that tbot.yaml names as destinations. One without a namespace goes where POD_NAMESPACE says, which is the pod's
// own where it is said properly (TBC507).
func (w Workload) secrets() []written {
	own := w.ownNamespace()
	var found []written
	add := func(d tbotconfig.Destination, output tbotconfig.Output) {
		if d.Type != tbotconfig.DestinationSecret || d.Name == "" {
			return
		}
		namespace := d.Namespace
		if namespace == "" {
			namespace = own
		}
		found = append(found, written{namespace, d.Name, output})
	}
	for _, output := range w.Config.Outputs {
		if destination, has := tbotconfig.DestinationOf(output); has {
			add(destination, output)
		}
	}
	add(w.Config.Storage, nil)
	return found
}

// OutputSecret is a Secret that an output of tbot.yaml is written to.
type OutputSecret struct {
	Namespace, Name string
	Output          tbotconfig.Output
}

func (s OutputSecret) String() string { return s.Namespace + "/" + s.Name }

// OutputSecrets are those that tbot.yaml names, in its order. Argo CD's are not among them: their names hang on the clusters that
// Teleport knows.
func (w Workload) OutputSecrets() []OutputSecret {
	var found []OutputSecret
	for _, secret := range w.secrets() {
		if secret.output != nil {
			found = append(found, OutputSecret{secret.namespace, secret.name, secret.output})
		}
	}
	return found
}

// homeless are the Secrets whose namespace tbot.yaml leaves to POD_NAMESPACE.
func (w Workload) homeless() []string {
	var found []string
	add := func(d tbotconfig.Destination) {
		if d.Type == tbotconfig.DestinationSecret && d.Namespace == "" {
			found = append(found, d.Name)
		}
	}
	for _, output := range w.Config.Outputs {
		if destination, has := tbotconfig.DestinationOf(output); has {
			add(destination)
		}
	}
	add(w.Config.Storage)
	return found
}

// argoOutputs are the outputs into Argo CD.
func (w Workload) argoOutputs() []*tbotconfig.ArgoCD {
	var found []*tbotconfig.ArgoCD
	for _, output := range w.Config.Outputs {
		if argo, is := output.(*tbotconfig.ArgoCD); is {
			found = append(found, argo)
		}
	}
	return found
}

// argoNamespace is where such an output writes (teleport-facts 6.3).
func (w Workload) argoNamespace(output *tbotconfig.ArgoCD) string {
	if output.SecretNamespace != "" {
		return output.SecretNamespace
	}
	return w.ownNamespace()
}

// ownNamespace is what tbot takes for the pod's namespace.
func (w Workload) ownNamespace() string {
	if value, _, _ := w.env(envNamespace); value != "" {
		return value
	}
	return w.Deployment.Namespace
}

// talksToAPIServer tells that tbot itself writes into Kubernetes.
func (w Workload) talksToAPIServer() bool {
	return len(w.secrets()) > 0 || len(w.argoOutputs()) > 0
}

// interval is how often an output is renewed.
func (w Workload) interval(output tbotconfig.Output) time.Duration {
	if output != nil && output.Shared().RenewalInterval > 0 {
		return output.Shared().RenewalInterval
	}
	if w.Config.RenewalInterval > 0 {
		return w.Config.RenewalInterval
	}
	return tbotconfig.DefaultRenewalInterval
}

// describe names an output as people find it.
func describe(output tbotconfig.Output) string {
	common := output.Shared()
	if common.Name != "" {
		return fmt.Sprintf("output %s (%s)", common.Name, common.Type)
	}
	return "output " + common.Type
}

// lineOf is the line of tbot.yaml that gives a key at the top, in the file's own spelling.
func (w Workload) lineOf(key string) string {
	for line := range strings.Lines(w.Text) {
		if strings.HasPrefix(line, key+":") {
			return strings.TrimRight(line, "\r\n")
		}
	}
	return ""
}
