package kube

import (
	"context"
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// tbotManager is the field manager that tbot itself writes Secrets as (teleport-facts 6.6).
const tbotManager = "tbot"

// Secrets reads and writes Secrets with the requests that tbot makes, as whoever the Cluster's login is.
type Secrets struct {
	cluster *Cluster
	dryRun  []string
}

// Secrets gives access to Secrets as a tbot would have it. A dry run goes through authorization, admission and conflicts, and nothing
// is kept.
func (c *Cluster) Secrets(dryRun bool) *Secrets {
	s := &Secrets{cluster: c}
	if dryRun {
		s.dryRun = []string{metav1.DryRunAll}
	}
	return s
}

// ReadSecret gives the resource version of a Secret, empty where it does not exist; its content is nobody's business here.
func (s *Secrets) ReadSecret(ctx context.Context, namespace, name string) (version string, err error) {
	live, err := s.cluster.secret(ctx, namespace, name)
	if err != nil || live == nil {
		return "", err
	}
	return live.GetResourceVersion(), nil
}

// WriteSecret writes a Secret the way the destination kubernetes_secret does (teleport-facts 6.6): server-side apply without force, on
// the version that was read, so that a second writer is a conflict and not an overwrite.
func (s *Secrets) WriteSecret(ctx context.Context, namespace, name, version string, labels map[string]string, data map[string][]byte) error {
	object, err := untyped(corev1.SchemeGroupVersion.WithKind("Secret"), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels, ResourceVersion: version},
		Type:       corev1.SecretTypeOpaque,
		Data:       data,
	})
	if err != nil {
		return err
	}
	_, err = s.cluster.objects.Resource(corev1.SchemeGroupVersion.WithResource("secrets")).Namespace(namespace).
		Apply(ctx, name, object, metav1.ApplyOptions{FieldManager: tbotManager, DryRun: s.dryRun})
	return wrap(err, "writing Secret %s/%s", namespace, name)
}

// PutSecret writes a Secret the way the output kubernetes/argo-cd does (teleport-facts 6.5): it is created where there is none, else
// replaced, except that annotations which others gave it stay. That takes create on all Secrets of the namespace, for a POST carries no
// name to the authorizer (field-notes 8).
func (s *Secrets) PutSecret(ctx context.Context, secret *corev1.Secret) error {
	live, err := s.cluster.secret(ctx, secret.Namespace, secret.Name)
	if err != nil {
		return err
	}
	wanted := secret.DeepCopy()
	if live != nil {
		wanted.ResourceVersion = live.GetResourceVersion()
		if kept := live.GetAnnotations(); len(kept) > 0 {
			maps.Copy(kept, secret.Annotations)
			wanted.Annotations = kept
		}
	}
	object, err := untyped(corev1.SchemeGroupVersion.WithKind("Secret"), wanted)
	if err != nil {
		return err
	}
	at := s.cluster.objects.Resource(corev1.SchemeGroupVersion.WithResource("secrets")).Namespace(secret.Namespace)
	if live == nil {
		_, err = at.Create(ctx, object, metav1.CreateOptions{FieldManager: tbotManager, DryRun: s.dryRun})
		return wrap(err, "making Secret %s/%s", secret.Namespace, secret.Name)
	}
	_, err = at.Update(ctx, object, metav1.UpdateOptions{FieldManager: tbotManager, DryRun: s.dryRun})
	return wrap(err, "replacing Secret %s/%s", secret.Namespace, secret.Name)
}
