package rights_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/rights"
	"github.com/tbotctl/tbotctl/internal/spec"
)

func setup(change func(*spec.Setup)) spec.Setup {
	s := spec.Default()
	s.Kubernetes.Namespace = "machines"
	s.Teleport.Roles = []string{"access"}
	if change != nil {
		change(&s)
	}
	return s
}

func reaching(s *spec.Setup) {
	s.Access, s.Teleport.BotName = spec.AccessKubernetes, "robot"
	s.Reach = spec.Reach{Labels: []map[string]string{{"env": "prod"}}, Groups: []string{"readers"}, Contexts: []string{"prod-eu"}, ClusterRole: "deployer", Namespace: "shop"}
}

func lists() map[string]rights.List {
	plain, how := setup(nil), rights.InitHow{Proves: true, Waits: true}
	argo := setup(func(s *spec.Setup) {
		s.Access, s.ArgoCD.Namespace = spec.AccessArgoCD, "argocd"
		s.Reach = spec.Reach{Clusters: []string{"alpha"}, Groups: []string{"deployers"}}
	})
	made := setup(func(s *spec.Setup) { s.Kubernetes.CreateNamespace, s.Name = true, "ci" })
	return map[string]rights.List{
		"init": rights.Init(plain, how), "init-unproven": rights.Init(plain, rights.InitHow{}), "init-argocd": rights.Init(argo, how),
		"init-kubernetes": rights.Init(setup(reaching), how), "init-new-namespace": rights.Init(made, rights.InitHow{NewNamespace: true, Proves: true}),
		"diff": rights.Diff(plain), "verify": rights.Verify(plain, true), "verify-evidence": rights.Evidence(plain, false),
		"doctor": rights.Doctor(plain, rights.DoctorHow{}), "doctor-prove": rights.Doctor(plain, rights.DoctorHow{Proves: true, Named: true}),
		"doctor-before": rights.Doctor(plain, rights.DoctorHow{Before: true}), "doctor-narrow": rights.Doctor(plain, rights.DoctorHow{Narrow: true}),
		"delete": rights.Delete(plain, false), "delete-all": rights.Delete(made, true), "delete-kubernetes": rights.Delete(setup(reaching), false),
	}
}

// TestRoles holds the printed roles to golden files, and to what Kubernetes and Teleport take.
func TestRoles(t *testing.T) {
	t.Parallel()
	for name, list := range lists() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var text, targets bytes.Buffer
			if err := list.WriteYAML(&text); err != nil {
				t.Fatal(err)
			}
			golden.Assert(t, name+".yaml", text.Bytes())
			if len(list.Targets) > 0 {
				if err := list.WriteTargetYAML(&targets); err != nil {
					t.Fatal(err)
				}
				golden.Assert(t, name+"-targets.yaml", targets.Bytes())
			}
			for _, document := range slices.Concat(strings.Split(text.String(), "---\n"), strings.Split(targets.String(), "---\n")) {
				var err error
				if strings.Contains(document, "kind: role\n") {
					role := new(types.RoleV6)
					if err = yaml.UnmarshalStrict([]byte(document), role); err == nil {
						err = role.CheckAndSetDefaults()
					}
				} else {
					err = yaml.UnmarshalStrict([]byte(document), new(rbacv1.ClusterRole))
				}
				if err != nil {
					t.Errorf("%v:\n%s", err, document)
				}
			}
		})
	}
}

// TestCheckedBeforehand holds that what ends a run is asked about before it, and what does not is not: to lack it has an exit code of
// its own.
func TestCheckedBeforehand(t *testing.T) {
	t.Parallel()
	has := func(needs []checks.Need, resource, name string) bool {
		return slices.ContainsFunc(needs, func(n checks.Need) bool {
			return slices.ContainsFunc(n.All, func(a checks.Access) bool { return a.Resource == resource && a.Name == name })
		})
	}
	unproven := rights.Init(setup(nil), rights.InitHow{}).Checked()
	if has(unproven, "namespaces", "machines") || has(unproven, "namespaces", "kube-system") || !has(unproven, "deployments", "tbot") {
		t.Errorf("asked before: %+v", unproven)
	}
	for _, access := range rights.Init(setup(nil), rights.InitHow{}).TeleportAccess() {
		if access.Informs != (access.Kind == "role") {
			t.Errorf("access %+v", access)
		}
	}
}

// TestSides holds that who touches one system is not told of the other's rights.
func TestSides(t *testing.T) {
	t.Parallel()
	for side, want := range map[spec.Side]string{spec.SideKubernetes: "kind: Role\n", spec.SideTeleport: "kind: role\n"} {
		var text bytes.Buffer
		if err := lists()["init"].Side(side).WriteYAML(&text); err != nil {
			t.Fatal(err)
		}
		if both := strings.Contains(text.String(), "kind: Role\n") && strings.Contains(text.String(), "kind: role\n"); both || !strings.Contains(text.String(), want) {
			t.Errorf("side %s:\n%s", side, text.String())
		}
	}
	var none bytes.Buffer
	if err := lists()["verify"].Side(spec.SideTeleport).WriteYAML(&none); err != nil || none.String() != "# `tbotctl verify` needs no right here.\n" {
		t.Errorf("nothing is printed as %q (%v)", none.String(), err)
	}
}
