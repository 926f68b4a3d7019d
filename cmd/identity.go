package cmd

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// identity tells this Kubernetes cluster from others: by the UID of kube-system. Where that may not be read, what an earlier run has
// recorded of this very cluster counts, so that people of unlike rights get the same names; else issuer and keys tell. A run that may
// not ask the cluster goes by what the request says.
func (c *clusters) identity(ctx context.Context) (string, error) {
	if c.kube == nil {
		return c.setup.Resolved.ClusterID, ctx.Err()
	}
	uid, err := c.kube.NamespaceUID(ctx, "kube-system")
	if err == nil {
		return spec.ClusterID(string(uid)), nil
	}
	if !kube.Is(err, kube.Forbidden) {
		return "", err
	}
	if recorded, err := c.recordedID(ctx); err != nil || recorded != "" {
		return recorded, err
	}
	cluster, issuerErr := c.issuer(ctx)
	if issuerErr != nil {
		return "", errors.Join(err, issuerErr)
	}
	if held := c.setup.Resolved; held != nil && held.ClusterID != "" && madeHere(*held, cluster) {
		return held.ClusterID, nil
	}
	c.byKeys = true
	return idByKeys(cluster.Issuer, issuer.Thumbprints(cluster.Keys)), nil
}

// idByKeys tells a cluster whose kube-system may not be read.
func idByKeys(name string, thumbprints []string) string {
	return spec.ClusterID(append([]string{name}, thumbprints...)...)
}

// madeHere reports whether answers were resolved for this cluster: by keys, which no two clusters share, or by an issuer that the
// internet knows and so can be one cluster's alone.
func madeHere(held spec.Resolved, cluster issuer.Cluster) bool {
	if held.JoinType != spec.JoinStaticJWKS {
		return held.JoinType == spec.JoinOIDC && held.Issuer == cluster.Issuer
	}
	was, err := thumbprintsOf(held.JWKS)
	return err == nil && len(was) > 0 && len(cluster.Keys) > 0 && shareKeys(was, issuer.Thumbprints(cluster.Keys))
}

// recordedID is what the service account of this installation carries, where it is there and of the same Teleport cluster.
func (c *clusters) recordedID(ctx context.Context) (string, error) {
	n := c.setup.Names()
	account := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ServiceAccount"}}
	account.SetNamespace(n.Namespace)
	account.SetName(n.ServiceAccount)
	live, err := c.kube.Read(ctx, account)
	if live == nil || kube.Is(err, kube.Forbidden) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	server, err := c.server(ctx)
	if err != nil {
		return "", err
	}
	install, marked := spec.ReadInstall(live.GetAnnotations()[spec.MarkInstall])
	here := spec.Install{Namespace: n.Namespace, Name: c.setup.Name}
	if !marked || !install.SamePlace(here) || install.ClusterName != server.ClusterName {
		return "", nil
	}
	return install.ClusterID, nil
}
