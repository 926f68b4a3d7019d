package kube

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ReadSecret is that of Secrets(false).
func (c *Cluster) ReadSecret(ctx context.Context, namespace, name string) (version string, err error) {
	return c.Secrets(false).ReadSecret(ctx, namespace, name)
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

// WriteSecret is that of Secrets(false).
func (c *Cluster) WriteSecret(ctx context.Context, namespace, name, version string, labels map[string]string, data map[string][]byte) error {
	return c.Secrets(false).WriteSecret(ctx, namespace, name, version, labels, data)
}

func (c *Cluster) secret(ctx context.Context, namespace, name string) (*unstructured.Unstructured, error) {
	named := &unstructured.Unstructured{}
	named.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	named.SetNamespace(namespace)
	named.SetName(name)
	return c.Read(ctx, named)
}
