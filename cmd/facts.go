package cmd

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleport"
)

// clusters are the two clusters of a run, with everything that was asked of them, asked once.
type clusters struct {
	setup spec.Setup
	// kube is nil where the run may not touch Kubernetes.
	kube *kube.Cluster
	// targets are the clusters of --target-context.
	targets map[string]*kube.Cluster
	target  teleport.Target
	login   teleport.Login
	now     func() time.Time

	version func(context.Context) (string, error)
	server  func(context.Context) (teleport.Server, error)
	admin   func(context.Context) (*teleport.Client, error)
	issuer  func(context.Context) (issuer.Cluster, error)
	public  func(context.Context) (issuer.PublicResult, error)
	choice  func(context.Context) (issuer.Choice, error)
	listed  func(context.Context) ([]teleport.KubeCluster, error)
	exists  func(context.Context) (bool, error)
	argoCDs func(context.Context) ([]string, error)
	// openshift tells that the Kubernetes cluster is one.
	openshift func(context.Context) (bool, error)
	opened    *teleport.Client
	// byKeys tells that the cluster's identity is from its issuer and keys.
	byKeys bool
	// mintsNothing keeps a run that only looks from making a token.
	mintsNothing bool
	fetcher      *issuer.Fetcher
}

func newClusters(s spec.Setup, k *kube.Cluster, target teleport.Target, login teleport.Login, fetcher *issuer.Fetcher, now func() time.Time) *clusters {
	c := &clusters{setup: s, kube: k, target: target, login: login, now: now, fetcher: fetcher}
	c.exists = checks.Once(c.namespaceExists)
	c.version = checks.Once(c.kube.ServerVersion)
	c.server = checks.Once(func(ctx context.Context) (teleport.Server, error) { return teleport.Find(ctx, c.target) })
	c.admin = checks.Once(c.connect)
	if !s.Side.HasTeleport() {
		c.admin = noLogin
	}
	c.issuer = checks.Once(func(ctx context.Context) (issuer.Cluster, error) { return issuer.ReadCluster(ctx, c) })
	if k == nil {
		c.version, c.issuer = notAsked, c.requestedIssuer
	}
	c.public = checks.Once(func(ctx context.Context) (issuer.PublicResult, error) {
		// A cluster that publishes nothing itself may still be known by the `iss` of its tokens.
		cluster, err := c.issuer(ctx)
		if cluster.Issuer == "" {
			return issuer.PublicResult{}, err
		}
		return c.fetcher.Fetch(ctx, cluster.Issuer), nil
	})
	c.choice = checks.Once(c.choose)
	c.listed = checks.Once(c.listKube)
	c.argoCDs = checks.Once(c.findArgoCD)
	c.openshift = checks.Once(func(ctx context.Context) (bool, error) { return c.kube.ServesGroup(ctx, spec.OpenShiftGroup) })
	return c
}

func (c *clusters) connect(ctx context.Context) (*teleport.Client, error) {
	server, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	client, err := teleport.Connect(ctx, c.target, server, c.login, c.now())
	if teleport.Is(err, teleport.NotLoggedIn) {
		// A login that has ended, or not, by a clock that is wrong.
		if now, off := c.clockAsked(ctx); off {
			client, err = teleport.Connect(ctx, c.target, server, c.login, now)
		}
	}
	c.opened = client
	return client, err
}

// close ends what was opened.
func (c *clusters) close() error {
	if c.opened == nil {
		return nil
	}
	return c.opened.Close()
}

// answer takes answers that lead to the same clusters; what they do not bear upon stays looked up.
func (c *clusters) answer(s spec.Setup) {
	c.setup = s
	c.exists, c.choice, c.argoCDs = checks.Once(c.namespaceExists), checks.Once(c.choose), checks.Once(c.findArgoCD)
}

func (c *clusters) choose(ctx context.Context) (issuer.Choice, error) {
	return c.chooseAs(ctx, c.setup.Join.Type)
}

// chooseAs applies the rule as if the type had been asked for.
func (c *clusters) chooseAs(ctx context.Context, requested spec.JoinType) (issuer.Choice, error) {
	if c.kube == nil {
		return c.requestedChoice()
	}
	cluster, clusterErr := c.issuer(ctx)
	// Where nobody could look, the result says so itself, and the cause is clusterErr.
	public, _ := c.public(ctx)
	server, err := c.server(ctx)
	if err != nil {
		return issuer.Choice{}, err
	}
	return issuer.Choose(issuer.Evidence{
		Requested: requested, Cluster: cluster, ClusterErr: clusterErr, Public: public,
		ServerVersion: server.Version, AcceptRotationRisk: c.setup.Join.AcceptRotationRisk,
	})
}

// facts gives the checks what they look at.
func (c *clusters) facts() *checks.Facts {
	return &checks.Facts{
		Setup:             c.setup,
		KubernetesVersion: c.version,
		NamespaceExists:   c.exists,
		Issuer:            c.issuer,
		Public:            c.public,
		Choice:            c.choice,
		Proxy: func(ctx context.Context) (checks.Proxy, error) {
			server, err := c.server(ctx)
			return checks.Proxy{
				ClusterName: server.ClusterName, Version: server.Version, MinClientVersion: server.MinClientVersion,
				AgentVersion: server.AgentVersion, FIPS: server.FIPS,
			}, err
		},
		Login: func(ctx context.Context) (checks.Login, error) {
			client, err := c.admin(ctx)
			if err != nil {
				return checks.Login{}, err
			}
			user, expires := client.User()
			return checks.Login{User: user, Expires: expires, Now: c.clock(), Cloud: client.Cloud()}, nil
		},
		MissingRoles:  checks.Once(c.missingRoles),
		KubeClusters:  c.kubeClusters,
		MayReview:     c.mayReview,
		ArgoCDs:       c.argoCDs,
		TLSEnds:       checks.Once(c.tlsEnds),
		KubernetesMay: c.kubernetesMay,
		TeleportMay:   c.teleportMay,
	}
}

func (c *clusters) missingRoles(ctx context.Context) ([]string, error) {
	client, err := c.admin(ctx)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, role := range c.setup.Teleport.Roles {
		exists, err := client.RoleExists(ctx, role)
		if err != nil {
			return nil, err
		}
		if !exists {
			missing = append(missing, role)
		}
	}
	return missing, nil
}

func (c *clusters) namespaceExists(ctx context.Context) (bool, error) {
	namespace := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
	namespace.SetName(c.setup.Kubernetes.Namespace)
	live, err := c.kube.Read(ctx, namespace)
	return live != nil, err
}

// Raw, RawAs and MintToken are what discovery asks of the cluster.
func (c *clusters) Raw(ctx context.Context, path string) (int, []byte, error) {
	return c.kube.Raw(ctx, path)
}

// RawAs implements issuer.APIServer.
func (c *clusters) RawAs(ctx context.Context, token spec.Secret, path string) (int, []byte, error) {
	return c.kube.RawAs(ctx, token, path)
}

// errNothingMinted is why a run that only looks knows no token of the cluster.
var errNothingMinted = errors.New("a run that only looks mints none")

// discoveryToken is how long the token lives that only its header is read of; the least that Kubernetes gives.
const discoveryToken = 10 * time.Minute

// MintToken implements issuer.APIServer with the default service account of the namespace, which is there before ours is; in
// a namespace that is still to be made, with that of the namespace default.
func (c *clusters) MintToken(ctx context.Context, audience string) (spec.Secret, error) {
	if c.mintsNothing {
		return spec.Secret{}, errNothingMinted
	}
	request := kube.TokenRequest{Namespace: c.setup.Kubernetes.Namespace, ServiceAccount: "default", Audience: audience, Lifetime: discoveryToken}
	token, err := c.kube.Token(ctx, request)
	if !kube.Is(err, kube.NotFound) {
		return token, err
	}
	request.Namespace = "default"
	token, second := c.kube.Token(ctx, request)
	if second != nil {
		return token, errors.Join(err, second)
	}
	return token, nil
}
