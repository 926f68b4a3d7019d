package teleporttest

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"github.com/gravitational/trace"
)

// pathRoute starts the paths by which one certificate reaches several clusters: kubernetes/v2 and kubernetes/argo-cd
// (teleport-facts 6.4).
const pathRoute = "/v1/teleport/"

// newKubeServer is the Kubernetes service of the proxy and the agents behind it in one: who shows a user's certificate is
// authorized by its roles, and the request goes to the API server as the users and groups of these roles
// (lib/kube/proxy/forwarder.go@04581c42). It forwards no exec, attach or port-forward, filters no lists, and knows no
// leaf cluster, session recording or access request. A certificate is judged when a connection is made: that it ends
// meanwhile does not end the connection, which is Teleport's default too.
func (c *Cluster) newKubeServer() *http.Server {
	return &http.Server{ReadHeaderTimeout: handshakeTimeout, Handler: http.HandlerFunc(c.serveKube)}
}

func (c *Cluster) serveKube(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	// The router lets nobody in without a certificate.
	id, err := identityFrom(r.TLS.VerifiedChains[0][0])
	if err != nil {
		writeStatus(w, trace.AccessDenied("%v: %v", kubeAccessDenied, err))
		return
	}
	teleport, kube, path, routed, err := c.kubeRoute(r, id)
	seen := Request{
		Protocol: "kube", Method: r.Method + " " + r.URL.Path, User: id.username, Impersonated: id.impersonator != "", KubeCluster: kube,
	}
	if noteErr := c.note(ctx, seen); noteErr != nil {
		writeStatus(w, noteErr)
		return
	}
	if err != nil {
		writeStatus(w, err)
		return
	}
	r = r.Clone(ctx)
	if routed {
		r.URL.Path, r.URL.RawPath = path, ""
	}
	if err := c.forwardKube(w, r, id, teleport, kube); err != nil {
		c.logger.InfoContext(ctx, "A Kubernetes request was refused", "user", id.username, "cluster", kube, "error", err)
		// The one endpoint whose errors are text (forwarder.go, writeResponseErrorToBody).
		if r.Method == http.MethodGet && r.URL.Path == "/version" {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		writeStatus(w, err)
	}
}

// kubeRoute is where a request goes: by its certificate, or by its path where the server knows that form. Then path is
// the rest of it.
func (c *Cluster) kubeRoute(r *http.Request, id identity) (teleport, kube, path string, routed bool, err error) {
	teleport, kube = id.routeToCluster, id.kubernetesCluster
	if teleport == "" {
		teleport = c.opts.ClusterName
	}
	rest, found := strings.CutPrefix(r.URL.Path, pathRoute)
	parts := strings.SplitN(rest, "/", 3)
	if !found || len(parts) < 3 || !c.behaviour.kubePaths {
		return teleport, kube, "", false, nil
	}
	names := make([]string, 2)
	for i := range names {
		decoded, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return "", "", "", false, trace.Wrap(err)
		}
		names[i] = string(decoded)
	}
	return names[0], names[1], "/" + parts[2], true, nil
}

// forwardKube asks the roles, and then the cluster. It returns an error if it has answered nothing.
func (c *Cluster) forwardKube(w http.ResponseWriter, r *http.Request, id identity, teleport, kube string) error {
	who, err := c.authenticate(id)
	if err != nil {
		return err
	}
	if teleport != c.opts.ClusterName {
		// These words are not recorded: there are no leaf clusters here.
		return trace.NotFound("cluster %q is not found", teleport)
	}
	cluster, ok := c.kubes.get(kube)
	if !ok {
		return trace.NotFound("Kubernetes cluster %q not found", kube)
	}
	wanted := kubeRequestOf(r)
	principals, err := c.authorizeKube(who, cluster.KubeCluster, wanted)
	if err != nil {
		return err
	}
	user, groups, err := principals.impersonate(r.Header, c.behaviour.anyKubeUser)
	if err != nil {
		return err
	}
	if cluster.transport == nil {
		return trace.ConnectionProblem(errOffline(kube), "%v", errOffline(kube))
	}
	if wanted != nil && wanted.stream() {
		return trace.NotImplemented("this test cluster forwards no %s of pods", wanted.subresource)
	}
	if wanted != nil && wanted.selfReview() {
		denied, err := c.reviewSelf(r, who, cluster.KubeCluster)
		if err != nil {
			return err
		}
		if denied != nil {
			writeJSON(w, http.StatusCreated, denied)
			return nil
		}
	}
	cluster.forward(w, r, user, groups, func(err error) {
		if !errors.Is(err, context.Canceled) {
			writeStatus(w, trace.ConnectionProblem(err, "the API server of Kubernetes cluster %q: %v", kube, err))
		}
	})
	return nil
}

// forward sends the request on as the user and the groups. The agent's own credentials are the upstream's; none of the
// caller's get through.
func (e enrolled) forward(w http.ResponseWriter, r *http.Request, user string, groups []string, failed func(error)) {
	proxy := &httputil.ReverseProxy{
		Transport: e.transport,
		// A watch is told as it happens.
		FlushInterval: -1 * time.Millisecond,
		Rewrite: func(out *httputil.ProxyRequest) {
			out.SetURL(&url.URL{Scheme: e.base.Scheme, Host: e.base.Host, Path: strings.TrimSuffix(e.base.Path, "/")})
			out.SetXForwarded()
			out.Out.Header.Del("Authorization")
			out.Out.Header.Del(impersonateGroup)
			out.Out.Header.Set(impersonateUser, user)
			for _, group := range groups {
				out.Out.Header.Add(impersonateGroup, group)
			}
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { failed(err) },
	}
	proxy.ServeHTTP(w, r)
}
