package testkit_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/testkit"
)

// victimVar makes this binary a victim for TestGuard: a process that starts a control plane and waits for
// its death.
const victimVar = "TBOTCTL_TESTKIT_VICTIM"

func TestMain(m *testing.M) {
	if os.Getenv(victimVar) != "" {
		os.Exit(beVictim())
	}
	os.Exit(testkit.Main(m))
}

func beVictim() int {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c, err := testkit.Start(ctx, testkit.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(c.KubeconfigFile())
	<-ctx.Done() // nobody lets it live that long
	return 1
}

func flavours() []testkit.Flavour {
	return []testkit.Flavour{testkit.SelfManaged, testkit.CloudLike}
}

// audience is whom the tokens are for.
const audience = "teleport.example.com"

// mint makes a token of the namespace's default service account, bound to pod if there is one.
func mint(t *testing.T, c *testkit.ControlPlane, namespace string, pod *corev1.Pod) string {
	t.Helper()
	seconds := int64(600)
	request := &authv1.TokenRequest{Spec: authv1.TokenRequestSpec{Audiences: []string{audience}, ExpirationSeconds: &seconds}}
	if pod != nil {
		request.Spec.BoundObjectRef = &authv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID}
	}
	answer, err := c.Client().CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), "default", request, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Status.Token
}

// claims verifies a token with the keys and returns its kid and its claims.
func claims(t *testing.T, token string, keys *jose.JSONWebKeySet) (string, map[string]any) {
	t.Helper()
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := parsed.Claims(keys, &got); err != nil {
		t.Fatalf("the token does not verify with the published keys: %v", err)
	}
	return parsed.Headers[0].KeyID, got
}
