package cmd_test

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// argoBench is a bench of newReachBench with an Argo CD in a namespace of its own.
type argoBench struct {
	*bench
	target *testkit.ControlPlane
	argocd string
}

func newArgoBench(t *testing.T, options teleporttest.Options) argoBench {
	t.Helper()
	b, target := newReachBench(t, options)
	a := argoBench{bench: b, target: target, argocd: b.plane.Namespace(t)}
	a.argoCDIn(t, a.argocd)
	return a
}

// argoCDIn leaves what an Argo CD is known by.
func (b *bench) argoCDIn(t *testing.T, namespace string) {
	t.Helper()
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: kube.ArgoCDConfig}}
	if _, err := b.plane.Client().CoreV1().ConfigMaps(namespace).Create(t.Context(), config, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// argoArgs are a whole init but for who the bot is. Other tests' Argo CDs are in the same cluster, so the namespace is named.
func (a argoBench) argoArgs(more ...string) []string {
	return append(a.reachArgs("--access", "argocd", "--argocd-namespace", a.argocd, "--kube-labels", "env=prod"), more...)
}

// clusterSecrets are those by which this Argo CD knows its clusters.
func (a argoBench) clusterSecrets(t *testing.T) []corev1.Secret {
	t.Helper()
	found, err := a.plane.Client().CoreV1().Secrets(a.argocd).List(t.Context(), metav1.ListOptions{LabelSelector: "argocd.argoproj.io/secret-type=cluster"})
	if err != nil {
		t.Fatal(err)
	}
	return found.Items
}

// byArgoCD runs kubectl in the target cluster by what stands in a cluster Secret, which it reads as Argo CD does.
func (a argoBench) byArgoCD(ctx context.Context, t *testing.T, secret corev1.Secret, words ...string) error {
	t.Helper()
	var config struct {
		TLSClientConfig struct {
			CAData, CertData, KeyData []byte
			ServerName                string
		}
	}
	if err := json.Unmarshal(secret.Data["config"], &config); err != nil {
		t.Fatal(err)
	}
	tls := config.TLSClientConfig
	a.write(t, "argo-ca.pem", tls.CAData)
	a.write(t, "argo.crt", tls.CertData)
	a.write(t, "argo.key", tls.KeyData)
	assets, err := testkit.AssetsDir(ctx)
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{
		"--kubeconfig", "/dev/null", "--server", string(secret.Data["server"]), "--tls-server-name", tls.ServerName,
		"--certificate-authority", a.path("argo-ca.pem"), "--client-certificate", a.path("argo.crt"), "--client-key", a.path("argo.key"),
	}, words...)
	said, err := exec.CommandContext(ctx, filepath.Join(assets, "kubectl"), args...).CombinedOutput()
	if err != nil {
		return errors.New(string(said))
	}
	return nil
}

// bindAsSaid runs the binding that init printed, in the target cluster alone (trap 20: the source is only another target where it is
// enrolled itself).
func (a argoBench) bindAsSaid(t *testing.T, next []string) {
	t.Helper()
	i := slices.IndexFunc(next, func(line string) bool { return strings.Contains(line, "create clusterrolebinding") })
	if i < 0 {
		t.Fatalf("no binding among %q", next)
	}
	words := strings.Fields(strings.Replace(next[i], "kubectl --context CLUSTER ", "", 1))
	if _, said, err := a.target.Kubectl(t.Context(), nil, words...); err != nil {
		t.Fatalf("%s: %v: %s", next[i], err, said)
	}
	t.Cleanup(func() {
		_, _, _ = a.target.Kubectl(context.Background(), nil, "delete", "clusterrolebinding", words[2])
	})
}

// TestGuideArgoCD reaches the end of Teleport's guide for Argo CD by one command and the binding that it prints: a cluster Secret with
// which Argo CD gets at the target cluster. Its traps: the allow rule names tbot's own namespace and account (14), the group is bound where
// the clusters are and not in the source (19, 20), nothing is signalled in an image without a shell (23), and the Secret goes to Argo
// CD's namespace with rights on it there and no more (24).
func TestGuideArgoCD(t *testing.T) {
	a := newArgoBench(t, teleporttest.Options{})
	shop := a.target.Namespace(t)
	a.node(t)
	a.play(t)
	args := a.argoArgs("--kube-groups", a.namespace+"-deployers", "--cluster-role", "edit", "--argocd-secret-labels", "tier=gold", "--argocd-project", "shop")
	got := a.run(t, append(args, "-o", "json")...)
	got.want(t, 0, "would write 1 Secret for Argo CD", "clusters alpha", "Kubernetes clusters that this matches now: alpha.")
	a.noSecrets(t, got)
	document := got.document(t)
	for _, check := range document.Checks {
		if check.Status != "pass" && check.Status != "skip" {
			t.Errorf("%s is %s: %s", check.ID, check.Status, check.Observed)
		}
	}

	secrets := a.clusterSecrets(t)
	if len(secrets) != 1 {
		t.Fatalf("%d cluster Secrets in Argo CD's namespace", len(secrets))
	}
	secret := secrets[0]
	if want := argoName("alpha"); secret.Name != want || secret.Labels["tier"] != "gold" || string(secret.Data["project"]) != "shop" || string(secret.Data["name"]) != "lab.example.com-alpha" {
		t.Errorf("Secret %s with labels %v for %s of project %s, want %s", secret.Name, secret.Labels, secret.Data["name"], secret.Data["project"], want)
	}
	if by := secret.Annotations["teleport.dev/bot-name"]; by != document.Setup.Bot {
		t.Errorf("written by bot %s, want %s", by, document.Setup.Bot)
	}
	a.onlyThese(t, secret.Name)

	deploys := []string{"--namespace", shop, "create", "configmap", "deployed"}
	if a.byArgoCD(t.Context(), t, secret, deploys...) == nil {
		t.Error("Argo CD deploys before anybody has bound its group")
	}
	a.bindAsSaid(t, document.Next)
	testkit.Eventually(t, "the binding to be seen", func(ctx context.Context) error { return a.byArgoCD(ctx, t, secret, deploys...) })

	token := a.allowed(t, document.Setup.Token)
	if token != a.namespace+":tbot" {
		t.Errorf("the token admits %s", token)
	}
	a.run(t, a.verifyArgs("--each-cluster")...).want(t, 0, "PROVEN", "the pod could write Secret", a.argocd+"/"+secret.Name, "groups "+a.namespace+"-deployers")
	a.run(t, args...).want(t, 0, "nothing changed, and it works")

	// Deleting leaves what Argo CD works with, and says so.
	a.run(t, a.deleteArgs()...).want(t, 0, "Secret "+a.argocd+"/"+secret.Name, "ApplicationSet", "Role "+a.argocd+"/tbot-output")
	if left := a.clusterSecrets(t); len(left) != 1 {
		t.Errorf("%d cluster Secrets are left", len(left))
	}
	roles, err := a.plane.Client().RbacV1().Roles(a.argocd).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(roles.Items) > 0 {
		t.Errorf("roles %v, %v are left", roles.Items, err)
	}
}

// onlyThese holds the Role in Argo CD's namespace to the Secrets of these names.
func (a argoBench) onlyThese(t *testing.T, names ...string) {
	t.Helper()
	role, err := a.plane.Client().RbacV1().Roles(a.argocd).Get(t.Context(), "tbot-output", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range role.Rules {
		if slices.Equal(rule.Verbs, []string{"create"}) {
			continue
		}
		if !slices.Equal(rule.ResourceNames, names) || !slices.Equal(rule.Verbs, []string{"get", "update"}) {
			t.Errorf("rule %+v, want get and update of %v", rule, names)
		}
	}
}

// allowed is the service account that a join token admits.
func (b *bench) allowed(t *testing.T, name string) string {
	t.Helper()
	token, there := b.teleport.Token(name)
	if !there {
		t.Fatalf("there is no token %s", name)
	}
	v2, ok := token.(*types.ProvisionTokenV2)
	if !ok {
		t.Fatalf("token %s is a %T", name, token)
	}
	return v2.Spec.Kubernetes.Allow[0].ServiceAccount
}

// TestGuideArgoCDImpersonation is the guide's last part: a role for any user and without a group (21) that names its clusters too (22),
// and the bot's own user bound. Argo CD then acts as another user where it says so.
func TestGuideArgoCDImpersonation(t *testing.T) {
	a := newArgoBench(t, teleporttest.Options{})
	shop := a.target.Namespace(t)
	a.node(t)
	a.play(t)
	got := a.run(t, a.argoArgs("--argocd-impersonation", "--cluster-role", "edit", "--argocd-rbac", "namespace", "-o", "json")...)
	got.want(t, 0, "treat it as cluster-admin", "the credentials of all its repositories")
	document := got.document(t)
	role := a.role(t, document.Setup.Bot+"-kubernetes")
	if users, groups := role.GetKubeUsers(types.Allow), role.GetKubeGroups(types.Allow); !slices.Equal(users, []string{"*"}) || len(groups) > 0 || len(role.GetKubernetesLabels(types.Allow)) == 0 {
		t.Errorf("users %v, groups %v, labels %v", users, groups, role.GetKubernetesLabels(types.Allow))
	}
	a.bindAsSaid(t, document.Next)
	secret := a.clusterSecrets(t)[0]
	testkit.Eventually(t, "the binding to be seen", func(ctx context.Context) error {
		return a.byArgoCD(ctx, t, secret, "--namespace", shop, "create", "configmap", "deployed")
	})
	if a.byArgoCD(t.Context(), t, secret, "--as", "somebody", "--namespace", shop, "create", "configmap", "as-somebody") == nil {
		t.Error("whom Argo CD acts as has the bot's own rights")
	}
	a.grantIn(t, shop, "somebody")
	testkit.Eventually(t, "somebody's binding to be seen", func(ctx context.Context) error {
		return a.byArgoCD(ctx, t, secret, "--as", "somebody", "--namespace", shop, "create", "configmap", "as-somebody")
	})

	// A role with groups that the bot gets beside it is refused before anything is made.
	a.teleport.AddRole(kubeRole([]string{"deployers"}, nil))
	a.run(t, a.argoArgs("--argocd-impersonation", "--argocd-rbac", "namespace", "--roles", "kube")...).want(t, 3, "TBC316", `role "kube" has kubernetes_groups "deployers"`)
	bot, _ := a.teleport.Bot(document.Setup.Bot)
	bot.Spec.Roles = append(bot.Spec.Roles, "kube")
	a.teleport.PutBot(bot)
	a.run(t, a.argoArgs("--argocd-impersonation", "--argocd-rbac", "namespace")...).want(t, 3, "TBC316", "kube")
}

// grantIn lets a user of the target cluster edit one namespace.
func (a argoBench) grantIn(t *testing.T, namespace, user string) {
	t.Helper()
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: user}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "edit"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
	if _, err := a.target.Client().RbacV1().RoleBindings(namespace).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestAccessArgoCDBadInput(t *testing.T) {
	a := newArgoBench(t, teleporttest.Options{})
	for name, row := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"a namespace without Argo CD": {[]string{"--kube-groups", "g", "--argocd-namespace", a.namespace}, 3, []string{"TBC106", "namespace " + a.namespace + " is one without Argo CD"}},
		"labels that match nothing":   {[]string{"--kube-groups", "g", "--kube-labels", "env=staging"}, 3, []string{"TBC313", "env=staging"}},
		"several users":               {[]string{"--kube-users", "a,b"}, 2, []string{"--kube-users: 2 users are named"}},
		"any user unsaid":             {[]string{"--kube-users", "*"}, 2, []string{"--argocd-impersonation"}},
		"groups beside any user":      {[]string{"--kube-groups", "g", "--argocd-impersonation"}, 2, []string{"--kube-groups: given together with --argocd-impersonation"}},
		"resources of no namespace":   {[]string{"--kube-groups", "g", "--argocd-cluster-resources"}, 2, []string{"--argocd-cluster-resources"}},
		"another access":              {[]string{"--access", "kubernetes", "--kube-groups", "g"}, 2, []string{"--argocd-namespace: given, but --access kubernetes writes nothing for Argo CD"}},
		"nobody to act as":            {nil, 2, []string{"--kube-groups", "--argocd-impersonation"}},
		"a Secret of its own":         {[]string{"--kube-groups", "g", "--output-secret", "mine"}, 2, []string{"--output-secret"}},
	} {
		t.Run(name, func(t *testing.T) {
			a.run(t, a.argoArgs(row.args...)...).want(t, row.code, row.says...)
			a.nothingWritten(t)
		})
	}
	// Without the flag Argo CD is looked for everywhere, and two are one too many.
	a.argoCDIn(t, a.namespace)
	args := a.argoArgs("--kube-groups", "g", "--argocd-namespace", "")
	a.run(t, args...).want(t, 3, "TBC106", "namespaces hold an Argo CD", "--argocd-namespace")
}

// Where Argo CD is found by itself the answers keep it, so that they render without a cluster.
func TestAccessArgoCDFindsIt(t *testing.T) {
	b, _ := newReachBench(t, teleporttest.Options{})
	b.argoCDIn(t, b.namespace)
	args := b.reachArgs("--access", "argocd", "--kube-cluster", "alpha", "--kube-groups", "g", "--no-wait", "--as", "owner")
	b.kubectl(t, "create", "rolebinding", "owner", "--clusterrole=admin", "--user=owner")
	b.run(t, args...).want(t, 0, "cluster Secrets of Argo CD in namespace "+b.namespace)
	runWith(t, noClusters(t), "", "render", "--from", b.path("answers.yaml")).want(t, 0, "kind: Deployment", argoName("alpha"))
}

// Servers without the output are refused by the flag, with the releases that have it.
func TestAccessArgoCDOldServer(t *testing.T) {
	a := newArgoBench(t, teleporttest.Options{Version: "17.7.3"})
	a.run(t, a.argoArgs("--kube-groups", "g")...).want(t, 2, "--access: Teleport 17.7.3 has no output for Argo CD", "17.7.4")
	a.nothingWritten(t)
}

// Behind a load balancer that ends TLS nothing is made.
func TestAccessArgoCDBehindALoadBalancer(t *testing.T) {
	a := newArgoBench(t, teleporttest.Options{BehindL7LB: true})
	a.run(t, a.argoArgs("--kube-groups", "g")...).want(t, 3, "TBC317", "layer 4")
	a.nothingWritten(t)
}

// Rights are needed where Argo CD is, and their lack is found before anything is made.
func TestAccessArgoCDTakesRightsThere(t *testing.T) {
	a := newArgoBench(t, teleporttest.Options{})
	a.kubectl(t, "create", "rolebinding", "owner", "--clusterrole=admin", "--user=owner")
	a.run(t, a.argoArgs("--kube-groups", "g", "--as", "owner")...).want(t, 3, "TBC601", "in namespace "+a.argocd)
	a.nothingWritten(t)
}

// Where tbot runs beside Argo CD the cluster Secrets lie among its own, and stay all the same.
func TestDeleteBesideArgoCD(t *testing.T) {
	b, _ := newReachBench(t, teleporttest.Options{})
	a := argoBench{bench: b, argocd: b.namespace}
	a.argoCDIn(t, a.argocd)
	a.play(t)
	a.run(t, a.argoArgs("--kube-groups", "g")...).want(t, 0)
	a.run(t, a.deleteArgs("--purge-outputs")...).want(t, 0, "Secret "+a.argocd+"/"+argoName("alpha"), "ApplicationSet")
	if left := a.clusterSecrets(t); len(left) != 1 {
		t.Errorf("%d cluster Secrets are left", len(left))
	}
	a.run(t, a.deleteArgs()...).want(t, 0)
}
