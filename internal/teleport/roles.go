package teleport

import (
	"context"
	"fmt"

	"github.com/gravitational/teleport/api/types"
)

// Role reads a role; nil where it does not exist. It takes the verb read on roles, else the error is of kind Denied.
func (c *Client) Role(ctx context.Context, name string) (*types.RoleV6, error) {
	role, err := c.auth.GetRole(ctx, name)
	if err = wrap(err, "reading role "+name); Is(err, NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v6, ok := role.(*types.RoleV6)
	if !ok {
		return nil, &Error{Kind: Other, Doing: "reading role " + name, Err: fmt.Errorf("its version is %s, which is not known here", role.GetVersion())}
	}
	return v6, nil
}

// CreateRole makes a role that is not there yet. The server judges it too: what its version does not know is of kind Invalid.
func (c *Client) CreateRole(ctx context.Context, role *types.RoleV6) error {
	_, err := c.auth.CreateRole(ctx, role)
	return wrap(err, "making role "+role.GetName())
}

// UpsertRole makes or replaces a role.
func (c *Client) UpsertRole(ctx context.Context, role *types.RoleV6) error {
	_, err := c.auth.UpsertRole(ctx, role)
	return wrap(err, "updating role "+role.GetName())
}

// DeleteRole removes a role. One that is gone already is no error; one that a user still holds stays and is one.
func (c *Client) DeleteRole(ctx context.Context, name string) error {
	if err := wrap(c.auth.DeleteRole(ctx, name), "deleting role "+name); err != nil && !Is(err, NotFound) {
		return err
	}
	return nil
}
