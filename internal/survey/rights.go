package survey

import (
	"context"
	"errors"
	"slices"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/tbotctl/tbotctl/checks"
)

// user and groups are what the service account logs in as (Kubernetes: Authenticating, "Service account tokens").
func (s *surroundings) user() string {
	return "system:serviceaccount:" + s.namespace() + ":" + s.account()
}

func (s *surroundings) groups() []string {
	return []string{"system:serviceaccounts", "system:serviceaccounts:" + s.namespace(), "system:authenticated"}
}

// may asks the API server; the verdicts are in the order asked.
func (s *surroundings) may(ctx context.Context, asked []checks.Access) []checks.Verdict {
	verdicts := make([]checks.Verdict, len(asked))
	atOnce(len(asked), func(i int) {
		a := asked[i]
		review := authorizationv1.SubjectAccessReviewSpec{User: s.user(), Groups: s.groups()}
		if a.Path != "" {
			review.NonResourceAttributes = &authorizationv1.NonResourceAttributes{Verb: a.Verb, Path: a.Path}
		} else {
			review.ResourceAttributes = &authorizationv1.ResourceAttributes{
				Verb: a.Verb, Group: a.Group, Resource: a.Resource, Subresource: a.Subresource, Namespace: a.Namespace, Name: a.Name,
			}
		}
		status, err := s.cluster.Review(ctx, review)
		if err == nil && !status.Allowed && !status.Denied && status.EvaluationError != "" {
			// An authorizer could not decide: its answer to the real request may be another.
			err = errors.New(status.EvaluationError)
		}
		verdicts[i] = checks.Verdict{Allowed: status.Allowed && err == nil, Reason: status.Reason, Err: err}
	})
	return verdicts
}

// bound is one binding that gives the service account something.
type bound struct {
	checks.Grant
	ref rbacv1.RoleRef
}

// grants reads the Roles and ClusterRoles that hold for the service account, in every namespace that tbot writes to and everywhere. A
// binding to a role that does not exist grants nothing and is a Grant without rules. Those that could be read are returned
// beside an error too: they are not all then.
func (s *surroundings) grants(ctx context.Context) ([]checks.Grant, error) {
	namespaces := s.written()
	failures := make([]error, len(namespaces)+1)
	lists := make([][]bound, len(namespaces)+1)
	atOnce(len(lists), func(i int) {
		if i < len(namespaces) {
			lists[i], failures[i] = s.bindings(ctx, namespaces[i])
			return
		}
		lists[i], failures[i] = s.clusterBindings(ctx)
	})
	all := slices.Concat(lists...)
	unread := make([]error, len(all))
	atOnce(len(all), func(i int) { all[i].Rules, unread[i] = s.rules(ctx, all[i]) })
	grants := make([]checks.Grant, 0, len(all))
	for i := range all {
		if unread[i] == nil {
			grants = append(grants, all[i].Grant)
		}
	}
	return grants, errors.Join(slices.Concat(failures, unread)...)
}

func (s *surroundings) bindings(ctx context.Context, namespace string) ([]bound, error) {
	bindings, err := s.cluster.RoleBindings(ctx, namespace)
	if err != nil {
		return nil, err
	}
	var all []bound
	for i := range bindings {
		b := &bindings[i]
		if s.concerns(b.Subjects, namespace) {
			all = append(all, bound{checks.Grant{Binding: "RoleBinding " + b.Name, Role: b.RoleRef.Kind + " " + b.RoleRef.Name, Namespace: namespace}, b.RoleRef})
		}
	}
	return all, nil
}

func (s *surroundings) clusterBindings(ctx context.Context) ([]bound, error) {
	bindings, err := s.cluster.ClusterRoleBindings(ctx)
	if err != nil {
		return nil, err
	}
	var all []bound
	for i := range bindings {
		b := &bindings[i]
		if s.concerns(b.Subjects, "") {
			all = append(all, bound{checks.Grant{Binding: "ClusterRoleBinding " + b.Name, Role: b.RoleRef.Kind + " " + b.RoleRef.Name}, b.RoleRef})
		}
	}
	return all, nil
}

// concerns follows the RBAC authorizer: a service account without a namespace is one of the binding's own, and one can also be
// named as the user that it logs in as, or by its groups.
func (s *surroundings) concerns(subjects []rbacv1.Subject, namespace string) bool {
	return slices.ContainsFunc(subjects, func(subject rbacv1.Subject) bool {
		switch subject.Kind {
		case rbacv1.ServiceAccountKind:
			of := subject.Namespace
			if of == "" {
				of = namespace
			}
			return of == s.namespace() && subject.Name == s.account()
		case rbacv1.UserKind:
			return subject.Name == s.user()
		case rbacv1.GroupKind:
			return slices.Contains(s.groups(), subject.Name)
		}
		return false
	})
}

func (s *surroundings) rules(ctx context.Context, b bound) ([]rbacv1.PolicyRule, error) {
	if b.ref.Kind == "Role" {
		role, err := s.cluster.Role(ctx, b.Namespace, b.ref.Name)
		if err != nil || role == nil {
			return nil, err
		}
		return role.Rules, nil
	}
	role, err := s.cluster.ClusterRole(ctx, b.ref.Name)
	if err != nil || role == nil {
		return nil, err
	}
	return role.Rules, nil
}
