package undo

import (
	"context"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tbotctl/tbotctl/internal/owner"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// look is one look at both clusters.
type look struct {
	Target
	kubernetes Kubernetes
	teleport   Teleport
	names      spec.Names
	install    string
	agent      bool
	unknown    []string
}

// Look finds what there is of an installation, on the side that the Setup names; the other one's client may be nil. In Kubernetes the marks are what counts, so that an object is found also where it
// was made under a name that nobody gives now; the names tell what else stands in their place. The order is the one of
// deletion: the token first, so that nobody new can join; then what runs; the rights only when nothing runs any more that uses
// them; the bot, the role that only it was for, and last the namespace.
func Look(ctx context.Context, target Target, kubernetes Kubernetes, teleport Teleport) (Inventory, error) {
	l := &look{Target: target, kubernetes: kubernetes, teleport: teleport, names: target.Setup.Names(), install: target.Setup.InstallID()}
	if !target.Setup.Side.HasKubernetes() {
		return l.inTeleport(ctx)
	}
	found := map[string][]Item{}
	for _, kind := range l.kinds() {
		items, err := l.objects(ctx, kind, l.names.Namespace)
		if err != nil {
			return Inventory{}, err
		}
		found[kind.Kind] = items
	}
	running, err := l.configured(ctx, found["ConfigMap"])
	if err != nil {
		return Inventory{}, err
	}
	clusters, err := l.argoCD(ctx, found, running.argoCD)
	if err != nil {
		return Inventory{}, err
	}
	tokens, err := l.tokens(ctx, running.tokens)
	if err != nil {
		return Inventory{}, err
	}
	bots, users, held, err := l.bots(ctx)
	if err != nil {
		return Inventory{}, err
	}
	roles, err := l.roles(ctx, bots, held)
	if err != nil {
		return Inventory{}, err
	}
	outputs, err := l.outputs(ctx, found["Role"])
	if err != nil {
		return Inventory{}, err
	}
	bindings, err := l.bindings(ctx, bots, found["RoleBinding"])
	if err != nil {
		return Inventory{}, err
	}
	items := slices.Concat(tokens, found["Deployment"], found["Pod"], outputs, clusters, bindings, found["RoleBinding"], found["Role"],
		found["ConfigMap"], found["ServiceAccount"], bots, roles)
	namespace, err := l.namespace(ctx, items)
	if err != nil {
		return Inventory{}, err
	}
	items = append(items, namespace...)
	if l.agent {
		items = slices.DeleteFunc(items, func(item Item) bool {
			return item.Fate == Gone && item.Kind != "token" && item.Kind != "ServiceAccount"
		})
	}
	return Inventory{
		Install: l.install, Items: items, Users: users, Lifetime: running.lifetime, Unknown: l.unknown, Agent: l.agent,
	}, nil
}

// inTeleport finds what there is for whom the Teleport side alone is theirs. What the installed tbot.yaml says is not known, so
// certificates may live for as long as tbot takes them.
func (l *look) inTeleport(ctx context.Context) (Inventory, error) {
	tokens, err := l.tokens(ctx, nil)
	if err != nil {
		return Inventory{}, err
	}
	bots, users, held, err := l.bots(ctx)
	if err != nil {
		return Inventory{}, err
	}
	roles, err := l.roles(ctx, bots, held)
	return Inventory{
		Install: l.install, Items: slices.Concat(tokens, bots, roles), Users: users, Lifetime: longestLifetime, Unknown: l.unknown, Agent: l.agent,
	}, err
}

// kind is one kind of object that an installation makes, and the name that it goes by; empty for what has random names.
type kind struct {
	schema.GroupVersionKind
	name, selector string
}

func (l *look) kinds() []kind {
	ours := spec.LabelManagedBy + "=" + spec.ManagedBy
	return []kind{
		{appsv1.SchemeGroupVersion.WithKind("Deployment"), l.names.Deployment, ours},
		{corev1.SchemeGroupVersion.WithKind("Pod"), "", spec.MarkProbe + "=true"},
		{rbacv1.SchemeGroupVersion.WithKind("RoleBinding"), l.names.RoleBinding, ours},
		{rbacv1.SchemeGroupVersion.WithKind("Role"), l.names.Role, ours},
		{corev1.SchemeGroupVersion.WithKind("ConfigMap"), l.names.ConfigMap, ours},
		{corev1.SchemeGroupVersion.WithKind("ServiceAccount"), l.names.ServiceAccount, ours},
	}
}

// objects finds the objects of a kind by their marks, and the one that stands under the name.
func (l *look) objects(ctx context.Context, k kind, namespace string) ([]Item, error) {
	listed, err := l.kubernetes.List(ctx, k.GroupVersionKind, namespace, k.selector)
	if err != nil {
		return nil, err
	}
	var items []Item
	named := k.name == ""
	for i := range listed {
		object := &listed[i]
		if object.GetAnnotations()[spec.MarkInstall] != l.install {
			continue
		}
		items = append(items, l.judge(object))
		named = named || object.GetName() == k.name
	}
	if named {
		return items, nil
	}
	live, err := l.kubernetes.Read(ctx, object(k.GroupVersionKind, namespace, k.name))
	if err != nil {
		return nil, err
	}
	if live == nil {
		gone := Item{System: manifests.Kubernetes, Kind: k.Kind, Namespace: namespace, Name: k.name, Fate: Gone}
		return append(items, gone), nil
	}
	return append(items, l.judge(live)), nil
}

// judge decides by the mark, and by whoever else keeps the object.
func (l *look) judge(live *unstructured.Unstructured) Item {
	item := Item{
		System: manifests.Kubernetes, Kind: live.GetKind(), Namespace: live.GetNamespace(), Name: live.GetName(), Fate: Remove, Object: live,
	}
	return l.left(item, live.GetAnnotations()[spec.MarkInstall], owner.OfObject(live))
}

// left keeps an item that is another's, and one that a tool keeps.
func (l *look) left(item Item, mark string, manager owner.Owner) Item {
	if maker := owner.Maker(mark, l.install); maker != "" {
		item.Fate, item.Reason = Keep, maker
	} else if !manager.None() {
		item.Fate, item.Manager = Keep, manager
		item.Reason = "managed by " + manager.String() + ", which would make it again; remove it there"
	}
	return item
}

func object(kind schema.GroupVersionKind, namespace, name string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(kind)
	u.SetNamespace(namespace)
	u.SetName(name)
	return u
}
