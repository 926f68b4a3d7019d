package kube

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// tbotManager is the field manager that tbot itself writes Secrets as (teleport-facts 6.6).
const tbotManager = "tbot"

// ReadSecret gives the resource version of a Secret, empty where it does not exist; its content is nobody's business here.
func (c *Cluster) ReadSecret(ctx context.Context, namespace, name string) (version string, err error) {
	live, err := c.secret(ctx, namespace, name)
	if err != nil || live == nil {
		return "", err
	}
	return live.GetResourceVersion(), nil
}

// SecretKeys lists the keys of a Secret that hold something, without their values; nil where there is no Secret.
func (c *Cluster) SecretKeys(ctx context.Context, namespace, name string) ([]string, error) {
	live, err := c.secret(ctx, namespace, name)
	if err != nil || live == nil {
		return nil, err
	}
	secret, err := typed[corev1.Secret](live)
	if err != nil {
		return nil, err
	}
	keys := []string{}
	for key, value := range secret.Data {
		if len(value) > 0 {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// SecretValue reads one key of a Secret, for what is no secret in it: a certificate. Nil where Secret or key do not exist.
func (c *Cluster) SecretValue(ctx context.Context, namespace, name, key string) ([]byte, error) {
	live, err := c.secret(ctx, namespace, name)
	if err != nil || live == nil {
		return nil, err
	}
	secret, err := typed[corev1.Secret](live)
	if err != nil {
		return nil, err
	}
	return secret.Data[key], nil
}

// WriteSecret writes a Secret the way tbot does: server-side apply without force, on the version that was read, so that a
// second writer is a conflict and not an overwrite.
func (c *Cluster) WriteSecret(ctx context.Context, namespace, name, version string, labels map[string]string, data map[string][]byte) error {
	object, err := untyped(corev1.SchemeGroupVersion.WithKind("Secret"), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels, ResourceVersion: version},
		Type:       corev1.SecretTypeOpaque,
		Data:       data,
	})
	if err != nil {
		return err
	}
	_, err = c.objects.Resource(corev1.SchemeGroupVersion.WithResource("secrets")).Namespace(namespace).
		Apply(ctx, name, object, metav1.ApplyOptions{FieldManager: tbotManager})
	return wrap(err, "writing Secret %s/%s", namespace, name)
}

func (c *Cluster) secret(ctx context.Context, namespace, name string) (*unstructured.Unstructured, error) {
	named := &unstructured.Unstructured{}
	named.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	named.SetNamespace(namespace)
	named.SetName(name)
	return c.Read(ctx, named)
}
