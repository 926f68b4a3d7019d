package teleporttest_test

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// apiServer answers every request with what it has seen: path and impersonation.
func apiServer(t *testing.T) *rest.Config {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := kubeSeen{
			Method: r.Method, Path: r.URL.RequestURI(), User: r.Header.Get("Impersonate-User"),
			Groups: r.Header.Values("Impersonate-Group"), Authorization: r.Header.Get("Authorization"),
		}
		slices.Sort(seen.Groups)
		if err := json.NewEncoder(w).Encode(seen); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL, BearerToken: "agent"}
}

type kubeSeen struct {
	Method, Path, User, Authorization string
	Groups                            []string
}

// kubeTarget is how a kubeconfig reaches the cluster: by certificate, or by path too (teleport-facts 6.4).
type kubeTarget struct {
	client *http.Client
	url    string
}

// target takes an output's certificate for roles, routed to a Kubernetes cluster or to none.
func (j joined) target(t *testing.T, cluster string, roles ...string) kubeTarget {
	t.Helper()
	req := j.outputRequest(roles...)
	req.KubernetesCluster = cluster
	certs, err := j.client.GenerateUserCerts(withTimeout(t), req)
	if err != nil {
		t.Fatal(err)
	}
	return j.targetWith(t, certs)
}

func (j joined) targetWith(t *testing.T, certs *proto.Certs) kubeTarget {
	t.Helper()
	config := j.configWith(t, certs)
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	return kubeTarget{client: &http.Client{Transport: transport}, url: config.Host}
}

func (j joined) configWith(t *testing.T, certs *proto.Certs) *rest.Config {
	t.Helper()
	ca, err := j.client.GetClusterCACert(withTimeout(t))
	if err != nil {
		t.Fatal(err)
	}
	return &rest.Config{Host: "https://" + j.cluster.Addr(), TLSClientConfig: rest.TLSClientConfig{
		ServerName: "kube-teleport-proxy-alpn.localhost", CAData: ca.TLSCA, CertData: certs.TLS, KeyData: j.keys.pem(t),
	}}
}

func kubePath(teleport, kube string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return "/v1/teleport/" + encode([]byte(teleport)) + "/" + encode([]byte(kube))
}

// do returns what the API server saw, or the refusal.
func (k kubeTarget) do(t *testing.T, method, path string, header http.Header) (kubeSeen, metav1.Status) {
	t.Helper()
	req, err := http.NewRequestWithContext(withTimeout(t), method, k.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := k.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // a body that was read
	var seen kubeSeen
	var status metav1.Status
	var into any = &seen
	if resp.StatusCode != http.StatusOK {
		into = &status
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatalf("%s %s: %d: %v", method, path, resp.StatusCode, err)
	}
	if resp.StatusCode != http.StatusOK && (status.Kind != "Status" || int(status.Code) != resp.StatusCode) {
		t.Errorf("%s %s: %d with %+v", method, path, resp.StatusCode, status)
	}
	return seen, status
}

func kubeOptions(t *testing.T) teleporttest.Options {
	t.Helper()
	upstream := apiServer(t)
	return teleporttest.Options{KubeClusters: []teleporttest.KubeCluster{
		{Name: "lab", Labels: map[string]string{"env": "lab"}, Upstream: upstream},
		{Name: "lab/2 é", Labels: map[string]string{"env": "lab"}, Upstream: upstream},
		{Name: "other", Labels: map[string]string{"env": "other"}, Upstream: upstream},
		{Name: "offline", Labels: map[string]string{"env": "lab"}},
	}}
}

// TestKubeByCertificateAndPath: a v1 kubeconfig says in its certificate which cluster it is for, a v2 one in its path; the
// groups are those of the roles, the user is the bot, and none of the caller's credentials get through.
func TestKubeByCertificateAndPath(t *testing.T) {
	t.Parallel()
	j := join(t, kubeOptions(t), "example-role")
	want := kubeSeen{
		Method: http.MethodGet, Path: "/api/v1/namespaces/default/pods?limit=5", User: "bot-example", Authorization: "Bearer agent",
		Groups: []string{"editor", "system:authenticated"},
	}
	header := http.Header{"Authorization": {"Bearer stolen"}}
	routed := j.target(t, "lab", "example-role")
	if got, status := routed.do(t, http.MethodGet, want.Path, header); !sameSeen(got, want) {
		t.Errorf("by certificate: %+v %+v, want %+v", got, status, want)
	}
	unrouted := j.target(t, "", "example-role")
	for _, name := range []string{"lab", "lab/2 é"} {
		if got, status := unrouted.do(t, http.MethodGet, kubePath(clusterName, name)+want.Path, header); !sameSeen(got, want) {
			t.Errorf("by path to %q: %+v %+v, want %+v", name, got, status, want)
		}
	}
	if !slices.ContainsFunc(j.cluster.Requests(), func(r teleporttest.Request) bool {
		return r.Protocol == "kube" && r.KubeCluster == "lab/2 é" && r.User == "bot-example" && r.Impersonated && !r.Write
	}) {
		t.Error("the request is not in the log")
	}
}

func sameSeen(a, b kubeSeen) bool {
	return a.Method == b.Method && a.Path == b.Path && a.User == b.User && a.Authorization == b.Authorization && slices.Equal(a.Groups, b.Groups)
}

// TestKubeRefusals: the words of lib/kube/proxy/forwarder.go@04581c42.
func TestKubeRefusals(t *testing.T) {
	t.Parallel()
	j := join(t, kubeOptions(t), "example-role", "groupless")
	j.cluster.AddRole(&types.RoleV6{Version: types.V7, Metadata: types.Metadata{Name: "groupless"}, Spec: types.RoleSpecV6{
		Allow: types.RoleConditions{KubernetesLabels: types.Labels{"env": []string{"*"}}},
	}})
	example, groupless := j.target(t, "", "example-role"), j.target(t, "", "groupless")
	const pods = "/api/v1/pods"
	for name, row := range map[string]struct {
		by     kubeTarget
		path   string
		code   int32
		reason metav1.StatusReason
		want   string
	}{
		"unknown cluster": {example, kubePath(clusterName, "nowhere") + pods, 404, metav1.StatusReasonNotFound, `Kubernetes cluster "nowhere" not found`},
		"no cluster":      {example, pods, 404, metav1.StatusReasonNotFound, `Kubernetes cluster "" not found`},
		"labels":          {example, kubePath(clusterName, "other") + pods, 403, metav1.StatusReasonForbidden, "[00] access denied"},
		"no groups": {groupless, kubePath(clusterName, "lab") + pods, 404, metav1.StatusReasonNotFound, "Your user's Teleport role does not allow " +
			"Kubernetes access. Please ask cluster administrator to ensure your role has appropriate kubernetes_groups and kubernetes_users set."},
		"another Teleport": {example, kubePath("leaf.example.com", "lab") + pods, 404, metav1.StatusReasonNotFound, `cluster "leaf.example.com" is not found`},
		"offline": {
			example, kubePath(clusterName, "offline") + pods, 504, metav1.StatusReasonTimeout,
			`the agent of Kubernetes cluster "offline" is offline or has disconnected`,
		},
		"no base64": {example, "/v1/teleport/%25/x" + pods, 500, metav1.StatusReasonInternalError, "illegal base64 data at input byte 0"},
		"exec": {
			example, kubePath(clusterName, "lab") + "/api/v1/namespaces/default/pods/web/exec", 501, metav1.StatusReasonMethodNotAllowed,
			"this test cluster forwards no exec of pods",
		},
	} {
		got, status := row.by.do(t, http.MethodGet, row.path, nil)
		if got.Path != "" || status.Code != row.code || status.Reason != row.reason || status.Message != row.want {
			t.Errorf("%s: %+v %+v, want %d %s %q", name, got, status, row.code, row.reason, row.want)
		}
	}
	j.cluster.Lock("example")
	if _, status := example.do(t, http.MethodGet, kubePath(clusterName, "lab")+pods, nil); status.Code != 403 {
		t.Errorf("a locked bot: %+v", status)
	}
}

// TestKubeImpersonation: who may be asked for by header, in Teleport's words.
func TestKubeImpersonation(t *testing.T) {
	t.Parallel()
	const denied = "impersonation request has been denied, "
	several := "please select a user to impersonate, refusing to select a user due to several kubernetes_users set up for this user"
	for name, row := range map[string]struct {
		version       string
		users, groups []string
		header        http.Header
		user          string
		sent          []string
		refused       string
	}{
		"one user":         {users: []string{"ann"}, user: "ann", sent: []string{"system:authenticated"}},
		"chosen user":      {users: []string{"ann", "bob"}, header: http.Header{"Impersonate-User": {"bob"}}, user: "bob", sent: []string{"system:authenticated"}},
		"several users":    {users: []string{"ann", "bob"}, refused: several},
		"chosen group":     {groups: []string{"a", "b"}, header: http.Header{"Impersonate-User": {""}, "Impersonate-Group": {"b"}}, user: "bot-example", sent: []string{"b"}},
		"user not allowed": {groups: []string{"a"}, header: http.Header{"Impersonate-User": {"eve"}}, refused: denied + `user header "eve" is not allowed in roles`},
		"group not allowed": {
			groups: []string{"a"}, header: http.Header{"Impersonate-Group": {"system:masters"}},
			refused: denied + `group header "system:masters" value is not allowed in roles`,
		},
		"uid":                {groups: []string{"a"}, header: http.Header{"Impersonate-Uid": {"1"}}, refused: denied + `unsupported impersonation header "Impersonate-Uid"`},
		"star, nobody asked": {users: []string{"*"}, user: "bot-example", sent: []string{"system:authenticated"}},
		"star": {
			users: []string{"*"}, header: http.Header{"Impersonate-User": {"system:serviceaccount:a:b"}},
			user: "system:serviceaccount:a:b", sent: []string{"system:authenticated"},
		},
		"star and groups":          {users: []string{"*"}, groups: []string{"a"}, header: http.Header{"Impersonate-User": {"u"}}, user: "u", sent: []string{"a", "system:authenticated"}},
		"star on an older server":  {version: "18.1.5", users: []string{"*"}, header: http.Header{"Impersonate-User": {"u"}}, refused: denied + `user header "u" is not allowed in roles`},
		"star is a name on it too": {version: "18.1.5", users: []string{"*"}, user: "*", sent: []string{"system:authenticated"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := kubeOptions(t)
			options.Version = row.version
			j := join(t, options, "role")
			j.cluster.AddRole(&types.RoleV6{Version: types.V7, Metadata: types.Metadata{Name: "role"}, Spec: types.RoleSpecV6{Allow: types.RoleConditions{
				KubernetesLabels: types.Labels{"env": []string{"lab"}}, KubeUsers: row.users, KubeGroups: row.groups,
			}}})
			got, status := j.target(t, "lab", "role").do(t, http.MethodGet, "/api/v1/pods", row.header)
			if got.User != row.user || !slices.Equal(got.Groups, row.sent) || status.Message != row.refused {
				t.Errorf("as %q of %q, refused %q", got.User, got.Groups, status.Message)
			}
			if row.refused != "" && status.Code != http.StatusForbidden {
				t.Errorf("status %+v", status)
			}
		})
	}
}

// TestKubeCertificates: without a good certificate there is not even an answer.
func TestKubeCertificates(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	options := kubeOptions(t)
	options.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	j := join(t, options, "example-role")
	req := j.outputRequest("example-role")
	req.KubernetesCluster, req.Expires = "lab", time.Now().Add(10*time.Minute)
	certs, err := j.client.GenerateUserCerts(withTimeout(t), req)
	if err != nil {
		t.Fatal(err)
	}
	later.Store(int64(11 * time.Minute))
	bare := &rest.Config{TLSClientConfig: rest.TLSClientConfig{ServerName: "kube-teleport-proxy-alpn.teleport.cluster.local", Insecure: true}}
	for name, row := range map[string]struct {
		config *rest.Config
		want   string
	}{
		"expired": {j.configWith(t, certs), "tls: expired certificate"},
		"none":    {bare, "tls: certificate required"},
	} {
		if err := answerTo(t, j.cluster.Addr(), row.config); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", name, err, row.want)
		}
	}
}

// answerTo is how a server answers the handshake. Its verdict on the certificate is the first thing to be read after it (TLS 1.3); an
// HTTP client may miss it over its own writing.
func answerTo(t *testing.T, address string, config *rest.Config) error {
	t.Helper()
	secured, err := rest.TLSConfigFor(config)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&tls.Dialer{Config: secured}).DialContext(withTimeout(t), "tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}

// TestKubePathsOfOldServers: before 17.2 a path is but a path, and the certificate alone says the cluster.
func TestKubePathsOfOldServers(t *testing.T) {
	t.Parallel()
	options := kubeOptions(t)
	options.Version = "17.1.0"
	j := join(t, options, "example-role")
	path := kubePath(clusterName, "lab") + "/api/v1/pods"
	if got, status := j.target(t, "lab", "example-role").do(t, http.MethodGet, path, nil); got.Path != path {
		t.Errorf("got %+v %+v, want the path as it is", got, status)
	}
}
