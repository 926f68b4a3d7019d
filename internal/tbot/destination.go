package tbot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// SecretStore reads and writes Kubernetes Secrets; internal/kube meets it. Write is a server-side apply by the field manager
// tbot without force, on the resource version that Read gave, so that two writers never overwrite each other unseen
// (teleport-facts 6.6).
type SecretStore interface {
	ReadSecret(ctx context.Context, namespace, name string) (version string, err error)
	WriteSecret(ctx context.Context, namespace, name, version string, labels map[string]string, data map[string][]byte) error
}

// Destinations says where an output can be written to.
type Destinations struct {
	// Secrets is needed where a destination is a kubernetes_secret.
	Secrets SecretStore
	// Namespace is what POD_NAMESPACE tells a pod.
	Namespace string
}

// Write puts the artifacts where the configuration says. Memory takes nothing.
func (d Destinations) Write(ctx context.Context, to tbotconfig.Destination, artifacts *Artifacts) error {
	switch to.Type {
	case tbotconfig.DestinationMemory:
		return nil
	case tbotconfig.DestinationDirectory:
		return writeDirectory(to.Path, artifacts.files)
	case tbotconfig.DestinationSecret:
		return d.writeSecret(ctx, to, artifacts.files)
	}
	return fmt.Errorf("destination type %q is not known", to.Type)
}

func (d Destinations) writeSecret(ctx context.Context, to tbotconfig.Destination, files map[string][]byte) error {
	namespace := to.Namespace
	if namespace == "" {
		namespace = d.Namespace
	}
	if namespace == "" {
		return errors.New("unable to detect namespace from POD_NAMESPACE environment variable")
	}
	version, err := d.Secrets.ReadSecret(ctx, namespace, to.Name)
	if err != nil {
		return err
	}
	return d.Secrets.WriteSecret(ctx, namespace, to.Name, version, to.Labels, files)
}

// writeDirectory replaces each file as a whole, so that a reader sees the old or the new one and never half of it.
func writeDirectory(path string, files map[string][]byte) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("making the destination: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return fmt.Errorf("opening the destination: %w", err)
	}
	for name, data := range files {
		temporary := name + ".new"
		err := errors.Join(root.WriteFile(temporary, data, 0o600), root.Rename(temporary, name))
		if err != nil {
			return errors.Join(fmt.Errorf("writing %s: %w", filepath.Join(path, name), err), root.Close())
		}
	}
	return root.Close()
}
