package kube

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

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

func (c *Cluster) secret(ctx context.Context, namespace, name string) (*unstructured.Unstructured, error) {
	named := &unstructured.Unstructured{}
	named.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	named.SetNamespace(namespace)
	named.SetName(name)
	return c.Read(ctx, named)
}
