package teleport

import (
	"context"
	"fmt"
	"slices"

	"github.com/gravitational/teleport/api/types"
)

// Rights are what the roles in a login's certificate say. A role that was given to the user since the login is not among them.
type Rights struct{ roles []types.Role }

// Rights reads the roles of the login; everybody may read their own.
func (c *Client) Rights(ctx context.Context) (Rights, error) {
	roles, err := c.auth.GetCurrentUserRoles(ctx)
	return Rights{roles}, wrap(err, "reading the roles of the login")
}

// Verdict is what the roles say of one verb on one kind.
type Verdict struct {
	Allowed bool
	// Reason names the role that denies, empty where there is merely none that allows.
	Reason string
	// Err is why the verdict is not known; Allowed then means nothing.
	Err error
}

// May follows the Auth Service (Teleport's access control reference, "RBAC for dynamic Teleport resources"): a deny rule of any
// role wins over all allow rules. Only the Auth Service can judge a rule's `where`, so what hangs on one is not known.
func (r Rights) May(kind, verb string) Verdict {
	denied, deniedWhere := r.find(types.Deny, kind, verb)
	allowed, allowedWhere := r.find(types.Allow, kind, verb)
	switch {
	case denied != nil:
		return Verdict{Reason: fmt.Sprintf("role %s denies it", denied.GetName())}
	case allowed == nil && allowedWhere == nil:
		return Verdict{}
	case deniedWhere != nil:
		return Verdict{Err: fmt.Errorf("role %s denies it under a condition (where)", deniedWhere.GetName())}
	case allowed == nil:
		return Verdict{Err: fmt.Errorf("role %s allows it under a condition (where)", allowedWhere.GetName())}
	}
	return Verdict{Allowed: true}
}

// find gives the first role with a rule that covers the verb, without and with a condition.
func (r Rights) find(side types.RoleConditionType, kind, verb string) (always, where types.Role) {
	for _, role := range r.roles {
		for _, rule := range role.GetRules(side) {
			switch {
			case !covers(rule, kind, verb):
			case rule.Where == "" && always == nil:
				always = role
			case rule.Where != "" && where == nil:
				where = role
			}
		}
	}
	return always, where
}

func covers(rule types.Rule, kind, verb string) bool {
	return (slices.Contains(rule.Resources, kind) || slices.Contains(rule.Resources, types.Wildcard)) &&
		(slices.Contains(rule.Verbs, verb) || slices.Contains(rule.Verbs, types.Wildcard))
}
