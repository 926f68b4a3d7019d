package testkit_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/testkit"
)

type discoveryDocument struct {
	Issuer  string `json:"issuer"`
	JWKSURI string `json:"jwks_uri"`
}

// fromAPIServer reads a document from the API server.
func fromAPIServer(t *testing.T, c *testkit.ControlPlane, path string, into any) {
	t.Helper()
	body, err := c.Client().Discovery().RESTClient().Get().AbsPath(path).DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatal(err)
	}
}

// fromOutside reads a URL as somebody does who knows the issuer's public name alone.
func fromOutside(t *testing.T, s *testkit.IssuerServer, url string) (int, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := s.Transport()
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body
}

func TestDiscoveryDocument(t *testing.T) {
	t.Parallel()
	for _, flavour := range flavours() {
		t.Run(flavour.String(), func(t *testing.T) {
			t.Parallel()
			c := testkit.Shared(t, flavour)
			var document discoveryDocument
			fromAPIServer(t, c, "/.well-known/openid-configuration", &document)
			if document.Issuer != c.Issuer() {
				t.Errorf("issuer %q, want %q", document.Issuer, c.Issuer())
			}
			switch c.Flavour() {
			case testkit.SelfManaged:
				if !strings.HasPrefix(document.JWKSURI, "https://172.16.0.10:") || !strings.HasSuffix(document.JWKSURI, "/openid/v1/jwks") {
					t.Errorf("jwks_uri %q, want one at the API server's address inside the cluster", document.JWKSURI)
				}
				if c.IssuerServer() != nil {
					t.Error("a self-managed control plane has an issuer server")
				}
			case testkit.CloudLike:
				if want := c.Issuer() + "/keys"; document.JWKSURI != want {
					t.Errorf("jwks_uri %q, want %q", document.JWKSURI, want)
				}
			}
		})
	}
}

func TestCloudLikeIssuerFromOutside(t *testing.T) {
	t.Parallel()
	c := testkit.Shared(t, testkit.CloudLike)
	status, body := fromOutside(t, c.IssuerServer(), c.Issuer()+"/.well-known/openid-configuration")
	if status != http.StatusOK {
		t.Fatalf("the discovery document: status %d", status)
	}
	var document discoveryDocument
	if err := json.Unmarshal(body, &document); err != nil {
		t.Fatal(err)
	}
	if document.Issuer != c.Issuer() {
		t.Errorf("issuer %q, want %q", document.Issuer, c.Issuer())
	}

	status, body = fromOutside(t, c.IssuerServer(), document.JWKSURI)
	if status != http.StatusOK {
		t.Fatalf("the keys: status %d", status)
	}
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(body, &keys); err != nil {
		t.Fatal(err)
	}
	kid, got := claims(t, mint(t, c, c.Namespace(t), nil), &keys)
	if len(keys.Key(kid)) != 1 || got["iss"] != c.Issuer() {
		t.Errorf("kid %q and iss %v, want a published kid and %q", kid, got["iss"], c.Issuer())
	}

	if status, _ := fromOutside(t, c.IssuerServer(), "https://"+c.IssuerServer().Host()+"/.well-known/openid-configuration"); status != http.StatusNotFound {
		t.Errorf("a path that is not the issuer's: status %d, want 404", status)
	}
}

func TestIssuerServerRefuses(t *testing.T) {
	t.Parallel()
	c := testkit.Shared(t, testkit.CloudLike)
	s := c.IssuerServer()
	if _, err := s.DialContext(t.Context(), "tcp", "teleport.example.com:443"); !errors.Is(err, testkit.ErrNotMapped) {
		t.Errorf("dialing another name: %v, want ErrNotMapped", err)
	}

	stranger := s.Transport()
	stranger.TLSClientConfig.RootCAs = nil // the system's
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.Issuer()+"/keys", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := stranger.RoundTrip(request)
	if err == nil {
		_ = response.Body.Close()
		t.Error("a client that trusts the system's CAs alone accepts the server")
	}
}

func TestIssuerServerHook(t *testing.T) {
	t.Parallel()
	c := testkit.Shared(t, testkit.CloudLike)
	broken := c.NewIssuerServer(t)
	broken.SetHandlerHook(func(honest http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/keys") {
				http.Error(w, "gone", http.StatusGone)
				return
			}
			honest.ServeHTTP(w, r)
		})
	})
	keys := c.Issuer() + "/keys"
	if status, _ := fromOutside(t, broken, keys); status != http.StatusGone {
		t.Errorf("the altered path: status %d, want 410", status)
	}
	if status, _ := fromOutside(t, broken, c.Issuer()+"/.well-known/openid-configuration"); status != http.StatusOK {
		t.Errorf("the other path: status %d, want 200", status)
	}
	if status, _ := fromOutside(t, c.IssuerServer(), keys); status != http.StatusOK {
		t.Errorf("the shared server: status %d, want 200", status)
	}
	broken.SetHandlerHook(nil)
	if status, _ := fromOutside(t, broken, keys); status != http.StatusOK {
		t.Errorf("without the hook: status %d, want 200", status)
	}
}

// A pod that waits behind a scheduling gate runs nothing, and yet its tokens carry the pod claim.
func TestTokenOfGatedPod(t *testing.T) {
	t.Parallel()
	for _, flavour := range flavours() {
		t.Run(flavour.String(), func(t *testing.T) {
			t.Parallel()
			c := testkit.Shared(t, flavour)
			namespace := c.Namespace(t)
			pod, err := c.Client().CoreV1().Pods(namespace).Create(t.Context(), &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: "gated"},
				Spec: corev1.PodSpec{
					SchedulingGates: []corev1.PodSchedulingGate{{Name: "tbotctl.dev/probe"}},
					Containers:      []corev1.Container{{Name: "tbot", Image: "registry.example.com/tbot:1"}},
				},
			}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var keys jose.JSONWebKeySet
			fromAPIServer(t, c, "/openid/v1/jwks", &keys)
			_, got := claims(t, mint(t, c, namespace, pod), &keys)

			kubernetes, _ := got["kubernetes.io"].(map[string]any)
			claim, _ := kubernetes["pod"].(map[string]any)
			if claim["name"] != "gated" || claim["uid"] != string(pod.UID) || got["iss"] != c.Issuer() {
				t.Errorf("claims %v, want the pod's name and uid, and the issuer", got)
			}
			aud, _ := got["aud"].([]any)
			if len(aud) != 1 || aud[0] != audience {
				t.Errorf("aud %v, want %s", got["aud"], audience)
			}

			now, err := c.Client().CoreV1().Pods(namespace).Get(t.Context(), "gated", metav1.GetOptions{})
			if err != nil || now.Spec.NodeName != "" || now.Status.Phase != corev1.PodPending {
				t.Errorf("the gated pod: node %q, %s, %v; want none, Pending", now.Spec.NodeName, now.Status.Phase, err)
			}
		})
	}
}

func fromIssuer(t *testing.T, c *testkit.ControlPlane, into *jose.JSONWebKeySet) {
	t.Helper()
	status, body := fromOutside(t, c.IssuerServer(), c.Issuer()+"/keys")
	if status != http.StatusOK {
		t.Fatalf("the keys: status %d", status)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatal(err)
	}
}
