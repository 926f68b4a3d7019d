package kube

import (
	"encoding/json"
	"errors"

	"github.com/tbotctl/tbotctl/internal/spec"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// FromKubeconfig is the cluster of one context of a kubeconfig that is held in memory and never stood on a disk. It has to hold its
// credentials itself: one that names files or programs is refused. Of the options the ones that choose a cluster mean nothing here.
// It sends nothing yet; errors are of kind Config and hold nothing of the text.
func FromKubeconfig(text spec.Secret, context string, o Options) (*Cluster, error) {
	refuse := func(why string) (*Cluster, error) {
		return nil, &Error{Kind: Config, Doing: "reading the generated kubeconfig", Err: errors.New(why)}
	}
	raw, err := clientcmd.Load([]byte(text.Reveal()))
	if err != nil {
		return refuse("it is no kubeconfig") // the parser's error may quote it
	}
	entry := raw.Contexts[context]
	if entry == nil {
		return refuse("it has no context " + spec.Quote(context))
	}
	cluster, user := raw.Clusters[entry.Cluster], raw.AuthInfos[entry.AuthInfo]
	if cluster == nil || user == nil {
		return refuse("context " + spec.Quote(context) + " lacks its cluster or its user")
	}
	if !selfContained(cluster, user) {
		return refuse("context " + spec.Quote(context) + " holds no credentials itself, but names files or a program that gives them")
	}
	config, err := clientcmd.NewNonInteractiveClientConfig(*raw, context, &clientcmd.ConfigOverrides{}, nil).ClientConfig()
	if err != nil {
		return refuse("context " + spec.Quote(context) + " cannot be used")
	}
	return build(loadedConfig{config: config, context: context, cluster: entry.Cluster, namespace: entry.Namespace}, o)
}

// selfContained tells that neither a file is read nor a program run to use a login.
func selfContained(cluster *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo) bool {
	for _, file := range []string{cluster.CertificateAuthority, user.ClientCertificate, user.ClientKey, user.TokenFile} {
		if file != "" {
			return false
		}
	}
	return user.Exec == nil && user.AuthProvider == nil
}

// FromArgoCD is the cluster that a Secret of Argo CD describes by its keys server and config (teleport-facts 6.5), read as Argo CD
// does: config is JSON whose tlsClientConfig holds certificates and key in base64. Otherwise as FromKubeconfig.
func FromArgoCD(server string, config spec.Secret, o Options) (*Cluster, error) {
	var held struct {
		TLS struct {
			CAData     []byte `json:"caData"`
			CertData   []byte `json:"certData"`
			KeyData    []byte `json:"keyData"`
			ServerName string `json:"serverName"`
		} `json:"tlsClientConfig"`
	}
	if json.Unmarshal([]byte(config.Reveal()), &held) != nil || server == "" || len(held.TLS.CertData) == 0 {
		return nil, &Error{Kind: Config, Doing: "reading the Secret for Argo CD", Err: errors.New("it names no server, or holds no client certificate")}
	}
	login := &rest.Config{Host: server, TLSClientConfig: rest.TLSClientConfig{
		CAData: held.TLS.CAData, CertData: held.TLS.CertData, KeyData: held.TLS.KeyData, ServerName: held.TLS.ServerName,
	}}
	return build(loadedConfig{config: login, context: "Argo CD"}, o)
}
