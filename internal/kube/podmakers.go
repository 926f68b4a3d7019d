package kube

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Subject is a user, a group or a service account that may become a service account of a namespace, and by what.
type Subject struct {
	// Kind is User, Group or ServiceAccount.
	Kind string
	Name string
	// Namespace is a service account's; empty for the others.
	Namespace string
	// RunsPods tells that it may make pods there, itself or through a workload's controller.
	RunsPods bool
	// MintsTokens tells that it may ask for the service account's tokens, which needs no pod.
	MintsTokens bool
	// By names the bindings that give it this, as "RoleBinding edit" or "ClusterRoleBinding admins"; sorted.
	By []string
}

// PodMakers lists who may make pods in a namespace, or mint tokens of a service account in it, and so become that account
// (Kubernetes: "Role Based Access Control Good Practices", workload creation). An empty serviceAccount stands for any. It reads
// RBAC alone: an authorizer of another kind, custom resources whose controllers make pods, and who may enter a pod that runs
// are not in it.
//
// The administrators of the group system:masters and the control plane's own users, groups and controllers are left out; groups
// that everybody is in, as system:authenticated, are not. The list is sorted by kind, namespace and name. If one of the four
// lists that this needs cannot be read, nothing is known and the error is of that kind.
func (c *Cluster) PodMakers(ctx context.Context, namespace, serviceAccount string) ([]Subject, error) {
	var (
		found = grants{namespace: namespace, account: serviceAccount}
		err   error
	)
	if found.roles, err = listTyped[rbacv1.Role](ctx, c, "roles", namespace); err != nil {
		return nil, err
	}
	if found.bindings, err = listTyped[rbacv1.RoleBinding](ctx, c, "rolebindings", namespace); err != nil {
		return nil, err
	}
	if found.clusterRoles, err = listTyped[rbacv1.ClusterRole](ctx, c, "clusterroles", ""); err != nil {
		return nil, err
	}
	if found.clusterBindings, err = listTyped[rbacv1.ClusterRoleBinding](ctx, c, "clusterrolebindings", ""); err != nil {
		return nil, err
	}
	return judgePodMakers(found), nil
}

func listTyped[T any](ctx context.Context, c *Cluster, resource, namespace string) ([]T, error) {
	return listOf[T](ctx, c, rbacv1.SchemeGroupVersion.WithResource(resource), namespace)
}

// grants is RBAC as it concerns one namespace.
type grants struct {
	namespace, account string
	roles              []rbacv1.Role
	bindings           []rbacv1.RoleBinding
	clusterRoles       []rbacv1.ClusterRole
	clusterBindings    []rbacv1.ClusterRoleBinding
}

// power is what a role gives in this respect.
type power struct{ runsPods, mintsTokens bool }

func judgePodMakers(a grants) []Subject {
	powers := map[rbacv1.RoleRef]power{}
	for i := range a.roles {
		powers[rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: a.roles[i].Name}] = powerOf(a.roles[i].Rules, a.account)
	}
	for i := range a.clusterRoles {
		powers[rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: a.clusterRoles[i].Name}] = powerOf(a.clusterRoles[i].Rules, a.account)
	}
	found := map[[3]string]*Subject{}
	add := func(binding, name string, subjects []rbacv1.Subject, p power) {
		if p == (power{}) {
			return
		}
		for _, subject := range subjects {
			subject = plainly(subject, a.namespace)
			if isControlPlane(subject, name) {
				continue
			}
			key := [3]string{subject.Kind, subject.Namespace, subject.Name}
			if found[key] == nil {
				found[key] = &Subject{Kind: subject.Kind, Name: subject.Name, Namespace: subject.Namespace}
			}
			found[key].RunsPods = found[key].RunsPods || p.runsPods
			found[key].MintsTokens = found[key].MintsTokens || p.mintsTokens
			found[key].By = append(found[key].By, binding+" "+name)
		}
	}
	for i := range a.bindings {
		add("RoleBinding", a.bindings[i].Name, a.bindings[i].Subjects, powers[a.bindings[i].RoleRef])
	}
	for i := range a.clusterBindings {
		add("ClusterRoleBinding", a.clusterBindings[i].Name, a.clusterBindings[i].Subjects, powers[a.clusterBindings[i].RoleRef])
	}
	all := make([]Subject, 0, len(found))
	for _, subject := range found {
		slices.Sort(subject.By)
		subject.By = slices.Compact(subject.By)
		all = append(all, *subject)
	}
	slices.SortFunc(all, func(a, b Subject) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// plainly gives a service account one form: a binding may name it as the user that it logs in as, and one in the binding's own
// namespace without a namespace.
func plainly(s rbacv1.Subject, namespace string) rbacv1.Subject {
	if s.Kind == rbacv1.UserKind {
		if account, found := strings.CutPrefix(s.Name, "system:serviceaccount:"); found {
			if of, name, ok := strings.Cut(account, ":"); ok {
				return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: of, Name: name}
			}
		}
	}
	if s.Kind != rbacv1.ServiceAccountKind {
		s.Namespace = ""
	} else if s.Namespace == "" {
		s.Namespace = namespace
	}
	return s
}

// isControlPlane tells who has power over every namespace anyway. The names that begin with system: are Kubernetes's own
// (Kubernetes: Using RBAC Authorization, "Default roles and role bindings"); of the groups among them some hold anybody.
func isControlPlane(s rbacv1.Subject, binding string) bool {
	switch s.Kind {
	case rbacv1.GroupKind:
		for _, anybody := range []string{"system:authenticated", "system:unauthenticated", "system:serviceaccounts"} {
			if s.Name == anybody || strings.HasPrefix(s.Name, anybody+":") {
				return false
			}
		}
		return strings.HasPrefix(s.Name, "system:")
	case rbacv1.UserKind:
		return strings.HasPrefix(s.Name, "system:") && s.Name != anonymous
	}
	// The controllers' accounts are bound by bindings of the same prefix.
	return s.Namespace == "kube-system" && strings.HasPrefix(binding, "system:")
}

// String is for people: "group devs", "service account ci/deployer".
func (s Subject) String() string {
	switch s.Kind {
	case rbacv1.ServiceAccountKind:
		return fmt.Sprintf("service account %s/%s", s.Namespace, s.Name)
	case rbacv1.GroupKind:
		return "group " + s.Name
	}
	return "user " + s.Name
}
