package teleporttest

import (
	"context"
	"slices"

	"github.com/gravitational/teleport/api/mfa"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
)

// caller is who makes a request, and what the roles in its certificate allow.
type caller struct {
	identity
	user    *types.UserV2
	roleSet []*types.RoleV6
}

type callerKey struct{}

func withCaller(ctx context.Context, c *caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// callerFrom returns the caller of an Auth RPC, or AccessDenied for one that showed no certificate: the real Auth
// Service gives it the Nop role, which may do nothing.
func callerFrom(ctx context.Context) (*caller, error) {
	c, ok := ctx.Value(callerKey{}).(*caller)
	if !ok || c == nil {
		return nil, trace.AccessDenied("access denied")
	}
	return c, nil
}

// authenticate turns an identity into a caller. A certificate outlives its user's deletion and lock, but is of no
// use after it.
func (c *Cluster) authenticate(id identity) (*caller, error) {
	user, ok := c.state.user(id.username)
	if !ok {
		return nil, trace.AccessDenied("access denied")
	}
	var roleSet []*types.RoleV6
	for _, name := range id.roles {
		role, ok := c.state.role(name)
		if !ok {
			return nil, trace.AccessDenied("access denied")
		}
		roleSet = append(roleSet, role)
	}
	if err := c.checkLocks(id.username, id.roles, id.botInstanceID, ""); err != nil {
		return nil, err
	}
	return &caller{identity: id, user: user, roleSet: roleSet}, nil
}

// allow checks that the caller's roles allow every verb on a kind. All missing verbs are in the error, in the
// order asked, as the Auth Service aggregates them (recordings/auth-calls.json).
func (c *caller) allow(kind string, verbs ...string) error {
	var missing []error
	for _, verb := range verbs {
		if !c.may(kind, verb) {
			missing = append(missing, trace.AccessDenied("access denied to perform action %q on %q", verb, kind))
		}
	}
	return trace.NewAggregate(missing...)
}

func (c *caller) may(kind, verb string) bool {
	for _, role := range c.roleSet {
		if matches(role.GetRules(types.Deny), kind, verb) {
			return false
		}
	}
	if matches(implicitRules(), kind, verb) {
		return true
	}
	for _, role := range c.roleSet {
		if matches(role.GetRules(types.Allow), kind, verb) {
			return true
		}
	}
	return false
}

// matches evaluates rules without a where clause; this package serves no resource that needs one, so a rule with
// one never matches. The right to read includes reading without secrets.
func matches(rules []types.Rule, kind, verb string) bool {
	for _, rule := range rules {
		if rule.Where != "" {
			continue
		}
		if !slices.Contains(rule.Resources, kind) && !slices.Contains(rule.Resources, types.Wildcard) {
			continue
		}
		if slices.Contains(rule.Verbs, verb) || slices.Contains(rule.Verbs, types.Wildcard) {
			return true
		}
		if verb == types.VerbReadNoSecrets && slices.Contains(rule.Verbs, types.VerbRead) {
			return true
		}
	}
	return false
}

// adminAction demands an MFA response where the cluster enforces MFA for admin actions. Bots, and users that a bot
// impersonates, are exempt (teleport-facts 5.4). The response itself is not verified: the cluster has no devices.
func (c *Cluster) adminAction(ctx context.Context, who *caller) error {
	if !c.opts.AdminMFA || who.botName != "" || who.impersonator != "" {
		return nil
	}
	if _, err := mfa.CredentialsFromContext(ctx); err != nil {
		return trace.Wrap(&mfa.ErrAdminActionMFARequired)
	}
	return nil
}

// authorize is the usual guard of an RPC: a caller, its verbs, and MFA if the call is an admin action.
func (c *Cluster) authorize(ctx context.Context, admin bool, kind string, verbs ...string) (*caller, error) {
	who, err := callerFrom(ctx)
	if err != nil {
		return nil, err
	}
	if err := who.allow(kind, verbs...); err != nil {
		return nil, err
	}
	if admin {
		if err := c.adminAction(ctx, who); err != nil {
			return nil, err
		}
	}
	return who, nil
}
