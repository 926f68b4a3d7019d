package teleport

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
)

// Role is one that a bot can be given.
type Role struct{ Name, Description string }

// Roles lists the cluster's roles by name; those that Teleport itself makes for bots are left out. It takes the verbs list and
// read on roles, else the error is of kind Denied. Servers of the early 16 know no such call: kind Unsupported (teleport-facts 4.7).
func (c *Client) Roles(ctx context.Context) ([]Role, error) {
	var all []Role
	request := &proto.ListRolesRequest{}
	for {
		answer, err := c.auth.ListRoles(ctx, request)
		if err != nil {
			return nil, wrap(err, "listing roles")
		}
		for _, role := range answer.GetRoles() {
			if _, bots := role.GetMetadata().Labels[types.BotLabel]; !bots {
				all = append(all, Role{role.GetName(), role.GetMetadata().Description})
			}
		}
		if request.StartKey = answer.GetNextKey(); request.StartKey == "" {
			break
		}
	}
	slices.SortFunc(all, func(a, b Role) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// JoinToken is a join token of the kubernetes method, whose name is no secret.
type JoinToken struct {
	Name string
	// Bot is whom it lets somebody join as; empty for tokens of agents.
	Bot string
	// Type is in_cluster, static_jwks or oidc.
	Type string
	// Allow are the service accounts that it admits, as namespace:name.
	Allow []string
	// Issuer is whose tokens an oidc one takes, JWKS the keys that a static_jwks one takes them by, as Teleport keeps them. Both say
	// which cluster is meant; an in_cluster one means the cluster that the Auth Service runs in.
	Issuer, JWKS string
	// Install is the mark of the installation that made it; empty where tbotctl did not.
	Install string
	// Expires is zero for one that stays.
	Expires time.Time
}

// Admits reports whether the token lets a service account join, if its cluster is the one that is meant.
func (t JoinToken) Admits(namespace, serviceAccount string) bool {
	return slices.Contains(t.Allow, namespace+":"+serviceAccount)
}

// Tokens lists the join tokens of the kubernetes method by name. Others are not kept, not even their names, which may be secrets;
// so a name can be taken that is not in the list. It takes the verbs list and read on tokens, else the error is of kind Denied,
// and where the cluster wants a touch for admin actions it wants one for this too: kind MFARequired (teleport-facts 5.4).
func (c *Client) Tokens(ctx context.Context) ([]JoinToken, error) {
	held, err := c.provisionTokens(ctx)
	if err != nil {
		return nil, wrap(err, "listing join tokens")
	}
	var all []JoinToken
	for _, token := range held {
		v2, ok := token.(*types.ProvisionTokenV2)
		if ok && v2.GetJoinMethod() == types.JoinMethodKubernetes && v2.Spec.Kubernetes != nil {
			all = append(all, joinToken(v2))
		}
	}
	slices.SortFunc(all, func(a, b JoinToken) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// provisionTokens reads page by page, and all at once from servers that know no pages (teleport-facts 4.7).
func (c *Client) provisionTokens(ctx context.Context) ([]types.ProvisionToken, error) {
	var (
		all  []types.ProvisionToken
		next string
	)
	for {
		found, following, err := c.auth.ListProvisionTokens(ctx, 0, next, nil, "")
		if err != nil && kindOf(err) == Unsupported {
			return c.auth.GetTokens(ctx)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
		if next = following; next == "" {
			return all, nil
		}
	}
}

func joinToken(token *types.ProvisionTokenV2) JoinToken {
	settings := token.Spec.Kubernetes
	t := JoinToken{
		Name: token.GetName(), Bot: token.GetBotName(), Type: string(settings.Type), Install: token.Metadata.Labels[spec.MarkInstall],
	}
	if t.Type == "" {
		// What was meant before there were other types, and is still (field-notes 5.27).
		t.Type = string(types.KubernetesJoinTypeInCluster)
	}
	if settings.OIDC != nil {
		t.Issuer = settings.OIDC.Issuer
	}
	if settings.StaticJWKS != nil {
		t.JWKS = settings.StaticJWKS.JWKS
	}
	for _, rule := range settings.Allow {
		t.Allow = append(t.Allow, rule.ServiceAccount)
	}
	if expires := token.Expiry(); !expires.IsZero() && expires.Unix() != 0 {
		t.Expires = expires
	}
	return t
}
