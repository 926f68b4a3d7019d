package tbot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

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
	if d.Secrets == nil {
		return errors.New("there is no Kubernetes cluster to write a Secret to")
	}
	version, err := d.Secrets.ReadSecret(ctx, namespace, to.Name)
	if err != nil {
		return err
	}
	return d.Secrets.WriteSecret(ctx, namespace, to.Name, version, to.Labels, files)
}

// writeDirectory replaces each file as a whole, so that a reader sees the old or the new one and never half of it. Nothing that
// is in the way is written through: not a link, and not a file that somebody else may read.
func writeDirectory(path string, files map[string][]byte) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("making the destination: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return fmt.Errorf("opening the destination: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := replaceFile(root, name, files[name]); err != nil {
			return errors.Join(fmt.Errorf("writing %s: %w", filepath.Join(path, name), err), root.Close())
		}
	}
	return root.Close()
}

func replaceFile(root *os.Root, name string, data []byte) error {
	temporary := name + ".new"
	if err := root.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Close()); err == nil {
		err = root.Rename(temporary, name)
	}
	if err != nil {
		return errors.Join(err, root.Remove(temporary))
	}
	return nil
}
