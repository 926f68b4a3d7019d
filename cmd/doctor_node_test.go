package cmd_test

import (
	"context"
	"sync"
	"testing"

	"github.com/tbotctl/tbotctl/internal/testkit/kubelet"
)

// nodes are the kubelets of the shared control planes, one for each flavour; they end with the tests.
//
//nolint:gochecknoglobals // the tests of this package share them as they share the control planes
var nodes [2]struct {
	once sync.Once
	*kubelet.Kubelet
	err error
}

// node is the kubelet of the bench's control plane: a second one would take the node over.
func (b *bench) node(t *testing.T) *kubelet.Kubelet {
	t.Helper()
	one := &nodes[b.plane.Flavour()]
	one.once.Do(func() { one.Kubelet, one.err = kubelet.Start(context.WithoutCancel(t.Context()), b.plane) })
	if one.err != nil {
		t.Fatal(one.err)
	}
	return one.Kubelet
}
