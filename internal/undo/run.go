package undo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/owner"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// deleteTimeout bounds one deletion, also after the run was broken off.
const deleteTimeout = 30 * time.Second

// Runner carries out one inventory.
type Runner struct {
	Kubernetes Kubernetes
	Teleport   Teleport
	// Targets are the clusters that the bot reaches, by their kubeconfig contexts.
	Targets map[string]Kubernetes
	Observe apply.Observer
	Now     func() time.Time
}

// Refusal is a deletion that the API server would not do.
type Refusal struct {
	Item Item
	Err  error
}

// Rehearse asks the API server about every deletion without doing it (a dry run), so that a missing right is known before the
// first one. Teleport knows no such question; what its roles say is its callers' to ask.
func (r Runner) Rehearse(ctx context.Context, inventory Inventory) []Refusal {
	var refusals []Refusal
	for _, item := range inventory.Of(Remove) {
		if item.System == manifests.Teleport {
			continue
		}
		if _, err := r.clusterOf(item).Delete(ctx, item.Object, true); err != nil {
			refusals = append(refusals, Refusal{item, err})
		}
	}
	return refusals
}

// Run removes the items in order and gives them back with what became of each, also where it fails half-way. What was looked at is
// looked at again before it goes: by its UID in Kubernetes, by its mark in Teleport.
func (r Runner) Run(ctx context.Context, inventory Inventory) ([]Item, error) {
	items := slices.Clone(inventory.Items)
	for i := range items {
		if items[i].Fate != Remove {
			continue
		}
		if err := r.step(ctx, &items[i], inventory.Install); err != nil {
			return items, err
		}
	}
	return items, nil
}

// step runs one deletion between its events.
func (r Runner) step(ctx context.Context, item *Item, install string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("stopped before %s: %w", item.ID(), err)
	}
	start := r.Now()
	r.Observe(apply.Event{Step: item.ID(), State: apply.Started})
	err := r.remove(ctx, item, install)
	if err == nil && item.System != manifests.Teleport && item.Fate == Removed {
		err = r.await(ctx, item, start)
	}
	elapsed := r.Now().Sub(start)
	if err != nil {
		item.Fate = Remove
		r.Observe(apply.Event{Step: item.ID(), State: apply.Failed, Detail: err.Error(), Elapsed: elapsed})
		return err
	}
	detail := string(item.Fate)
	switch item.Fate {
	case Gone:
		detail = "gone already"
	case Keep:
		detail = "left alone: " + item.Reason
	case Removed, Remove:
	}
	r.Observe(apply.Event{Step: item.ID(), State: apply.Done, Detail: detail, Elapsed: elapsed})
	return nil
}

// remove is not broken off half-way: the step in hand is finished, so that what stands is known.
func (r Runner) remove(ctx context.Context, item *Item, install string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteTimeout)
	defer cancel()
	if item.System == manifests.Teleport {
		return r.removeResource(ctx, item, install)
	}
	if item.Kind == "Namespace" {
		// Somebody may have put something into it since; by now nothing of ours is in it.
		if item.Reason = inTheWay(ctx, r.Kubernetes, item.Name, map[types.UID]bool{}); item.Reason != "" {
			item.Fate = Keep
			return nil
		}
	}
	found, err := r.clusterOf(*item).Delete(ctx, item.Object, false)
	if err != nil {
		return err
	}
	item.Fate = Gone
	if found {
		item.Fate = Removed
	}
	return nil
}

// clusterOf is the cluster that an item is in; what was looked at there was opened.
func (r Runner) clusterOf(item Item) Kubernetes {
	if item.System == manifests.Target {
		return r.Targets[item.Context]
	}
	return r.Kubernetes
}

// ErrChangedHands means that a resource is no longer what was looked at.
var ErrChangedHands = errors.New("it changed hands since it was looked at")

func (r Runner) removeResource(ctx context.Context, item *Item, install string) error {
	labels, found, err := r.labels(ctx, item)
	if err != nil {
		return err
	}
	if !found {
		item.Fate = Gone
		return nil
	}
	if maker := owner.Maker(labels[spec.MarkInstall], install); maker != "" {
		return fmt.Errorf("%s is left alone: %w (%s)", item.ID(), ErrChangedHands, maker)
	}
	if manager := owner.OfTeleport(labels); !manager.None() {
		return fmt.Errorf("%s is left alone: %w (managed by %s)", item.ID(), ErrChangedHands, manager)
	}
	item.Fate = Removed
	switch item.Kind {
	case "bot":
		return r.Teleport.DeleteBot(ctx, item.Name)
	case "role":
		return r.Teleport.DeleteRole(ctx, item.Name)
	}
	return r.Teleport.DeleteToken(ctx, item.Name)
}

func (r Runner) labels(ctx context.Context, item *Item) (labels map[string]string, found bool, err error) {
	switch item.Kind {
	case "bot":
		live, err := r.Teleport.Bot(ctx, item.Name)
		return live.GetMetadata().GetLabels(), err == nil && live != nil, err
	case "role":
		live, err := r.Teleport.Role(ctx, item.Name)
		if err != nil || live == nil {
			return nil, false, err
		}
		return live.GetMetadata().Labels, true, nil
	}
	live, err := r.Teleport.Token(ctx, item.Name)
	if err != nil || live == nil {
		return nil, false, err
	}
	return live.GetMetadata().Labels, true, nil
}
