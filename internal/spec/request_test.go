package spec_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// requestJWKS is a set of one key, whose thumbprint RFC 7638 section 3.1 gives.
const (
	requestJWKS = `{"keys":[{"use":"sig","kty":"RSA","kid":"2011-04-29","alg":"RS256","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB"}]}`
	requestKey  = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
)

func prints(jwks string) ([]string, error) {
	keys, _, err := issuer.ParseJWKS(jwks)
	return issuer.Thumbprints(keys), err
}

// asking is a setup of which everything is known that a request says.
func asking() spec.Setup {
	s := spec.Default()
	s.Kubernetes.Namespace, s.Teleport.Proxy, s.Teleport.Roles = "machines", "example.teleport.sh:443", []string{"access", "auditor"}
	s.Resolved = &spec.Resolved{
		ClusterName: "example.teleport.sh", ServerVersion: "18.2.0", Image: "public.ecr.aws/gravitational/tbot-distroless:18.2.0",
		JoinType: spec.JoinStaticJWKS, JWKS: requestJWKS, ClusterID: "1a2b3c4d",
	}
	return s.WithClusterID("1a2b3c4d")
}

func written(t *testing.T, r spec.Request) string {
	t.Helper()
	var text strings.Builder
	if err := spec.SaveRequest(&text, r); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// TestRequestSurvives holds a request to say the same after it was written and read, for whatever is asked, and to lead to the same marks.
func TestRequestSurvives(t *testing.T) {
	t.Parallel()
	kubernetes := asking()
	kubernetes.Access, kubernetes.Teleport.Roles = spec.AccessKubernetes, nil
	kubernetes.Reach = spec.Reach{Clusters: []string{"prod"}, Labels: []map[string]string{{"env": "prod", "team": "a"}}, Groups: []string{"readers"}, Namespace: "apps", Contexts: []string{"at-home"}}
	argo := kubernetes
	argo.Access, argo.ArgoCD.Impersonation, argo.Reach.Groups = spec.AccessArgoCD, true, nil
	oidc := asking()
	oidc.Resolved = &spec.Resolved{ClusterName: "t", Image: "i:1", JoinType: spec.JoinOIDC, Issuer: "https://issuer.example.com", ClusterID: "1a2b3c4d"}
	agent := spec.DefaultFor(spec.WorkloadAgent)
	agent.Workload.Kind = spec.WorkloadAgent
	agent.Kubernetes.Namespace, agent.Teleport.Proxy, agent.Agent.Roles = "agents", "example.teleport.sh:443", []string{spec.RoleApp, spec.RoleKube}
	agent.Resolved = asking().Resolved
	agent = agent.WithClusterID("1a2b3c4d")
	for name, setup := range map[string]spec.Setup{"identity": asking(), "kubernetes": kubernetes, "argocd": argo, "oidc": oidc, "agent": agent} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := spec.RequestOf(setup, []string{requestKey})
			text := written(t, request)
			read, err := spec.LoadRequest(strings.NewReader(text), prints)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if diff := cmp.Diff(request, read); diff != "" {
				t.Errorf("-written +read:\n%s", diff)
			}
			got, want := read.Setup(), setup
			if got.InstallID() != want.InstallID() || !slices.Equal(got.BotRoles(), want.BotRoles()) || got.Names().Token != want.Names().Token || got.ServiceAccountRef() != want.ServiceAccountRef() {
				t.Errorf("it asks for %+v, want %+v", got.Names(), want.Names())
			}
			if got.Reach.Contexts != nil || strings.Contains(text, "at-home") {
				t.Error("a context of the kubeconfig went along")
			}
			if !spec.IsRequest([]byte(text)) {
				t.Error("it is not known for a request")
			}
		})
	}
}

// TestRequestRefused holds that nothing in it can be changed unnoticed, and that what was made up is refused for what it says.
func TestRequestRefused(t *testing.T) {
	t.Parallel()
	request := spec.RequestOf(asking(), []string{requestKey})
	whole := written(t, request)
	for line := range strings.Lines(whole) {
		key, value, found := strings.Cut(strings.TrimSpace(line), ": ")
		if !found || strings.HasPrefix(key, "#") || strings.HasPrefix(value, "{") || strings.HasPrefix(value, "'") {
			continue
		}
		_, err := spec.LoadRequest(strings.NewReader(strings.Replace(whole, key+": "+value, key+": z"+value, 1)), prints)
		if err == nil {
			t.Errorf("%s was changed unnoticed", key)
		}
	}
	changed := func(change func(*spec.Request)) spec.Request {
		r := request
		change(&r)
		r.Digest = r.Fingerprint()
		return r
	}
	for name, row := range map[string]struct {
		text    string
		altered bool
		says    string
	}{
		"a role more":            {strings.Replace(whole, "- auditor", "- auditor\n    - editor", 1), true, "changed after it was written"},
		"other thumbprints":      {written(t, changed(func(r *spec.Request) { r.Join.Thumbprints = []string{strings.Repeat("A", 43)} })), true, "not those of its keys"},
		"no thumbprint":          {written(t, changed(func(r *spec.Request) { r.Join.Thumbprints = []string{"AAAA"} })), false, "no base64url"},
		"no thumbprints":         {written(t, changed(func(r *spec.Request) { r.Join.Thumbprints = nil })), true, "not those of its keys"},
		"no keys":                {written(t, changed(func(r *spec.Request) { r.Join.JWKS = "" })), false, "without the issuer or the keys"},
		"broken keys":            {written(t, changed(func(r *spec.Request) { r.Join.JWKS = "{}" })), false, "keys cannot be read"},
		"auto":                   {written(t, changed(func(r *spec.Request) { r.Join.Type = spec.JoinAuto })), false, "join type"},
		"no name":                {written(t, changed(func(r *spec.Request) { r.Kubernetes.ServiceAccount = "" })), false, "no kubernetes.serviceAccount"},
		"no name of Kubernetes":  {written(t, changed(func(r *spec.Request) { r.Kubernetes.Namespace = "A/B" })), false, "--namespace"},
		"no name of Teleport":    {written(t, changed(func(r *spec.Request) { r.Teleport.Bot = "a b" })), false, "--bot-name"},
		"a role of two":          {written(t, changed(func(r *spec.Request) { r.Teleport.Roles = []string{"a,b"} })), false, "--roles"},
		"cluster is no identity": {written(t, changed(func(r *spec.Request) { r.Kubernetes.ClusterID = "x/y" })), false, "eight hex digits"},
		"other workload":         {written(t, changed(func(r *spec.Request) { r.Workload = "job" })), false, "job"},
		"unknown key":            {whole + "extra: 1\n", false, "extra"},
		"answers":                {"apiVersion: tbotctl.dev/v1\nkind: Setup\n", false, "a request is"},
		"nothing":                {"", false, "cannot be read"},
		"two":                    {whole + "---\n" + whole, false, "more than one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := spec.LoadRequest(strings.NewReader(row.text), prints)
			var altered *spec.Altered
			if err == nil || !strings.Contains(err.Error(), row.says) || errors.As(err, &altered) != row.altered {
				t.Errorf("error %v, want one that says %q", err, row.says)
			}
		})
	}
}

// FuzzRequest holds that whatever is read was either written so or is refused, and that what was read can be written again.
func FuzzRequest(f *testing.F) {
	request := spec.RequestOf(asking(), []string{requestKey})
	var text strings.Builder
	if err := spec.SaveRequest(&text, request); err != nil {
		f.Fatal(err)
	}
	f.Add(text.String(), "access", "prod")
	f.Add("kind: Request\n", "\n a", "\t: '\"\\")
	f.Add(strings.ReplaceAll(text.String(), ":", ": "), "--- \n", "~")
	f.Fuzz(func(t *testing.T, file, role, label string) {
		if read, err := spec.LoadRequest(strings.NewReader(file), prints); err == nil && read.Fingerprint() != read.Digest {
			t.Errorf("fingerprint %s, digest %s", read.Fingerprint(), read.Digest)
		}
		setup := asking()
		setup.Teleport.Roles = []string{role}
		setup.Access, setup.Reach = spec.AccessKubernetes, spec.Reach{Labels: []map[string]string{{"env": label}}, Groups: []string{role}}
		if setup.Validate() != nil {
			return
		}
		asked := spec.RequestOf(setup, []string{requestKey})
		read, err := spec.LoadRequest(strings.NewReader(written(t, asked)), prints)
		if err != nil {
			t.Fatalf("%v\n%s", err, written(t, asked))
		}
		if diff := cmp.Diff(asked, read); diff != "" {
			t.Errorf("-written +read:\n%s", diff)
		}
	})
}
