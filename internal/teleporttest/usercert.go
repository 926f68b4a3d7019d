package teleporttest

import (
	"crypto"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/teleport/api/types/wrappers"
	"golang.org/x/crypto/ssh"
)

// joinPrincipal is in every SSH user certificate; the tunnel to the Auth Service logs in with it (2.7).
const joinPrincipal = "-teleport-internal-join"

// noLoginPrefix starts the principal of a certificate whose roles allow no login: it makes the list non-empty.
const noLoginPrefix = "-teleport-nologin-"

// issueUser signs the pair of certificates of an identity, or the one for which there is a key. The CA lists of the result hold the user CA alone;
// a join adds the host CA (recordings/host-credentials-ok.json and tbot-kubernetes-output.md).
func (c *Cluster) issueUser(id identity, sshKey ssh.PublicKey, tlsKey crypto.PublicKey, now, expires time.Time) (*proto.Certs, error) {
	id.cluster = c.opts.ClusterName
	if id.routeToCluster == "" {
		id.routeToCluster = c.opts.ClusterName
	}
	certs := &proto.Certs{
		TLSCACerts: [][]byte{c.userCA.certPEM},
		SSHCACerts: [][]byte{c.userCA.sshPublic()},
	}
	if tlsKey != nil {
		name, err := id.subject()
		if err != nil {
			return nil, err
		}
		certs.TLS, err = c.userCA.issue(name, tlsKey, nil, now, expires)
		if err != nil {
			return nil, err
		}
	}
	if sshKey != nil {
		cert, err := c.sshUserCert(id, sshKey, now, expires)
		if err != nil {
			return nil, err
		}
		certs.SSH = ssh.MarshalAuthorizedKey(cert)
	}
	return certs, nil
}

func (c *Cluster) sshUserCert(id identity, key ssh.PublicKey, now, expires time.Time) (*ssh.Certificate, error) {
	extensions, err := sshExtensions(id)
	if err != nil {
		return nil, err
	}
	cert := &ssh.Certificate{
		CertType:        ssh.UserCert,
		Key:             key,
		KeyId:           id.username,
		ValidPrincipals: id.principals,
		ValidAfter:      uint64(now.Add(-backdate).Unix()), //nolint:gosec // a date after 1970
		ValidBefore:     uint64(expires.Unix()),            //nolint:gosec // a date after 1970
		Permissions:     ssh.Permissions{Extensions: extensions},
	}
	if err := cert.SignCert(rand.Reader, c.userCA.ssh); err != nil {
		return nil, fmt.Errorf("teleporttest: signing the SSH certificate of %s: %w", id.username, err)
	}
	return cert, nil
}

// sshExtensions are those of recordings/host-credentials-ok.json; instance and generation came with 17.
func sshExtensions(id identity) (map[string]string, error) {
	traits, err := wrappers.MarshalTraits(&id.traits)
	if err != nil {
		return nil, fmt.Errorf("teleporttest: encoding the traits of %s: %w", id.username, err)
	}
	roles, err := json.Marshal(struct {
		Version string   `json:"version"`
		Roles   []string `json:"roles"`
	}{"v1", id.roles})
	if err != nil {
		return nil, fmt.Errorf("teleporttest: encoding the roles of %s: %w", id.username, err)
	}
	extensions := map[string]string{
		"permit-pty":                "",
		"permit-port-forwarding":    "",
		"private-key-policy":        "none",
		"teleport-roles":            string(roles),
		"teleport-route-to-cluster": id.routeToCluster,
		"teleport-traits":           string(traits),
	}
	for name, value := range map[string]string{
		"bot-name@goteleport.com":        id.botName,
		"bot-instance-id@goteleport.com": id.botInstanceID,
		"impersonator":                   id.impersonator,
		"login-ip":                       id.loginIP,
	} {
		if value != "" {
			extensions[name] = value
		}
	}
	if id.generation > 0 {
		extensions["generation"] = strconv.Itoa(int(id.generation))
	}
	if id.renewable {
		extensions["renewable"] = ""
	}
	if id.disallowReissue {
		extensions["disallow-reissue"] = ""
	}
	if id.forwardAgent {
		extensions["permit-agent-forwarding"] = ""
	}
	return extensions, nil
}

// identityOf builds the identity of a user that holds these roles: principals, Kubernetes groups and users are
// the union of what the roles grant.
func (c *Cluster) identityOf(user *types.UserV2, roles []*types.RoleV6, loginIP string) identity {
	id := identity{
		username: user.GetName(),
		loginIP:  loginIP,
		botName:  user.Metadata.Labels[types.BotLabel],
	}
	if traits := user.GetTraits(); len(traits) > 0 {
		id.traits = traits
	}
	var logins []string
	for _, role := range roles {
		id.roles = append(id.roles, role.GetName())
		logins = append(logins, expand(role.GetLogins(types.Allow), id.traits)...)
		id.kubeUsers = append(id.kubeUsers, expand(role.GetKubeUsers(types.Allow), id.traits)...)
		id.kubeGroups = append(id.kubeGroups, expand(role.GetKubeGroups(types.Allow), id.traits)...)
		id.forwardAgent = id.forwardAgent || role.GetOptions().ForwardAgent.Value()
	}
	if len(logins) == 0 {
		logins = []string{noLoginPrefix + uuid.NewString()}
	}
	id.principals = append(sortedSet(logins), joinPrincipal)
	id.kubeUsers, id.kubeGroups = sortedSet(id.kubeUsers), sortedSet(id.kubeGroups)
	return id
}

func sortedSet(in []string) []string {
	out := slices.Clone(in)
	slices.Sort(out)
	return slices.Compact(out)
}
