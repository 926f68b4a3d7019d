package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation"
)

// kubeClusterName is Teleport's own rule (api/types, kubernetes.go).
var kubeClusterName = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)

// validateReach judges what is there. That something is missing is for wizard.Missing and manifests to say.
func (s Setup) validateReach(v *collector) {
	if !s.ReachesClusters() {
		s.refuseReach(v)
		return
	}
	r := s.Reach
	v.names("kube-cluster", "cluster name", r.Clusters, kubeClusterName.MatchString)
	v.names("kube-groups", "group name", r.Groups, isPrincipal)
	v.names("kube-users", "user name", r.Users, isPrincipal)
	v.principals(r)
	for _, labels := range r.Labels {
		v.selector(labels)
	}
	if r.Namespace != "" {
		v.dns("target-namespace", r.Namespace, validation.IsDNS1123Label)
	}
	// The names of RBAC objects are segments of a path and no more (k8s.io/apimachinery, path segment names).
	if role := r.ClusterRole; role != "" && (!isPrincipal(role) || role == "." || role == ".." || strings.ContainsAny(role, "/%")) {
		v.add("cluster-role", Quote(role)+" is no name of a ClusterRole", "write it as `kubectl get clusterroles` does")
	}
	v.names("target-context", "context name", r.Contexts, isContext)
}

// ValidateBinding refuses answers about a binding where nobody is to be bound. It stands apart from Validate because a person can be
// asked for groups after these were given. The error is *Invalid.
func (s Setup) ValidateBinding() error {
	r := s.Reach
	if !s.ReachesClusters() || s.Acting().Impersonates() {
		return nil
	}
	v := &collector{}
	for flag, given := range map[string]bool{"target-namespace": r.Namespace != "", "cluster-role": r.ClusterRole != "", "target-context": len(r.Contexts) > 0} {
		if given {
			v.add(flag, "given, but neither --kube-groups nor --kube-users says whom it is for", "give one of them, or leave it out")
		}
	}
	if len(v.fields) == 0 {
		return nil
	}
	return &Invalid{Fields: v.fields}
}

// refuseReach names the answers that no other access has a use for.
func (s Setup) refuseReach(v *collector) {
	for _, field := range Fields() {
		if !slices.Contains(reachFlags(), field.Flag) || field.Get(s) == "" {
			continue
		}
		v.add(field.Flag, fmt.Sprintf("given, but --access %s reaches no Kubernetes cluster", s.Access), "leave it out, or choose --access kubernetes or argocd")
	}
}

func reachFlags() []string {
	return []string{"kube-cluster", "kube-labels", "kube-groups", "kube-users", "target-namespace", "cluster-role", "target-context"}
}

// names refuses what is no name, or stands twice.
func (c *collector) names(flag, what string, names []string, fits func(string) bool) {
	seen := map[string]bool{}
	for _, name := range names {
		switch {
		case !fits(name):
			c.add(flag, Quote(name)+" is no "+what, "give names separated by commas, without spaces")
		case seen[name]:
			c.add(flag, Quote(name)+" stands twice", "name each once")
		}
		seen[name] = true
	}
}

// principals refuses groups and users that Teleport takes otherwise than they read, or that nobody should be.
func (c *collector) principals(r Reach) {
	for flag, names := range map[string][]string{"kube-groups": r.Groups, "kube-users": r.Users} {
		for _, name := range names {
			switch {
			case name == masters:
				c.add(flag, masters+" is everything in every matched cluster: the API server asks no RBAC for it, so no binding limits it and none revokes it",
					"give a group of your own and bind it, for example --kube-groups tbot-readers")
			case name == AnyUser && flag == "kube-users":
			case strings.Contains(name, "*"):
				c.add(flag, Quote(name)+" holds a wildcard, which Teleport does not match in names", "write the names out")
			case strings.Contains(name, "{{"):
				c.add(flag, Quote(name)+" is a template over a user's traits, of which a bot has none", "write the names out")
			}
		}
	}
	switch anyone := slices.Contains(r.Users, AnyUser); {
	case anyone && len(r.Users) > 1:
		c.add("kube-users", "* stands for every user, and others are named beside it", "give * alone, or the names alone")
	case anyone && len(r.Groups) > 0:
		c.add("kube-groups", "given together with --kube-users '*': the groups would go along with whoever the bot acts as", "leave one of the two out")
	}
}

// selector refuses labels that a Teleport role would read as a pattern or a template, while tbot compares them letter by letter.
func (c *collector) selector(labels map[string]string) {
	if len(labels) == 0 {
		c.add("kube-labels", "a selector without labels matches no cluster", "write for example env=prod")
	}
	for _, key := range sorted(labels) {
		pair := key + "=" + labels[key]
		switch {
		case !c.text("kube-labels", Quote(pair), pair):
		case key == "" || labels[key] == "":
			c.add("kube-labels", Quote(pair)+" lacks a key or a value", "write for example env=prod")
		case !PlainLabel(key, labels[key]):
			c.add("kube-labels", Quote(pair)+" is a pattern, and tbot compares labels letter by letter", "write the label as `tctl get kube_server` shows it")
		}
	}
}

// PlainLabel reports whether a Teleport role matches a label letter by letter: no wildcard, no regular expression between ^ and $,
// no template (Teleport's access control reference, "Labels").
func PlainLabel(key, value string) bool {
	for _, text := range []string{key, value} {
		if text == "" || strings.ContainsAny(text, "*") || strings.Contains(text, "{{") || strings.HasPrefix(text, "^") && strings.HasSuffix(text, "$") {
			return false
		}
	}
	return true
}

// isContext takes what a kubeconfig may call a context, which is nearly anything, without what a list or a line cannot.
func isContext(s string) bool {
	if s == "" || !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r == ',' || !unicode.IsPrint(r) })
}

// isPrincipal takes what Kubernetes calls users and groups, which may hold slashes and colons, without what a list or a line cannot.
func isPrincipal(s string) bool {
	if s == "" || len(s) > 253 || !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r == ',' || r == '"' || unicode.IsSpace(r) || !unicode.IsPrint(r) })
}
