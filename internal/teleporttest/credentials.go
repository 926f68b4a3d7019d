package teleporttest

import (
	"crypto"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/identityfile"
	"github.com/gravitational/teleport/api/profile"
	"github.com/gravitational/teleport/api/utils/keypaths"
	"github.com/gravitational/teleport/api/utils/keys"
	"golang.org/x/crypto/ssh"
)

// login issues certificates to a user for a new key, as "tsh login" does.
func (c *Cluster) login(username string, ttl time.Duration) (crypto.Signer, *proto.Certs, error) {
	user, ok := c.state.user(username)
	if !ok {
		return nil, nil, fmt.Errorf("teleporttest: there is no user %q", username)
	}
	roles, err := c.rolesNamed(user.GetRoles())
	if err != nil {
		return nil, nil, fmt.Errorf("teleporttest: user %q: %w", username, err)
	}
	key, err := newKey(c.keyPlan().subject)
	if err != nil {
		return nil, nil, err
	}
	sshKey, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return nil, nil, fmt.Errorf("teleporttest: converting the key of user %q: %w", username, err)
	}
	id := c.identityOf(user, roles, "127.0.0.1")
	now := c.opts.Now()
	certs, err := c.issueUser(id, sshKey, key.Public(), now, now.Add(ttl))
	return key, certs, err
}

// IdentityFile is what "tctl auth sign --user" writes: key, certificates and CAs of a user in one file. A negative
// ttl gives one that has expired.
func (c *Cluster) IdentityFile(user string, ttl time.Duration) ([]byte, error) {
	key, certs, err := c.login(user, ttl)
	if err != nil {
		return nil, err
	}
	keyPEM, err := keys.MarshalPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("teleporttest: encoding the key of user %q: %w", user, err)
	}
	return identityfile.Encode(&identityfile.IdentityFile{
		PrivateKey: keyPEM,
		Certs:      identityfile.Certs{SSH: certs.SSH, TLS: certs.TLS},
		CACerts: identityfile.CACerts{
			SSH: [][]byte{[]byte(c.knownHosts())},
			TLS: [][]byte{c.hostCA.certPEM},
		},
	})
}

// knownHosts is the line that trusts the host CA for every host of the cluster.
func (c *Cluster) knownHosts() string {
	name := c.opts.ClusterName
	return fmt.Sprintf("@cert-authority %s,*.%s %s type=host\n", name, name, strings.TrimSpace(string(c.hostCA.sshPublic())))
}

// WriteProfile writes a tsh profile as tsh 17 and later lay it out, and makes it the current one of dir.
func (c *Cluster) WriteProfile(dir, user string, ttl time.Duration) error {
	key, certs, err := c.login(user, ttl)
	if err != nil {
		return err
	}
	keyPEM, err := keys.MarshalPrivateKey(key)
	if err != nil {
		return fmt.Errorf("teleporttest: encoding the key of user %q: %w", user, err)
	}
	p := &profile.Profile{
		WebProxyAddr:      c.publicAddr(),
		SSHProxyAddr:      c.publicAddr(),
		KubeProxyAddr:     c.publicAddr(),
		Username:          user,
		SiteName:          c.opts.ClusterName,
		Dir:               dir,
		TLSRoutingEnabled: true,
		AuthConnector:     "local",
		PrivateKeyPolicy:  keys.PrivateKeyPolicyNone,
	}
	proxy := p.Name()
	for path, content := range map[string][]byte{
		keypaths.UserTLSKeyPath(dir, proxy, user):                  keyPEM,
		keypaths.TLSCertPath(dir, proxy, user):                     certs.TLS,
		keypaths.UserSSHKeyPath(dir, proxy, user):                  keyPEM,
		keypaths.SSHCertPath(dir, proxy, user, c.opts.ClusterName): certs.SSH,
		keypaths.TLSCAsPathCluster(dir, proxy, c.opts.ClusterName): c.hostCA.certPEM,
		keypaths.KnownHostsPath(dir):                               []byte(c.knownHosts()),
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return fmt.Errorf("teleporttest: writing a profile: %w", err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return fmt.Errorf("teleporttest: writing a profile: %w", err)
		}
	}
	if err := p.SaveToDir(dir, true); err != nil {
		return fmt.Errorf("teleporttest: writing a profile: %w", err)
	}
	return nil
}
