package tctl

import (
	"context"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
)

// Writer stands where roles, bots and tokens are written one by one, and writes all of them at the first: one file, one touch. What
// fails then has failed before anything counts as written.
type Writer struct {
	// All writes everything that is to be written.
	All  func() error
	done bool
}

// CreateRole writes everything, unless that is done.
func (w *Writer) CreateRole(context.Context, *types.RoleV6) error { return w.all() }

// UpsertRole writes everything, unless that is done.
func (w *Writer) UpsertRole(context.Context, *types.RoleV6) error { return w.all() }

// CreateBot writes everything, unless that is done.
func (w *Writer) CreateBot(context.Context, *machineidv1.Bot) error { return w.all() }

// UpsertBot writes everything, unless that is done.
func (w *Writer) UpsertBot(context.Context, *machineidv1.Bot) error { return w.all() }

// CreateToken writes everything, unless that is done.
func (w *Writer) CreateToken(context.Context, *types.ProvisionTokenV2) error { return w.all() }

// UpsertToken writes everything, unless that is done.
func (w *Writer) UpsertToken(context.Context, *types.ProvisionTokenV2) error { return w.all() }

func (w *Writer) all() error {
	if w.done {
		return nil
	}
	err := w.All()
	w.done = err == nil
	return err
}
