package teleporttest

import (
	"context"
	"crypto/rand"
	"crypto/x509/pkix"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/constants"
	"github.com/gravitational/teleport/api/types"
	apievents "github.com/gravitational/teleport/api/types/events"
	"golang.org/x/crypto/ssh"
)

// hostLifetime is that of a CA: a host's certificates end with a rotation and not with a date (lib/auth, GenerateHostCerts).
const hostLifetime = 10 * 365 * 24 * time.Hour

// The event of a host's join and its code.
const (
	instanceJoinEvent = "instance.join"
	instanceJoinCode  = "TJ002I"
)

// admitHost issues the certificates of a host: one role, in the TLS subject as in the SSH extensions, and the names that it is known by.
// Both are of the host CA, as are the authorities beside them.
func (c *Cluster) admitHost(ctx context.Context, req joinRequest, seen *joinSeen) (*proto.Certs, error) {
	sshKey, tlsKey, err := c.joinKeys(req)
	if err != nil {
		return nil, err
	}
	now := c.opts.Now()
	host := req.HostID + "." + c.opts.ClusterName
	subject := pkix.Name{CommonName: host, Organization: []string{string(req.Role)}}
	subject.ExtraNames = append(subject.ExtraNames, pkix.AttributeTypeAndValue{Type: oidTeleportCluster(), Value: c.opts.ClusterName})
	names := slices.Clone(req.AdditionalPrincipals)
	if slices.Contains([]types.SystemRole{types.RoleAuth, types.RoleAdmin, types.RoleProxy, types.RoleKube, types.RoleApp}, req.Role) {
		names = append(names, "*."+constants.APIDomain, constants.APIDomain)
	}
	tls, err := c.hostCA.issue(subject, tlsKey, names, now, now.Add(hostLifetime))
	if err != nil {
		return nil, err
	}
	cert := &ssh.Certificate{
		CertType: ssh.HostCert, Key: sshKey, ValidPrincipals: c.hostPrincipals(req),
		ValidAfter: uint64(now.Add(-backdate).Unix()), ValidBefore: ssh.CertTimeInfinity, //nolint:gosec // a date after 1970
		Permissions: ssh.Permissions{Extensions: map[string]string{"x-teleport-role": string(req.Role), "x-teleport-authority": c.opts.ClusterName}},
	}
	if err := cert.SignCert(rand.Reader, c.hostCA.ssh); err != nil {
		return nil, fmt.Errorf("teleporttest: signing the SSH certificate of %s: %w", host, err)
	}
	c.emitHostJoin(ctx, req, seen)
	return &proto.Certs{
		SSH: ssh.MarshalAuthorizedKey(cert), TLS: tls,
		TLSCACerts: [][]byte{c.hostCA.certPEM}, SSHCACerts: [][]byte{c.hostCA.sshPublic()},
	}, nil
}

// hostPrincipals are the names of a host in its cluster, each also without it, and those of the machine itself.
func (c *Cluster) hostPrincipals(req joinRequest) []string {
	var names []string
	for _, name := range []string{req.HostID, req.NodeName} {
		if name != "" {
			names = append(names, name+"."+c.opts.ClusterName, name)
		}
	}
	return append(append(names, "localhost", "127.0.0.1", "::1"), req.AdditionalPrincipals...)
}

func (c *Cluster) emitHostJoin(ctx context.Context, req joinRequest, seen *joinSeen) {
	e := &apievents.InstanceJoin{
		Metadata: apievents.Metadata{
			ID: uuid.NewString(), Type: instanceJoinEvent, Code: instanceJoinCode,
			Time: c.opts.Now().UTC().Truncate(time.Millisecond), ClusterName: c.opts.ClusterName,
		},
		Status: apievents.Status{Success: true}, HostID: req.HostID, NodeName: req.NodeName, Role: string(req.Role),
		Method: string(seen.token.GetJoinMethod()), TokenName: seen.token.GetSafeName(),
	}
	if seen.proof != nil {
		attributes, err := toStruct(seen.proof)
		if err != nil {
			c.logger.WarnContext(ctx, "Unable to encode join attributes for join audit event", "error", err)
		}
		e.Attributes = attributes
	}
	c.state.addEvent(e)
}
