package kube

import (
	"net/http"

	"github.com/tbotctl/tbotctl/internal/spec"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// With is the same API server, seen as whoever a bearer token is of. Nothing of the user's own login goes along: no client
// certificate, no --as, no credential plugin. It sends nothing yet.
func (c *Cluster) With(token spec.Secret) (*Cluster, error) {
	const doing = "using a service account's token"
	config := rest.CopyConfig(c.anonymous)
	config.BearerToken = token.Reveal()
	config.Wrap(c.clock.watch)
	client, err := httpClient(config)
	if err != nil {
		return nil, wrap(err, doing)
	}
	// The transport would add the token for whoever a redirect points at.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	objects, err := dynamic.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, wrap(err, doing)
	}
	return &Cluster{config: config, anonymous: c.anonymous, objects: objects, context: c.context, cluster: c.cluster, clock: c.clock}, nil
}
