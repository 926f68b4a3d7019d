package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// TestAccessKubernetesLeastPrivilege holds the files of a run to what was named: nothing that writes, nobody but the group, no namespace
// beside the one; and where more is named, the words for it stand in front of the plan.
func TestAccessKubernetesLeastPrivilege(t *testing.T) {
	b, _ := newReachBench(t, teleporttest.Options{})
	for name, row := range map[string]struct {
		args []string
		// says stands on stderr, role in the Teleport role, binding in the file for the clusters, and never in neither.
		says, role, binding, never []string
	}{
		"nothing but a group": {
			[]string{"--kube-groups", "readers"},
			[]string{"There the bot acts as groups readers, for which ClusterRole view has to be bound everywhere in them."},
			[]string{`verbs: ["get", "list", "watch"]`},
			[]string{"kind: ClusterRoleBinding", `name: "view"`, `name: "readers"`},
			[]string{"edit", "cluster-admin", "kubernetes_users", `verbs: ["*"]`, "bot-robot"},
		},
		"one namespace": {
			[]string{"--kube-groups", "readers", "--target-namespace", "apps"},
			[]string{"in their namespace apps"},
			[]string{`namespace: "apps"`},
			[]string{"kind: RoleBinding", `namespace: "apps"`},
			[]string{"ClusterRoleBinding", `namespace: "*"`},
		},
		"edit, named": {
			[]string{"--kube-groups", "writers", "--cluster-role", "edit"},
			[]string{"ClusterRole edit allows changes, reading Secrets, and pods that run as any service account of their namespace"},
			[]string{`verbs: ["*"]`},
			[]string{`name: "edit"`},
			[]string{`name: "view"`},
		},
		"any user, named": {
			[]string{"--kube-users", "*", "--cluster-role", "impersonator"},
			[]string{spec.AnyUserMeans, "what ClusterRole impersonator allows is up to each matched cluster"},
			[]string{"kubernetes_users"},
			[]string{"kind: \"User\"", `name: "bot-robot"`},
			[]string{"kubernetes_groups", `kind: "Group"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "files")
			got := b.run(t, b.reachArgs(append([]string{"--bot-name", "robot", "--token-name", "robot", "--kube-labels", "env=prod", "--out-dir", dir}, row.args...)...)...)
			got.want(t, 0, row.says...)
			read := func(path string) string {
				data, err := os.ReadFile(filepath.Join(dir, path))
				if err != nil {
					t.Fatal(err)
				}
				return string(data)
			}
			_, role, _ := strings.Cut(read("teleport/resources.yaml"), "kind: role")
			role, _, _ = strings.Cut(role, "kind: bot")
			binding := read("targets/kubernetes-access.yaml")
			for text, parts := range map[string][]string{role: row.role, binding: row.binding} {
				for _, part := range parts {
					if !strings.Contains(text, part) {
						t.Errorf("lacks %q:\n%s", part, text)
					}
				}
			}
			for _, part := range row.never {
				if strings.Contains(role+binding, part) {
					t.Errorf("holds %q:\n%s\n%s", part, role, binding)
				}
			}
		})
	}
}

// The words of a bad answer say what was wrong, what there is, and what to do.
func TestAccessKubernetesWords(t *testing.T) {
	b, _ := newReachBench(t, teleporttest.Options{})
	foreign := kubeRole([]string{"others"}, nil)
	foreign.Metadata.Name = "robot-kubernetes"
	b.teleport.AddRole(foreign)
	for name, row := range map[string]struct {
		args []string
		says []string
	}{
		"a cluster that Teleport does not know": {
			[]string{"--kube-cluster", "gamma", "--kube-groups", "readers"},
			[]string{`no cluster "gamma"; there are alpha, beta`, "expected: clusters that are enrolled and that this login may see", "fix: name clusters of `tctl get kube_server` by --kube-cluster"},
		},
		"labels that match nothing": {
			[]string{"--kube-labels", "env=staging", "--kube-groups", "readers"}, []string{"no cluster with env=staging; there are alpha, beta"},
		},
		"a role that is there and differs": {
			[]string{"--bot-name", "robot", "--kube-cluster", "alpha", "--kube-groups", "readers"},
			[]string{"! role robot-kubernetes: not made by tbotctl", "spec.allow.kubernetes_groups[0]: others -> readers", "not overwritten: role robot-kubernetes (not made by tbotctl); nothing was applied; --take-over"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b.run(t, b.reachArgs(row.args...)...).want(t, 3, row.says...)
			b.nothingWritten(t)
		})
	}
	t.Run("diff shows the role too", func(t *testing.T) {
		args := b.reachArgs("--bot-name", "robot", "--kube-cluster", "alpha", "--kube-groups", "readers")
		diff := []string{"diff"}
		for i := 1; i < len(args); i++ {
			switch args[i] {
			case "--yes":
			case "--save":
				i++
			default:
				diff = append(diff, args[i])
			}
		}
		b.run(t, diff...).want(t, 3, "! role robot-kubernetes: not made by tbotctl", "spec.allow.kubernetes_groups[0]: others -> readers")
	})
}
