package manifests

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/gravitational/teleport/api/types"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// Files of the ConfigMap, as the Deployment mounts them.
const (
	ConfigFile  = "tbot.yaml"
	ProxyCAFile = "proxy-ca.pem"
)

// view is what the templates read. Everything that two templates must agree on is computed here once.
type view struct {
	Setup    spec.Setup
	Names    spec.Names
	Resolved spec.Resolved
	// Secrets are those that tbot writes in its own namespace, ClusterSecrets those that it writes for Argo CD.
	Secrets, ClusterSecrets []string
	// KubeRole is the Teleport role and Subjects whom the targets' binding is for; both are for access to clusters alone.
	KubeRole kubeRole
	Subjects []rbacv1.Subject
	// TokenRoles are the system roles that the join token allows.
	TokenRoles        []string
	ServiceAccountRef string
	Audience          string
	JoinType          string
	JWKS              string

	Labels, Annotations, PodAnnotations, Selector, TeleportLabels map[string]string

	ConfigFile, ProxyCAFile string
	ConfigData              map[string]string

	// Agent is for workload agent alone.
	Agent agentView
}

func newView(s spec.Setup) (view, error) {
	names := s.Names()
	v := view{
		Setup:             s,
		Names:             names,
		Resolved:          *s.Resolved,
		TokenRoles:        []string{string(types.RoleBot)},
		ServiceAccountRef: s.ServiceAccountRef(),
		Audience:          s.Resolved.TokenAudience(),
		JoinType:          string(s.Resolved.JoinType),
		// The selector cannot be changed later, so nothing that a user may change is in it.
		Selector:       map[string]string{spec.LabelName: "tbot", spec.LabelInstance: s.Name},
		TeleportLabels: map[string]string{spec.MarkInstall: s.InstallID()},
		ConfigFile:     ConfigFile,
		ProxyCAFile:    ProxyCAFile,
	}
	if s.Resolved.JoinType == spec.JoinStaticJWKS {
		jwks, err := compactJWKS(s.Resolved.JWKS)
		if err != nil {
			return view{}, fmt.Errorf("%w: %w", ErrNotReady, err)
		}
		v.JWKS = jwks
	}
	if s.IsAgent() {
		return v.ofAgent(), nil
	}
	tbot := tbotconfig.For(s)
	v.Secrets = tbot.Secrets()
	for _, secret := range tbotconfig.ClusterSecrets(s) {
		v.ClusterSecrets = append(v.ClusterSecrets, secret.Name)
	}
	config, err := tbotconfig.Encode(tbot)
	if err != nil {
		return view{}, err
	}
	if s.MakesRole() {
		v.Subjects = subjects(s)
		if !roleLeftOut(s) {
			if v.KubeRole, err = newKubeRole(s); err != nil {
				return view{}, err
			}
		}
	}
	v.ConfigData = map[string]string{ConfigFile: string(config)}
	if s.Teleport.ProxyCA != "" {
		v.ConfigData[ProxyCAFile] = s.Teleport.ProxyCA
	}
	sum, err := checksum(v.ConfigData)
	if err != nil {
		return view{}, err
	}
	v.mark()
	v.PodAnnotations = merged(s.Workload.Annotations, map[string]string{spec.MarkChecksum: sum})
	return v, nil
}

// mark gives every object its labels and the mark of the installation.
func (v *view) mark() {
	v.Labels = merged(v.Setup.Workload.Labels, v.Selector, map[string]string{spec.LabelManagedBy: spec.ManagedBy})
	v.Annotations = merged(v.Setup.Workload.Annotations, map[string]string{spec.MarkInstall: v.Setup.InstallID()})
}

// checksum is the SHA-256 of a ConfigMap's data in hex; JSON sorts the keys and keeps them apart from the values.
func checksum(data map[string]string) (string, error) {
	text, err := json.Marshal(data)
	if err != nil {
		return "", fmt.Errorf("computing the checksum of the configuration: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// merged returns a new map; later maps win.
func merged(parts ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}
