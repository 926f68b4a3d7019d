package undo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/apply"
)

// pollEvery is how often a deletion is looked after; pods take seconds to end.
const pollEvery = 500 * time.Millisecond

// StillThere means that the time was up before an object was gone; its deletion goes on in the cluster.
type StillThere struct {
	ID string
	// Why is what holds it, empty where nothing says so.
	Why   string
	After time.Duration
}

func (e *StillThere) Error() string {
	text := fmt.Sprintf("%s is still there after %s", e.ID, e.After.Round(time.Second))
	if e.Why != "" {
		text += ": " + e.Why
	}
	return text
}

// await looks until the object is gone. A Deployment goes after its pods; a finalizer holds anything.
func (r Runner) await(ctx context.Context, item *Item, start time.Time) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	var why string
	for {
		live, err := r.clusterOf(*item).Read(ctx, item.Object)
		switch {
		case err == nil && (live == nil || live.GetUID() != item.Object.GetUID()):
			return nil
		case err == nil:
			why = r.holding(ctx, live)
			r.Observe(apply.Event{Step: item.ID(), State: apply.Waiting, Detail: why, Elapsed: r.Now().Sub(start)})
		case ctx.Err() == nil:
			return err
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
		if err := ctx.Err(); errors.Is(err, context.DeadlineExceeded) {
			return &StillThere{ID: item.ID(), Why: why, After: r.Now().Sub(start)}
		} else if err != nil {
			return err
		}
	}
}

// holding says what an object waits for that is being deleted.
func (r Runner) holding(ctx context.Context, live *unstructured.Unstructured) string {
	finalizers := slices.DeleteFunc(live.GetFinalizers(), func(f string) bool { return f == metav1.FinalizerDeleteDependents })
	if len(finalizers) > 0 {
		return "held by finalizer " + strings.Join(finalizers, ", ")
	}
	if live.GetKind() == "Namespace" {
		return remaining(live)
	}
	selector, found, err := unstructured.NestedStringMap(live.Object, "spec", "selector", "matchLabels")
	if live.GetKind() != "Deployment" || !found || err != nil {
		return ""
	}
	pods, err := r.Kubernetes.Pods(ctx, live.GetNamespace(), metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: selector}))
	if err != nil {
		return fmt.Sprintf("its pods cannot be looked at: %v", err)
	}
	var names []string
	for i := range pods {
		names = append(names, pods[i].Name)
	}
	if len(names) == 0 {
		return ""
	}
	return "waiting for its pods to end: " + strings.Join(names, ", ")
}

// remaining gives the namespace controller's own words for what it still finds.
func remaining(namespace *unstructured.Unstructured) string {
	conditions, _, _ := unstructured.NestedSlice(namespace.Object, "status", "conditions")
	var words []string
	for _, condition := range conditions {
		if fields, ok := condition.(map[string]any); ok && fields["status"] == "True" {
			words = append(words, fmt.Sprint(fields["message"]))
		}
	}
	return strings.Join(words, "; ")
}
