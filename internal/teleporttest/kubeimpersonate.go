package teleporttest

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
)

const (
	impersonateUser  = "Impersonate-User"
	impersonateGroup = "Impersonate-Group"
	// systemAuthenticated is a group of everybody: discovery needs it.
	systemAuthenticated = "system:authenticated"

	deniedImpersonation = "impersonation request has been denied"
)

// kubePrincipals are the Kubernetes users and groups that a caller may be.
type kubePrincipals struct {
	caller        string
	users, groups []string // sorted sets
}

// impersonate chooses as whom a request goes on: what its Impersonate headers ask for, if the roles allow each of it; else
// the one user and all groups (computeImpersonatedPrincipals of forwarder.go@04581c42). A star among the users allows
// any user, and makes the caller the one who is taken when nobody is asked for (reference/argocd.txt). Groups have no
// star.
func (p kubePrincipals) impersonate(headers http.Header, star bool) (user string, groups []string, err error) {
	users := p.users
	anyUser := star && slices.Contains(users, types.Wildcard)
	for _, header := range slices.Sorted(maps.Keys(headers)) {
		if !strings.HasPrefix(header, "Impersonate-") {
			continue
		}
		values := headers[header]
		switch header {
		case impersonateUser:
			if len(values) != 1 {
				return "", nil, trace.AccessDenied("%v, invalid user header %q", deniedImpersonation, values)
			}
			// client-go sends an empty user with groups alone.
			if user = values[0]; user != "" && !anyUser && !slices.Contains(users, user) {
				return "", nil, trace.AccessDenied("%v, user header %q is not allowed in roles", deniedImpersonation, user)
			}
		case impersonateGroup:
			for _, group := range values {
				if !slices.Contains(p.groups, group) {
					return "", nil, trace.AccessDenied("%v, group header %q value is not allowed in roles", deniedImpersonation, group)
				}
			}
			groups = sortedSet(values)
		default:
			return "", nil, trace.AccessDenied("%v, unsupported impersonation header %q", deniedImpersonation, header)
		}
	}
	if user == "" {
		switch {
		case anyUser:
			user = p.caller
		case len(users) == 1:
			user = users[0]
		default:
			return "", nil, trace.AccessDenied("please select a user to impersonate, refusing to select a user due to several " +
				"kubernetes_users set up for this user")
		}
	}
	if len(groups) == 0 {
		groups = p.groups
	}
	return user, groups, nil
}
