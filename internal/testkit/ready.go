package testkit

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// NodeName is the name of the only node.
const NodeName = "node-1"

const (
	pollInterval = 50 * time.Millisecond
	readyTimeout = 2 * time.Minute
)

func (c *ControlPlane) createNode(ctx context.Context) error {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: NodeName,
		Labels: map[string]string{
			corev1.LabelHostname:   NodeName,
			corev1.LabelOSStable:   "linux",
			corev1.LabelArchStable: "amd64",
		},
	}}
	if _, err := c.kit.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("making the node: %w", err)
	}
	return nil
}

// waitReady waits until pods can be made in the default namespace and the node takes them.
func (c *ControlPlane) waitReady(ctx context.Context) error {
	if err := c.waitNamespace(ctx, metav1.NamespaceDefault); err != nil {
		return err
	}
	c.logf("default service account and root CA made")
	return c.poll(ctx, "the node to be Ready", func(ctx context.Context) error {
		node, err := c.kit.CoreV1().Nodes().Get(ctx, NodeName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if len(node.Spec.Taints) > 0 {
			return fmt.Errorf("it has the taint %s", node.Spec.Taints[0].Key)
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return errors.New("kwok has not reported it Ready")
	})
}

// waitNamespace waits for what the controllers put into every namespace, without which the admission
// refuses pods.
func (c *ControlPlane) waitNamespace(ctx context.Context, namespace string) error {
	return c.poll(ctx, "the default service account and root CA in namespace "+namespace, func(ctx context.Context) error {
		if _, err := c.kit.CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{}); err != nil {
			return err
		}
		_, err := c.kit.CoreV1().ConfigMaps(namespace).Get(ctx, "kube-root-ca.crt", metav1.GetOptions{})
		return err
	})
}

// poll calls check until it returns nil. It gives up when a process of the control plane has ended, when
// the API server refuses, when ctx ends or after readyTimeout, with check's last error.
func (c *ControlPlane) poll(ctx context.Context, what string, check func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, pollInterval, readyTimeout, true, func(ctx context.Context) (bool, error) {
		if err := c.deaths(); err != nil {
			return false, err
		}
		err := check(ctx)
		if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsInvalid(err) {
			return false, err
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		return err == nil, nil
	})
	if err == nil {
		return nil
	}
	if wait.Interrupted(err) && last != nil {
		return fmt.Errorf("waiting for %s: %w (%w)", what, err, last)
	}
	return fmt.Errorf("waiting for %s: %w", what, err)
}
