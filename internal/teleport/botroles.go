package teleport

import (
	"context"

	"github.com/gravitational/teleport/api/types"
)

// RolesNamed reads roles by name; those that do not exist are left out. It takes the verb read on roles, else the error is of kind
// Denied.
func (c *Client) RolesNamed(ctx context.Context, names []string) ([]types.Role, error) {
	found := []types.Role{}
	for _, name := range names {
		role, err := c.auth.GetRole(ctx, name)
		if err = wrap(err, "reading role "+name); Is(err, NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, role)
	}
	return found, nil
}
