package undo

import (
	"context"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// bindings judges the bindings in the clusters that the contexts name. They go once nothing runs any more that uses them, and before
// the bot: certificates that were issued before can do nothing there from then on. Several contexts may lead to one cluster, and one to
// that of tbot, whose own RoleBindings are here; nothing stands twice.
func (l *look) bindings(ctx context.Context, bots, here []Item) ([]Item, error) {
	seen := map[types.UID]bool{}
	for _, item := range here {
		if item.Object != nil {
			seen[item.Object.GetUID()] = true
		}
	}
	var items []Item
	for _, name := range l.Setup.Reach.Contexts {
		cluster, found := l.Targets[name]
		if !found {
			return nil, fmt.Errorf("context %s: its cluster was not opened", spec.Quote(name))
		}
		there, err := l.bindingsOf(ctx, name, cluster, bots)
		if err != nil {
			return nil, fmt.Errorf("context %s: %w", spec.Quote(name), err)
		}
		for _, item := range there {
			if item.Object != nil {
				if seen[item.Object.GetUID()] {
					continue
				}
				seen[item.Object.GetUID()] = true
			}
			item.System, item.Context = manifests.Target, name
			items = append(items, item)
		}
	}
	return items, nil
}

// bindingsOf finds the bindings of one cluster by their marks, in whatever namespace. Where there is none, it tells what else stands
// under a bot's name.
func (l *look) bindingsOf(ctx context.Context, name string, cluster Kubernetes, bots []Item) ([]Item, error) {
	var items []Item
	for _, kind := range []string{"ClusterRoleBinding", "RoleBinding"} {
		marked, err := l.marked(ctx, kind, "", cluster)
		if apierrors.IsForbidden(err) {
			// Who may look into one namespace alone finds what is there, and says so of the rest.
			l.unknown = append(l.unknown, fmt.Sprintf("whether there are more %ss of this installation in context %s: %v", kind, name, err))
			marked, err = nil, ctx.Err()
			if namespace := l.Setup.Reach.Namespace; err == nil && namespace != "" && kind == "RoleBinding" {
				marked, err = l.marked(ctx, kind, namespace, cluster)
			}
		}
		if err != nil {
			return nil, err
		}
		items = append(items, marked...)
	}
	if len(items) == 0 {
		return l.others(ctx, cluster, bots)
	}
	return items, nil
}

// marked are the objects of a kind that carry this installation's mark.
func (l *look) marked(ctx context.Context, kind, namespace string, cluster Kubernetes) ([]Item, error) {
	listed, err := cluster.List(ctx, rbacv1.SchemeGroupVersion.WithKind(kind), namespace, spec.LabelManagedBy+"="+spec.ManagedBy)
	if err != nil {
		return nil, err
	}
	var items []Item
	for i := range listed {
		if listed[i].GetAnnotations()[spec.MarkInstall] == l.install {
			items = append(items, l.judge(&listed[i]))
		}
	}
	return items, nil
}

// others tells what stands where this installation's binding would, and is somebody else's or gone.
func (l *look) others(ctx context.Context, cluster Kubernetes, bots []Item) ([]Item, error) {
	kind := rbacv1.SchemeGroupVersion.WithKind("ClusterRoleBinding")
	namespace := l.Setup.Reach.Namespace
	if namespace != "" {
		kind.Kind = "RoleBinding"
	}
	var items []Item
	for _, bot := range bots {
		if bot.Name == "" {
			continue
		}
		item := Item{Kind: kind.Kind, Namespace: namespace, Name: spec.KubeRoleOf(bot.Name), Fate: Gone}
		live, err := cluster.Read(ctx, object(kind, namespace, item.Name))
		if err != nil {
			return nil, err
		}
		if live != nil {
			item = l.judge(live)
		}
		items = append(items, item)
	}
	return items, nil
}
