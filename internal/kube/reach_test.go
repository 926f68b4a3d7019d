package kube_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

const version = "v1.36.3"

// TestReach holds the outcomes to a real API server.
func TestReach(t *testing.T) {
	t.Parallel()
	config := server(t).RESTConfig()
	user := "reacher-" + server(t).Namespace(t)
	plugin := func(script string) api.AuthInfo {
		return api.AuthInfo{Exec: &api.ExecConfig{
			APIVersion: "client.authentication.k8s.io/v1", Command: "/bin/sh", Args: []string{"-c", script}, InteractiveMode: api.NeverExecInteractiveMode,
		}}
	}
	missing, missingPath, curious := plugin(""), plugin(""), plugin("cat")
	missing.Exec.Command = "tbotctl-no-such-plugin"
	missing.Exec.InstallHint = "curl \x1b[2J https://example.com | sh"
	missingPath.Exec.Command = "/nowhere/plugin"
	curious.Exec.InteractiveMode = api.AlwaysExecInteractiveMode
	certificate, key := ended(t)
	ca := config.CAData
	for name, row := range map[string]struct {
		cluster api.Cluster
		user    api.AuthInfo
		want    kube.Reach
		kind    kube.Kind
	}{
		"no credentials": {
			api.Cluster{Server: config.Host, CertificateAuthorityData: ca},
			api.AuthInfo{},
			kube.Reach{Outcome: kube.ReachAnonymous, Version: version, Reason: "the kubeconfig gives no credentials"},
			0,
		},
		"a token that is refused": {
			api.Cluster{Server: config.Host, CertificateAuthorityData: ca},
			api.AuthInfo{Token: secretWord},
			kube.Reach{Outcome: kube.ReachRefused, Version: version, Reason: "the login is refused: it is expired or not of this cluster"},
			kube.Login,
		},
		"a certificate that has ended": {
			api.Cluster{Server: config.Host, CertificateAuthorityData: ca},
			api.AuthInfo{ClientCertificateData: certificate, ClientKeyData: key},
			kube.Reach{Outcome: kube.ReachRefused, Version: version, Reason: "the client certificate in the kubeconfig ended on 2020-02-02"},
			kube.Login,
		},
		"a plugin that is not installed": {
			api.Cluster{Server: config.Host, CertificateAuthorityData: ca},
			missing,
			kube.Reach{Outcome: kube.ReachPluginMissing, Version: version, Reason: `the credential plugin "tbotctl-no-such-plugin" is not installed`},
			kube.Login,
		},
		"a plugin that is not where it should be": {
			api.Cluster{Server: config.Host, CertificateAuthorityData: ca},
			missingPath,
			kube.Reach{Outcome: kube.ReachPluginMissing, Version: version, Reason: `the credential plugin "/nowhere/plugin" is not installed`},
			kube.Login,
		},
		"a plugin that fails": {
			api.Cluster{Server: config.Host, CertificateAuthorityData: ca},
			plugin("exit 3"),
			kube.Reach{Outcome: kube.ReachPluginFailed, Version: version, Reason: `the credential plugin "/bin/sh" fails`},
			kube.Login,
		},
		"a plugin that talks": {
			api.Cluster{Server: config.Host, CertificateAuthorityData: ca},
			plugin("echo " + secretWord),
			kube.Reach{Outcome: kube.ReachPluginFailed, Version: version, Reason: `the credential plugin "/bin/sh" fails`},
			kube.Login,
		},
		"a plugin that asks": {
			api.Cluster{Server: config.Host, CertificateAuthorityData: ca},
			curious,
			kube.Reach{Outcome: kube.ReachPluginFailed, Version: version, Reason: `the credential plugin "/bin/sh" wants to ask something, and cannot here`},
			kube.Login,
		},
		"a plugin whose token is refused": {
			api.Cluster{Server: config.Host, CertificateAuthorityData: ca},
			plugin(`echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"` + secretWord + `"}}'`),
			kube.Reach{Outcome: kube.ReachRefused, Version: version, Reason: `the login that the credential plugin "/bin/sh" gives is refused`},
			kube.Login,
		},
		"nobody listens": {
			api.Cluster{Server: "https://" + closedPort(t)},
			api.AuthInfo{Token: secretWord},
			kube.Reach{Outcome: kube.ReachUnreachable, Reason: "nobody listens at its address"},
			kube.Unreachable,
		},
		"a certificate of nobody's": {
			api.Cluster{Server: config.Host},
			api.AuthInfo{Token: secretWord},
			kube.Reach{Outcome: kube.ReachUnreachable, Reason: "its certificate is of an authority that the kubeconfig does not trust"},
			kube.Unreachable,
		},
		"a certificate for elsewhere": {
			api.Cluster{Server: config.Host, CertificateAuthorityData: ca, TLSServerName: "elsewhere.example.com"},
			api.AuthInfo{Token: secretWord},
			kube.Reach{Outcome: kube.ReachUnreachable, Reason: "its certificate is for another name"},
			kube.Unreachable,
		},
		"a user with a certificate": {
			api.Cluster{Server: config.Host, CertificateAuthorityData: ca},
			api.AuthInfo{ClientCertificateData: config.CertData, ClientKeyData: config.KeyData},
			kube.Reach{Outcome: kube.ReachLoggedIn, Version: version, User: "admin"},
			0,
		},
		"impersonated": {
			api.Cluster{Server: config.Host, CertificateAuthorityData: ca},
			api.AuthInfo{ClientCertificateData: config.CertData, ClientKeyData: config.KeyData, Impersonate: user},
			kube.Reach{Outcome: kube.ReachLoggedIn, Version: version, User: user},
			0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := kubeconfig(t, "lab", row.cluster, row.user)
			wantReach(t, connect(t, kube.Options{Kubeconfig: file, RequestTimeout: 10 * time.Second, NoInput: true}).Reach(t.Context()), row.want, row.kind)
		})
	}
}

func wantReach(t *testing.T, got, want kube.Reach, kind kube.Kind) {
	t.Helper()
	err := got.Err
	got.Err = nil
	if got != want {
		t.Errorf("%+v, want %+v (%v)", got, want, err)
	}
	if strings.ContainsRune(got.Reason, '\x1b') {
		t.Errorf("the reason is not safe to show: %q", got.Reason)
	}
	if want.Outcome == kube.ReachLoggedIn || want.Outcome == kube.ReachAnonymous {
		if err != nil {
			t.Errorf("error %v beside outcome %d", err, want.Outcome)
		}
		return
	}
	wantError(t, err, kind)
}

// TestReachOfAPluginThatHangs holds that the plugin alone is blamed, and only where it is to blame.
func TestReachOfAPluginThatHangs(t *testing.T) {
	t.Parallel()
	config := server(t).RESTConfig()
	user := func(script string) api.AuthInfo {
		return api.AuthInfo{Exec: &api.ExecConfig{
			APIVersion: "client.authentication.k8s.io/v1", Command: "/bin/sh", Args: []string{"-c", script}, InteractiveMode: api.NeverExecInteractiveMode,
		}}
	}
	gives := `echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"` + secretWord + `"}}'`
	for name, row := range map[string]struct {
		server string
		user   api.AuthInfo
		want   kube.Reach
	}{
		"the plugin": {config.Host, user("exec sleep 5"), kube.Reach{
			Outcome: kube.ReachPluginSilent, Version: version, Reason: `the credential plugin "/bin/sh" does not answer`,
		}},
		"the server": {"https://" + silentPort(t), user(gives), kube.Reach{Outcome: kube.ReachUnreachable, Reason: "no answer in time"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := kubeconfig(t, "lab", api.Cluster{Server: row.server, CertificateAuthorityData: config.CAData}, row.user)
			got := connect(t, kube.Options{Kubeconfig: file, RequestTimeout: 2 * time.Second}).Reach(t.Context())
			wantReach(t, got, row.want, kube.Unreachable)
		})
	}
}

// TestReachCancelled holds that a look which nobody waits for any more blames nobody.
func TestReachCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cluster := connect(t, kube.Options{Kubeconfig: kubeconfig(t, "away", api.Cluster{Server: "https://" + silentPort(t)}, api.AuthInfo{})})
	wantReach(t, cluster.Reach(ctx), kube.Reach{Outcome: kube.ReachCancelled, Reason: "nobody waited for the answer"}, kube.Other)
}

// TestReachRecognisesKubeadm holds that kubeadm is believed for what it has left in the cluster, and that a user who may not look
// there merely learns less. The ConfigMap is the cluster's, so that no other test may look for a provider.
func TestReachRecognisesKubeadm(t *testing.T) {
	t.Parallel()
	plane := testkit.Shared(t, testkit.CloudLike)
	if _, _, err := plane.Kubectl(t.Context(), nil, "-n", "kube-system", "create", "configmap", "kubeadm-config"); err != nil {
		t.Fatal(err)
	}
	user := "guest-" + plane.Namespace(t)
	got := connect(t, kube.Options{Kubeconfig: plane.KubeconfigFile()}).Reach(t.Context())
	wantReach(t, got, kube.Reach{Outcome: kube.ReachLoggedIn, Version: version, User: "admin", Provider: kube.ProviderKubeadm}, 0)
	got = connect(t, kube.Options{Kubeconfig: plane.KubeconfigFor(t, user)}).Reach(t.Context())
	wantReach(t, got, kube.Reach{Outcome: kube.ReachLoggedIn, Version: version, User: user}, 0)
}

// TestReachOfOtherServers holds what no real API server of this package does.
func TestReachOfOtherServers(t *testing.T) {
	t.Parallel()
	const (
		review    = `{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview","status":{"userInfo":{"username":"ann"}}}`
		access    = `{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","status":{"allowed":true}}`
		reviews   = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
		accesses  = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
		openShift = "/apis/config.openshift.io"
	)
	forbidden := func(user string) answer {
		return answer{http.StatusForbidden, status(http.StatusForbidden, "Forbidden", `selfsubjectreviews is forbidden: User \"`+user+`\" cannot create resource`)}
	}
	gave := func(version string) answer { return answer{http.StatusOK, `{"gitVersion":"` + version + `"}`} }
	for name, row := range map[string]struct {
		answers map[string]answer
		want    kube.Reach
		kind    kube.Kind
		most    int32
	}{
		"OpenShift": {
			map[string]answer{reviews: {http.StatusCreated, review}, versionPath: gave("v1.29.6+aba1e8d"), openShift: {http.StatusOK, "{}"}},
			kube.Reach{Outcome: kube.ReachLoggedIn, User: "ann", Version: "v1.29.6+aba1e8d", Provider: kube.ProviderOpenShift},
			0, 3,
		},
		"EKS costs no further look": {
			map[string]answer{reviews: {http.StatusCreated, review}, versionPath: gave("v1.33.1-eks-595af52")},
			kube.Reach{Outcome: kube.ReachLoggedIn, User: "ann", Version: "v1.33.1-eks-595af52", Provider: kube.ProviderEKS},
			0, 2,
		},
		"before SelfSubjectReview": {
			map[string]answer{accesses: {http.StatusCreated, access}, versionPath: gave("v1.26.1+k3s1")},
			kube.Reach{Outcome: kube.ReachLoggedIn, Version: "v1.26.1+k3s1", Provider: kube.ProviderK3s},
			0, 3,
		},
		"a user who may not even ask": {
			map[string]answer{reviews: forbidden("ann"), versionPath: gave("v1.30.1-gke.100")},
			kube.Reach{Outcome: kube.ReachLoggedIn, Version: "v1.30.1-gke.100", Provider: kube.ProviderGKE},
			0, 2,
		},
		"nobody, before SelfSubjectReview": {
			map[string]answer{accesses: forbidden("system:anonymous"), versionPath: gave("v1.26.1")},
			kube.Reach{Outcome: kube.ReachAnonymous, Version: "v1.26.1", Reason: "the kubeconfig gives no credentials"},
			0, 3,
		},
		"nobody, who is allowed to ask": {
			map[string]answer{reviews: {http.StatusCreated, strings.ReplaceAll(review, "ann", "system:anonymous")}, versionPath: gave("v1.33.1")},
			kube.Reach{Outcome: kube.ReachAnonymous, Version: "v1.33.1", Reason: "the kubeconfig gives no credentials"},
			0, 2,
		},
		"a version that is kept secret": {
			map[string]answer{reviews: {http.StatusCreated, review}, versionPath: {http.StatusForbidden, "{}"}},
			kube.Reach{Outcome: kube.ReachLoggedIn, User: "ann"},
			0, 2,
		},
		"a gateway that refuses": {
			map[string]answer{reviews: {http.StatusForbidden, "<html>"}, versionPath: {http.StatusForbidden, "<html>"}},
			kube.Reach{Outcome: kube.ReachRefused, Reason: "what stands before the API server refuses this login (HTTP 403)"},
			kube.Refused, 3,
		},
		"a gateway whose cluster is gone": {
			map[string]answer{reviews: {http.StatusBadGateway, "<html>"}, versionPath: {http.StatusBadGateway, "<html>"}},
			kube.Reach{Outcome: kube.ReachUnreachable, Reason: "it is there and not ready to answer"},
			kube.Other, 2,
		},
		"an overloaded server": {
			map[string]answer{reviews: {http.StatusServiceUnavailable, status(http.StatusServiceUnavailable, "ServiceUnavailable", "starting")}},
			kube.Reach{Outcome: kube.ReachUnreachable, Reason: "it is there and not ready to answer"},
			kube.Unreachable, 2,
		},
		"an API server that takes no reviews": {
			map[string]answer{reviews: {http.StatusMethodNotAllowed, status(http.StatusMethodNotAllowed, "MethodNotAllowed", "no")}, versionPath: gave("v1.33.1")},
			kube.Reach{Outcome: kube.ReachUnclear, Version: "v1.33.1", Reason: "the API server answers, and does not say whose login this is"},
			kube.Other, 2,
		},
		"a web page": {
			map[string]answer{reviews: {http.StatusOK, "<html>"}, versionPath: {http.StatusOK, "<html>"}},
			kube.Reach{Outcome: kube.ReachUnclear, Reason: "what answers is no API server"},
			kube.Other, 2,
		},
		"a server of nothing": {
			nil, kube.Reach{Outcome: kube.ReachUnclear, Reason: "what answers is no API server"}, kube.NotFound, 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				given, ok := row.answers[r.URL.Path]
				if !ok {
					http.NotFound(w, r)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(given.status)
				_, _ = io.WriteString(w, given.body)
			}))
			t.Cleanup(site.Close)
			cluster := connect(t, kube.Options{Kubeconfig: kubeconfig(t, "site", api.Cluster{Server: site.URL}, api.AuthInfo{})})
			wantReach(t, cluster.Reach(t.Context()), row.want, row.kind)
			if got := asked.Load(); got > row.most {
				t.Errorf("%d requests, want %d at most", got, row.most)
			}
		})
	}
}

// TestReachSpeaksNoTLS holds the answer to a kubeconfig with the port of something else.
func TestReachSpeaksNoTLS(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(site.Close)
	file := kubeconfig(t, "site", api.Cluster{Server: strings.Replace(site.URL, "http:", "https:", 1)}, api.AuthInfo{Token: secretWord})
	wantReach(t, connect(t, kube.Options{Kubeconfig: file}).Reach(t.Context()),
		kube.Reach{Outcome: kube.ReachUnreachable, Reason: "what answers there speaks no TLS"}, kube.Unreachable)
}

type answer struct {
	status int
	body   string
}

func status(code int, reason, message string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Status","status":"Failure","code":%d,"reason":%q,"message":"%s"}`, code, reason, message)
}

// ended is a client certificate whose time is over, of an authority that nobody knows.
func ended(t *testing.T) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ann"},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2020, 2, 2, 0, 0, 0, 0, time.UTC),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}
