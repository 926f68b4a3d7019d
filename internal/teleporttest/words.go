package teleporttest

import (
	"errors"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
)

// The join errors in Teleport's words. The kind of an error is its HTTP status and its gRPC code; a text that has
// a newline and a tab is one error wrapped in another (recordings/host-credentials-errors.json, teleport-facts 3).

func errTokenExpiredOrNotFound(node string, role types.SystemRole) error {
	return trace.AccessDenied("%q can not join the cluster with role %q, token expired or not found", node, role)
}

func errRoleNotAllowed(node, host string, role types.SystemRole) error {
	return trace.BadParameter("node %q [%v] can not join the cluster, the token does not allow %q role", node, host, role)
}

func errWrongEndpoint(method types.JoinMethod) error {
	return trace.AccessDenied("this token is only valid for the %s join method but the node has connected to the wrong endpoint, "+
		"make sure your node is configured to use the %s join method", method, method)
}

func errIDTokenMissing() error {
	return trace.BadParameter("IDToken not provided for Kubernetes join request")
}

func errUnsupportedKubernetesType(t types.KubernetesJoinType) error {
	return trace.BadParameter("unsupported kubernetes join method type (%s)", t)
}

// errBotUnknown tells the client nothing; the reason goes to the log (field-notes P17).
func errBotUnknown() error { return trace.AccessDenied("access denied") }

func errNoAllowRule() error {
	return trace.AccessDenied("kubernetes token did not match any allow rules")
}

// errReviewing wraps whatever a validator says.
func errReviewing(t types.KubernetesJoinType, err error) error {
	return trace.Wrap(err, "reviewing kubernetes token with %s", t)
}

// errNotPodBound has an article more for oidc.
func errNotPodBound(t types.KubernetesJoinType) error {
	article := ""
	if t == types.KubernetesJoinTypeOIDC {
		article = "a "
	}
	return trace.BadParameter("%s joining requires the use of %sprojected pod bound service account token", t, article)
}

func errNoClaim(t types.KubernetesJoinType, claim string) error {
	return trace.BadParameter("%s joining requires the use of a service account token with `%s`", t, claim)
}

func errTooLongLived(t types.KubernetesJoinType) error {
	return trace.BadParameter("%s joining requires the use of a service account token with a TTL of less than %s", t, maxTokenTTL)
}

// signature gives a signature error the words of the server's JOSE library. go-jose v3, which 16.x uses, has no
// error for a kid that the key set lacks: it goes on to use the whole set as a key and says that this key type
// is unsupported. v4 (checked: v4.1.8) has ErrJWKSKidNotFound, also for a token without kid.
func (b behaviour) signature(err error) error {
	if b.oldKidText && errors.Is(err, jose.ErrJWKSKidNotFound) {
		return jose.ErrUnsupportedKeyType
	}
	return err
}

// errTypeUnsupported is the creation error of servers that are older than the type oidc. The list names join methods
// by mistake (recordings/token-type-oidc-unsupported.json).
func errTypeUnsupported(t types.KubernetesJoinType) error {
	methods := []string{"azure", "circleci", "ec2", "gcp", "github", "gitlab", "iam", "kubernetes", "spacelift", "token"}
	return trace.Wrap(trace.BadParameter("type: must be one of (%s), got %q", strings.Join(methods, ", "), t), "spec.kubernetes:")
}

func errNoKubernetes() error {
	return trace.Wrap(errors.New("unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined"),
		"failed to initialize in-cluster Kubernetes config")
}

// The words for resources.

func errUserNotFound(name string) error { return trace.NotFound("user %q not found", name) }
func errRoleNotFound(name string) error { return trace.NotFound("role %v is not found", name) }
func errTokenNotFound(name string) error {
	return trace.NotFound("provisioning token(%s) not found", mask(name))
}

// mask hides three quarters of a token's name, as the backend does in its errors.
func mask(name string) string {
	hidden := len(name) * 3 / 4
	return strings.Repeat("*", hidden) + name[hidden:]
}
