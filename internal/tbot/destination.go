package tbot

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// SecretStore reads and writes Kubernetes Secrets; internal/kube meets it. Write is a server-side apply by the field manager
// tbot without force, on the resource version that Read gave, so that two writers never overwrite each other unseen
// (teleport-facts 6.6). Put is for Argo CD outputs: it reads the Secret and creates or updates it, whatever its version; annotations
// that are there and not given stay (teleport-facts 6.5). A store that only rehearses is one whose writes are all dry runs.
type SecretStore interface {
	ReadSecret(ctx context.Context, namespace, name string) (version string, err error)
	WriteSecret(ctx context.Context, namespace, name, version string, labels map[string]string, data map[string][]byte) error
	PutSecret(ctx context.Context, secret *corev1.Secret) error
}

// Destinations says where an output can be written to.
type Destinations struct {
	// Secrets is needed where a destination is a kubernetes_secret, and for Argo CD outputs.
	Secrets SecretStore
	// Namespace is what POD_NAMESPACE tells a pod.
	Namespace string
	// Nowhere keeps everything in memory, wherever the configuration would have it written: for a proof.
	Nowhere bool
}

// errNoCluster means that nobody said which Kubernetes cluster is written to.
var errNoCluster = errors.New("there is no Kubernetes cluster to write a Secret to")

// Write puts an output that was generated where its Destination says. Memory takes nothing. Of several Secrets each is tried.
func (d Destinations) Write(ctx context.Context, output OutputResult) error {
	if d.Nowhere {
		return nil
	}
	if output.Artifacts != nil {
		return d.writeFiles(ctx, output.Destination, output.Artifacts.files)
	}
	if len(output.Secrets) == 0 {
		return nil
	}
	if d.Secrets == nil {
		return errNoCluster
	}
	var failed []error
	for _, secret := range output.Secrets {
		if err := d.Secrets.PutSecret(ctx, secret.Object()); err != nil {
			failed = append(failed, fmt.Errorf("cluster %s: %w", secret.Cluster, err))
		}
	}
	return errors.Join(failed...)
}

func (d Destinations) writeFiles(ctx context.Context, to tbotconfig.Destination, files map[string][]byte) error {
	switch to.Type {
	case tbotconfig.DestinationMemory:
		return nil
	case tbotconfig.DestinationDirectory:
		return writeDirectory(to, files)
	case tbotconfig.DestinationSecret:
		return d.writeSecret(ctx, to, files)
	}
	return fmt.Errorf("destination type %q is not known", to.Type)
}

func (d Destinations) writeSecret(ctx context.Context, to tbotconfig.Destination, files map[string][]byte) error {
	namespace, err := d.namespaceOf(to)
	if err != nil {
		return err
	}
	if d.Secrets == nil {
		return errNoCluster
	}
	version, err := d.Secrets.ReadSecret(ctx, namespace, to.Name)
	if err != nil {
		return err
	}
	return d.Secrets.WriteSecret(ctx, namespace, to.Name, version, to.Labels, files)
}

// namespaceOf is where a kubernetes_secret lies; the error is tbot's own.
func (d Destinations) namespaceOf(to tbotconfig.Destination) (string, error) {
	switch {
	case to.Namespace != "":
		return to.Namespace, nil
	case d.Namespace != "":
		return d.Namespace, nil
	}
	return "", errors.New("unable to detect namespace from POD_NAMESPACE environment variable")
}
