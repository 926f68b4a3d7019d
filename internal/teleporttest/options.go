package teleporttest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/types"
	"golang.org/x/mod/semver"
)

// Options shape a test cluster. The zero value is a healthy 18.2.0 cluster named lab.example.com on a free
// loopback port.
type Options struct {
	// ClusterName is the Teleport cluster's name, which is also the audience that a join token must carry.
	ClusterName string
	// Version is the server version, without a leading v. Its major version chooses the behaviour.
	Version string
	// AgentVersion is auto_update.agent_version in the proxy's answers; empty means Version.
	AgentVersion string
	// Cloud is what the Auth Service says of itself where Teleport hosts it.
	Cloud bool
	// FIPS is what the proxy says of itself; it also makes the FIPS suite the default one.
	FIPS bool
	// Suite is the cluster's signature algorithm suite; balanced-v1 by default. Before 17 there is none: RSA.
	Suite types.SignatureAlgorithmSuite
	// ListenAddr is the one TLS address, 127.0.0.1:0 by default.
	ListenAddr string
	// PublicName is a further host name of the proxy: a SAN of its web certificate and its public_addr.
	PublicName string
	// OIDCClient fetches the discovery document and the keys of an issuer; system roots by default.
	OIDCClient *http.Client
	// ReviewToken asks the Kubernetes cluster that the Auth Service runs in. Without it the Auth Service runs
	// outside of any Kubernetes cluster, and in_cluster joins fail as they do there.
	ReviewToken func(ctx context.Context, token string, audiences []string) (Review, error)
	// ReviewAudiences are the audiences of the Auth Service's own token, accepted beside the cluster name from
	// 17.0.3 on (teleport-facts 3.4).
	ReviewAudiences []string
	// AdminMFA makes admin actions and reads of tokens demand an MFA response (teleport-facts 5.4).
	AdminMFA bool
	// NoChallenge leaves CreateAuthenticateChallenge unimplemented.
	NoChallenge bool
	// BehindL7LB puts a TLS-terminating load balancer in front: no Teleport ALPN name is ever negotiated, and who needs
	// one has to ask for a connection upgrade.
	BehindL7LB bool
	// NoConnectionUpgrade leaves /webapi/connectionupgrade out: such a load balancer can't be crossed at all.
	NoConnectionUpgrade bool
	// DirectAuth lets the listener also answer as the Auth Service's own port does, for h2 with an SNI under
	// teleport.cluster.local. A real proxy does not do that, so it is off.
	DirectAuth bool
	// RejectOldClients refuses clients whose major version is more than one below the server's.
	RejectOldClients bool
	// Now is the cluster's clock; time.Now by default.
	Now func() time.Time
	// Before runs before each request is served. An error refuses the request with it; blocking delays it.
	Before func(ctx context.Context, r Request) error
	// KubeClusters are the Kubernetes clusters that are enrolled in Teleport at the start; see PutKubeCluster for later.
	KubeClusters []KubeCluster
	// RemoteClusters are the names of leaf clusters. Where it is nil, there are none, and a certificate may be routed to any
	// name; where it is not, to these alone.
	RemoteClusters []string
	// Log receives the Auth Service's log, where the reasons are that it hides from clients.
	Log io.Writer
}

// Review is what the Kubernetes TokenReview said of a token, and the version of the cluster that said it.
type Review struct {
	Authenticated bool
	Username      string
	Groups        []string
	Extra         map[string][]string
	Audiences     []string
	// Error is the status.error of the TokenReview.
	Error string
	// ServerVersion is the API server's git version, such as v1.36.3.
	ServerVersion string
}

func (o Options) withDefaults() (Options, error) {
	if o.ClusterName == "" {
		o.ClusterName = "lab.example.com"
	}
	if o.Version == "" {
		o.Version = "18.2.0"
	}
	o.Version = strings.TrimPrefix(o.Version, "v")
	if !semver.IsValid("v" + o.Version) {
		return o, fmt.Errorf("teleporttest: version %q is not a semantic version", o.Version)
	}
	if o.AgentVersion == "" {
		o.AgentVersion = o.Version
	}
	if o.Suite == types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_UNSPECIFIED {
		o.Suite = types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_BALANCED_V1
		if o.FIPS {
			o.Suite = types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_FIPS_V1
		}
	}
	if o.ListenAddr == "" {
		o.ListenAddr = "127.0.0.1:0"
	}
	if o.OIDCClient == nil {
		// teleport-facts 3.3: the provider's time-out.
		o.OIDCClient = &http.Client{Timeout: 15 * time.Second}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	return o, nil
}
