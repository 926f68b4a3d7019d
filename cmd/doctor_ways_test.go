package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gravitational/teleport/api/types"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// TestDoctorFormats holds that a result has one exit code, whatever its form, and that each form is what it is called.
func TestDoctorFormats(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t)
	b.inEachForm(t, 0)
	b.wide(t)
	b.inEachForm(t, 0)
	b.inEachForm(t, 3, "--fail-on", "warn")
	b.inEachForm(t, 0, "--fail-on", "warn", "--skip", "TBC604")
	b.inEachForm(t, 0, "--fail-on", "warn", "--scope", "namespace")
	b.inEachForm(t, 5, "--kubeconfig", b.viewer(t))
	b.run(t, b.lookArgs("--kubeconfig", b.plane.KubeconfigFor(t, "nobody-"+b.namespace))...).want(t, 5, "TBC502")
}

// inEachForm runs doctor once for each format.
func (b *bench) inEachForm(t *testing.T, code int, more ...string) {
	t.Helper()
	for format, judge := range map[string]func(string) error{
		"table": func(text string) error {
			for line := range strings.Lines(text) {
				if len([]rune(strings.TrimRight(line, "\n"))) > 80 && !strings.Contains(line, "kubectl") {
					return errors.New("a line is wider than the terminal: " + line)
				}
			}
			return nil
		},
		"json": func(text string) error {
			decoder := json.NewDecoder(strings.NewReader(text))
			if err := decoder.Decode(&looked{}); err != nil {
				return err
			}
			if err := decoder.Decode(&looked{}); !errors.Is(err, io.EOF) {
				return errors.New("there is a second document")
			}
			return nil
		},
		"short": func(text string) error {
			if text != "" {
				return errors.New("nothing fails, so there is nothing to say")
			}
			return nil
		},
		"junit": func(text string) error {
			var suites struct {
				XMLName xml.Name `xml:"testsuites"`
				Suites  []struct {
					Cases []struct {
						Name string `xml:"name,attr"`
					} `xml:"testcase"`
				} `xml:"testsuite"`
			}
			if err := xml.Unmarshal([]byte(text), &suites); err != nil {
				return err
			}
			if len(suites.Suites) == 0 || len(suites.Suites[0].Cases) == 0 {
				return errors.New("there is no test case")
			}
			return nil
		},
	} {
		got := b.run(t, b.lookArgs(append([]string{"-o", format}, more...)...)...)
		got.want(t, code)
		if said := strings.Contains(got.stderr, "error: "); said != (code != 0 && format == "short") {
			t.Errorf("-o %s %v says on stderr: %s", format, more, got.stderr)
		}
		if err := judge(got.stdout); err != nil {
			t.Errorf("-o %s %v: %v\n%s", format, more, err, got.stdout)
		}
	}
}

// wide lets the service account read every Secret of the namespace, which is worth a warning.
func (b *bench) wide(t *testing.T) {
	t.Helper()
	rbac := b.plane.Client().RbacV1()
	meta := metav1.ObjectMeta{Name: "wide"}
	role := &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get"}}}}
	_, roleErr := rbac.Roles(b.namespace).Create(t.Context(), role, metav1.CreateOptions{})
	_, bindingErr := rbac.RoleBindings(b.namespace).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "wide"},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: b.namespace, Name: "tbot"}},
	}, metav1.CreateOptions{})
	if err := errors.Join(roleErr, bindingErr); err != nil {
		t.Fatal(err)
	}
}

// TestDoctorLooksWhereItIsTold holds the flags that narrow a run.
func TestDoctorLooksWhereItIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.CloudLike, teleporttest.Options{})
	b.healthy(t, "--join-type", "static_jwks")
	ids := func(more ...string) []string {
		got := b.run(t, b.lookArgs(append([]string{"-o", "json"}, more...)...)...)
		got.want(t, 0)
		var all []string
		for _, check := range lookedOf(t, got).Checks {
			all = append(all, check.ID)
		}
		return all
	}
	all := ids()
	for _, row := range []struct {
		args []string
		keep func(string) bool
	}{
		{[]string{"--only", "workload"}, func(id string) bool { return strings.HasPrefix(id, "TBC5") }},
		{[]string{"--only", "TBC401", "--only", "TBC514"}, func(id string) bool { return id == "TBC401" || id == "TBC514" }},
		{[]string{"--only", "token", "--skip", "TBC408"}, func(id string) bool { return strings.HasPrefix(id, "TBC4") && id != "TBC408" }},
		{[]string{"--skip", "audit", "--skip", "TBC001"}, func(id string) bool { return !strings.HasPrefix(id, "TBC9") && id != "TBC001" }},
		{[]string{"--offline"}, func(id string) bool { return id != "TBC205" }},
		{[]string{"--scope", "namespace"}, func(id string) bool { return id != "TBC206" && id != "TBC604" }},
	} {
		want := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return !row.keep(id) })
		if got := ids(row.args...); len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%v looks at %v, want %v", row.args, got, want)
		}
	}
	// The gates of an upgrade come beside the checks of today.
	gates := slices.DeleteFunc(ids("--for-server", "19.0.0"), func(id string) bool { return slices.Contains(all, id) })
	if len(gates) == 0 || slices.ContainsFunc(gates, func(id string) bool { return !strings.HasPrefix(id, "TBC52") }) {
		t.Errorf("the gates are %v", gates)
	}
}

// TestDoctorBefore looks at a cluster in which nothing is installed, as its own stage and as a search that comes to nothing.
func TestDoctorBefore(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	before := b.run(t, b.lookArgs("--before", "-o", "json")...)
	before.want(t, 0)
	if document := lookedOf(t, before); document.Summary.Pass < 5 || len(document.Installations) > 0 {
		t.Errorf("%+v", document)
	}
	none := b.run(t, b.lookArgs("-o", "json")...)
	none.want(t, 3)
	document := lookedOf(t, none)
	if len(document.Causes) != 1 || document.Causes[0].ID != "TBC502" || document.Causes[0].Fix != "tbotctl init --namespace "+b.namespace {
		t.Errorf("causes %+v", document.Causes)
	}
	b.run(t, b.lookArgs("--name", "other")...).want(t, 3, "TBC502")
}

// TestDoctorOfSeveral holds that each tbot of a namespace is looked at by itself.
func TestDoctorOfSeveral(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t)
	second := b.initArgs("--name", "second", "-o", "json")
	got := b.run(t, second...)
	got.want(t, 0)
	b.says(t, "INFO [TBOT] Fetched new bot identity", "INFO [TBOT] Generated output")
	b.teleport.DeleteToken(got.document(t).Setup.Token)
	got = b.run(t, b.lookArgs("-o", "json")...)
	got.want(t, 3)
	document := lookedOf(t, got)
	broken := b.namespace + "/second"
	if len(document.Installations) != 2 || len(document.Causes) != 1 || document.Causes[0].Installation != broken || document.Causes[0].ID != "TBC401" {
		t.Errorf("installations %+v, causes %+v", document.Installations, document.Causes)
	}
	b.run(t, b.lookArgs("--name", "tbot")...).want(t, 0)
	b.run(t, b.lookArgs("--name", "second", "-o", "short")...).want(t, 3, broken)
}

// TestDoctorNarrowsItsSearch holds that who may look in one namespace alone gets what is in it, and is told so.
func TestDoctorNarrowsItsSearch(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t)
	kubeconfig := b.viewer(t)
	config, err := clientcmd.LoadFromFile(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.Contexts[b.plane.Flavour().String()].Namespace = b.namespace
	if err := clientcmd.WriteToFile(*config, kubeconfig); err != nil {
		t.Fatal(err)
	}
	args := b.lookArgs("--kubeconfig", kubeconfig, "-o", "json")
	at := slices.Index(args, "--namespace")
	got := b.run(t, slices.Delete(args, at, at+2)...)
	got.want(t, 5, "only this namespace was looked in")
	if found := lookedOf(t, got).Installations; len(found) != 1 || found[0].Name != b.namespace+"/tbot" {
		t.Errorf("found %+v", found)
	}
}

// TestDoctorWaits holds that --wait looks again until the setup is well: here somebody makes the join token at the second look.
func TestDoctorWaits(t *testing.T) {
	t.Parallel()
	var (
		asked atomic.Int64
		token atomic.Pointer[types.ProvisionTokenV2]
		b     *bench
	)
	b = newBench(t, testkit.SelfManaged, teleporttest.Options{Before: func(_ context.Context, r teleporttest.Request) error {
		if held := token.Load(); held != nil && strings.HasSuffix(r.Method, "/GetToken") && asked.Add(1) == 2 {
			b.teleport.PutToken(held)
		}
		return nil
	}})
	b.healthy(t)
	initialized := b.run(t, b.initArgs("-o", "json")...)
	initialized.want(t, 0)
	made, _ := b.teleport.Token(initialized.document(t).Setup.Token)
	held, there := made.(*types.ProvisionTokenV2)
	if !there {
		t.Fatal("there is no join token")
	}
	token.Store(held)
	b.teleport.DeleteToken(held.GetName())
	b.run(t, b.lookArgs("--wait", "30s", "-o", "json")...).want(t, 0)
	if looks := asked.Load(); looks < 2 {
		t.Errorf("the token was asked for %d times", looks)
	}
	b.teleport.DeleteToken(held.GetName())
	b.run(t, b.lookArgs("--wait", "1s")...).want(t, 3, "TBC401")
}

// TestDoctorWithoutALogin holds that no Teleport login is a skip that says how to log in.
func TestDoctorWithoutALogin(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t)
	args := b.lookArgs("-o", "json")
	at := slices.Index(args, "--identity")
	got := runWith(t, func(f *cmd.Factory) { f.Issuer = lab.Fetcher(b.plane) }, "", slices.Delete(args, at, at+2)...)
	got.want(t, 0)
	login := got.finding(t, "TBC304")
	if login.Status != "skip" || !strings.Contains(login.Fix, "tsh login --proxy="+b.teleport.Addr()) {
		t.Errorf("%+v", login)
	}
	if token := got.finding(t, "TBC401"); token.Status == "pass" {
		t.Errorf("%+v", token)
	}
}

// TestDoctorUsage holds what cannot be meant to exit code 2, before anything is sent.
func TestDoctorUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-o", "yaml"},
		{"--scope", "world"},
		{"--fail-on", "skip"},
		{"--only", "TBC999"},
		{"--skip", "tokens"},
		{"--before", "--for-server", "19.0.0"},
		{"--for-server", "nineteen"},
		{"--timeout", "0s"},
		{"--wait", "-1s"},
		{"--before", "--proxy", ""},
		{"--namespace", "No_Name"},
		{"one", "two"},
		{"--roles", "access"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			all := append([]string{"doctor", "--context", "x", "--proxy", "example.teleport.sh:443"}, args...)
			got := runWith(t, noClusters(t), "", all...)
			if got.want(t, 2); got.stdout != "" || !bytes.HasPrefix([]byte(got.stderr), []byte("error: ")) {
				t.Errorf("stdout %q, stderr %q", got.stdout, got.stderr)
			}
		})
	}
}
