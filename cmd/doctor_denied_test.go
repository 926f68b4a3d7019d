package cmd_test

import (
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// lookedAt are the requests of one healthy run of doctor, from the API server's own log.
func (b *bench) lookedAt(t *testing.T, args ...string) []testkit.AuditEvent {
	t.Helper()
	// The user agent has the namespace's name, which is no other test's.
	got := runWith(t, func(f *cmd.Factory) {
		f.Issuer = lab.Fetcher(b.plane)
		f.Build.Version = b.namespace
	}, "", args...)
	got.want(t, 0)
	all, err := b.plane.AuditEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(event testkit.AuditEvent) bool {
		return !strings.HasPrefix(event.UserAgent, "tbotctl/"+b.namespace)
	})
}

// rightOf is the right that a request took, and its name.
func rightOf(event testkit.AuditEvent) right {
	name := kubernetesName(event)
	if event.Resource == "" {
		at, _, _ := strings.Cut(event.URI, "?")
		return right{rule: rbacv1.PolicyRule{NonResourceURLs: []string{at}, Verbs: []string{event.Verb}}, text: name, everywhere: true}
	}
	resource := event.Resource
	if event.Subresource != "" {
		resource += "/" + event.Subresource
	}
	rule := rbacv1.PolicyRule{APIGroups: []string{event.Group}, Resources: []string{resource}, Verbs: []string{event.Verb}}
	return right{rule: rule, text: name, everywhere: event.Namespace == ""}
}

// viewer makes a user who may view the bench's namespace, as Kubernetes' own ClusterRole of that name has it, and gives the kubeconfig.
func (b *bench) viewer(t *testing.T) (kubeconfig string) {
	t.Helper()
	user := "viewer-" + b.namespace
	_, err := b.plane.Client().RbacV1().RoleBindings(b.namespace).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig = b.plane.KubeconfigFor(t, user)
	b.waitFor(t, kubeconfig, kube.Access{Verb: "list", Resource: "pods", Namespace: b.namespace})
	return kubeconfig
}

// denials are what is unknown to a doctor that lacks a right, or several that can stand in for each other. What takes the right is
// otherwise left out for a reason: Events and /readyz only put words beside a failure, and what the service account may do is seen by
// a review or by the Roles.
func denials() map[string][]string {
	return map[string][]string{
		"list deployments":                      {"TBC502"},
		"get configmaps":                        {"TBC401", "TBC503", "TBC901"},
		"list pods":                             {"TBC508", "TBC514", "TBC802"},
		"list networkpolicies":                  {"TBC105"},
		"get secrets":                           {"TBC703"},
		"create pods":                           {"TBC104"},
		"get pods/log":                          {"TBC802"},
		"get /.well-known/openid-configuration": {"TBC201", "TBC406"},
		"get /openid/v1/jwks":                   {"TBC405"},
		"list events":                           {},
		"get pods/proxy":                        {},
		"create subjectaccessreviews":           {},
		"list rolebindings":                     {"TBC604"},
		"list clusterrolebindings":              {"TBC604"},
		"get roles":                             {"TBC604"},
		"get clusterroles":                      {"TBC604"},
		"create subjectaccessreviews, list rolebindings": {"TBC603", "TBC604"},
	}
}

// openDenials are of the rights that every user has, and that an administrator has to take away from all.
func openDenials() map[string][]string {
	return map[string][]string{
		"get /version":                    {"TBC001", "TBC101"},
		"create selfsubjectaccessreviews": {"TBC206"},
	}
}

// TestDoctorIsDenied takes each right away that a healthy run used, one at a time: what was not seen is unknown, nothing fails, and
// the exit code says which it was.
func TestDoctorIsDenied(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t)
	var rights []right
	for _, event := range b.lookedAt(t, b.lookArgs()...) {
		if used := rightOf(event); !slices.ContainsFunc(rights, func(r right) bool { return r.text == used.text }) {
			rights = append(rights, used)
		}
	}
	for _, used := range rights {
		if denials()[used.text] == nil && openDenials()[used.text] == nil {
			t.Errorf("nobody says what is unknown without the right to %s", used.text)
		}
	}
	b.run(t, b.lookArgs("--kubeconfig", b.userWith(t, "all-"+b.namespace, rights))...).want(t, 0)

	number := 0
	for names, unknown := range denials() {
		dropped := strings.Split(names, ", ")
		for _, name := range dropped {
			if !slices.ContainsFunc(rights, func(r right) bool { return r.text == name }) {
				t.Errorf("doctor does not %s any more", name)
			}
		}
		number++
		kubeconfig := b.userWith(t, fmt.Sprintf("denied-%d-%s", number, b.namespace), slices.DeleteFunc(slices.Clone(rights), func(r right) bool {
			return slices.Contains(dropped, r.text)
		}))
		t.Run(names, func(t *testing.T) {
			b.unseen(t, unknown, b.lookArgs("--kubeconfig", kubeconfig, "-o", "json")...)
		})
	}
	gateway, err := lab.NewGateway(t.Context(), b.plane)
	if err != nil {
		t.Fatal(err)
	}
	for name, unknown := range openDenials() {
		t.Run(name, func(t *testing.T) {
			kubeconfig, closeIt, err := gateway.Open(t.TempDir(), forbidding(name[strings.LastIndexAny(name, " /")+1:]))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(closeIt)
			b.unseen(t, unknown, b.lookArgs("--kubeconfig", kubeconfig, "--context", lab.GatewayContext, "-o", "json")...)
		})
	}
}

// unseen runs doctor on a healthy setup: just these checks are unknown, or proved by another one, none fails, and the exit code says
// which it was.
func (b *bench) unseen(t *testing.T, unknown []string, args ...string) {
	t.Helper()
	got := b.run(t, args...)
	document := lookedOf(t, got)
	for _, check := range document.Checks {
		proved := check.Status == "skip" && strings.HasPrefix(check.Observed, "proved by ")
		if want := slices.Contains(unknown, check.ID); want != (check.Status == "unknown" || proved) || check.Status == "fail" {
			t.Errorf("%s is %s: %s", check.ID, check.Status, check.Observed)
		}
	}
	code := 0
	if document.Summary.Unknown > 0 {
		code = 5
	}
	if got.want(t, code); len(document.Causes) > 0 {
		t.Errorf("causes %+v", document.Causes)
	}
}

// forbidding answers requests to a path's last part as the API server does to who lacks the right.
func forbidding(last string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if path.Base(r.URL.Path) != last {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","message":"forbidden: may not","code":403}`)
		})
	}
}
