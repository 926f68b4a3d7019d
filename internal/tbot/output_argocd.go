package tbot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// argoCD makes the Secrets of a kubernetes/argo-cd output, one for each cluster that its selectors match (teleport-facts 6.5).
func (g generation) argoCD(ctx context.Context, output *tbotconfig.ArgoCD) (OutputResult, error) {
	name, err := namer(output.ClusterNameTemplate)
	if err != nil {
		return OutputResult{}, err
	}
	made, found, err := g.reach(ctx, output.Roles, output.Selectors)
	if err != nil {
		return made, err
	}
	address, err := g.kubeAddress(ctx)
	if err != nil {
		return made, err
	}
	if g.session.way.route.Upgraded {
		return made, fmt.Errorf("%w; %s is behind one", ErrTLSEnded, g.session.identity.Cluster.Proxy)
	}
	for _, cluster := range found.names {
		shown, err := name(made.Identity.Cluster.Name, cluster)
		if err != nil {
			return made, err
		}
		object, err := argoSecret(output, made.Identity, cluster, shown, address)
		if err != nil {
			return made, err
		}
		object.Namespace = cmp.Or(output.SecretNamespace, g.namespace, metav1.NamespaceDefault)
		made.Secrets = append(made.Secrets, Secret{Namespace: object.Namespace, Name: object.Name, Cluster: cluster, object: object})
	}
	return made, nil
}

// ErrTLSEnded means that a load balancer keeps client certificates from the proxy, so that tbot refuses the output (teleport-facts 6.5).
var ErrTLSEnded = errors.New("tbot makes no Secrets for Argo CD behind a load balancer that ends TLS, for their client certificates do not get through")

// argoLabel is how Argo CD knows a cluster's Secret.
const argoLabel = "argocd.argoproj.io/secret-type"

// argoConfig is what Argo CD connects by; its JSON writes bytes as base64.
type argoConfig struct {
	TLS struct {
		CAData     []byte `json:"caData"`
		CertData   []byte `json:"certData"`
		KeyData    []byte `json:"keyData"`
		ServerName string `json:"serverName,omitempty"`
	} `json:"tlsClientConfig"`
}

// argoSecret is the Secret of one cluster, its namespace apart. Labels and annotations of the configuration do not replace tbot's.
func argoSecret(output *tbotconfig.ArgoCD, identity *Identity, cluster, shown string, address kubeAddress) (*corev1.Secret, error) {
	var config argoConfig
	config.TLS.CAData, config.TLS.CertData, config.TLS.KeyData = identity.caData(), identity.certs.TLS, identity.key.private
	config.TLS.ServerName = address.serverName
	encoded, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("encoding the credentials for Argo CD: %w", err)
	}
	data := map[string][]byte{
		"name":   []byte(shown),
		"server": []byte(address.of(identity.Cluster.Name, cluster)),
		"config": encoded,
	}
	if output.Project != "" {
		data["project"] = []byte(output.Project)
	}
	if len(output.Namespaces) > 0 {
		data["namespaces"] = []byte(strings.Join(output.Namespaces, ","))
		data["clusterResources"] = []byte(strconv.FormatBool(output.ClusterResources))
	}
	return &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{
			Name:   output.SecretName(identity.Cluster.Name, cluster),
			Labels: under(output.SecretLabels, map[string]string{argoLabel: "cluster"}),
			Annotations: under(output.SecretAnnotations, map[string]string{
				"teleport.dev/bot-name":                identity.Bot(),
				"teleport.dev/kubernetes-cluster-name": cluster,
				"teleport.dev/teleport-cluster-name":   identity.Cluster.Name,
				"teleport.dev/tbot-version":            identity.Cluster.Version,
				"teleport.dev/updated":                 identity.Cluster.end(0).Format(time.RFC3339),
			}),
		},
		Type: corev1.SecretTypeOpaque,
		Data: data,
	}, nil
}

// under puts our own pairs on top of the given ones.
func under(given, ours map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, given)
	maps.Copy(all, ours)
	return all
}
