package teleporttest_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"golang.org/x/crypto/ssh"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

const hostID = "0b7d0c4a-2f5e-4b7c-9d0e-6d6f1c3f2a10"

// A host's certificates are those of lib/auth's GenerateHostCerts: its ID and cluster as the subject, its one role as the organization,
// signed by the host CA, and for years.
func TestContractHostJoin(t *testing.T) {
	t.Parallel()
	for _, version := range []string{recorded, "18.2.0"} {
		c := teleporttest.New(t, teleporttest.Options{Version: version})
		by := newIssuer(t, "kid-1")
		c.PutToken(agentToken("agents", by.jwks(t)))
		request := newSubjectKeys(t).request("agents", by.sign(t, goodClaims(nil)))
		request.Role, request.HostID, request.NodeName = types.RoleApp, hostID, "web-1"
		status, body := joinOverHTTP(t, c, request)
		if status != http.StatusOK {
			t.Fatalf("%s: status %d: %s", version, status, body)
		}
		var join acceptedJoin
		if err := json.Unmarshal(body, &join); err != nil {
			t.Fatal(err)
		}
		cert, ca := parseCertificate(t, join.TLS), parseCertificate(t, join.TLSCACerts[0])
		if cert.Subject.CommonName != hostID+"."+clusterName || !slices.Equal(cert.Subject.Organization, []string{"App"}) || cert.CheckSignatureFrom(ca) != nil {
			t.Errorf("%s: the subject is %v, signed by the CA beside it: %v", version, cert.Subject, cert.CheckSignatureFrom(ca))
		}
		if years := cert.NotAfter.Sub(cert.NotBefore).Hours() / 24 / 365; years < 9 {
			t.Errorf("%s: it lives for %.1f years", version, years)
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey(join.SSH)
		if err != nil {
			t.Fatal(err)
		}
		sshCert, ok := key.(*ssh.Certificate)
		if !ok || sshCert.CertType != ssh.HostCert || !slices.Contains(sshCert.ValidPrincipals, hostID+"."+clusterName) || !slices.Contains(sshCert.ValidPrincipals, "web-1") {
			t.Errorf("%s: the SSH certificate is %v", version, key)
		}
	}
}

// What Teleport says to a host without an ID, and to one in a role that the token does not have (teleport-facts 2.5 and 3.1).
func TestContractHostRefusals(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	by := newIssuer(t, "kid-1")
	c.PutToken(agentToken("agents", by.jwks(t)))
	for says, change := range map[string]func(*types.RegisterUsingTokenRequest){
		"missing parameter HostID": func(r *types.RegisterUsingTokenRequest) { r.HostID = "" },
		`node "web-1" [` + hostID + `] can not join the cluster, the token does not allow "Db" role`: func(r *types.RegisterUsingTokenRequest) { r.Role = types.RoleDatabase },
	} {
		request := newSubjectKeys(t).request("agents", by.sign(t, goodClaims(nil)))
		request.Role, request.HostID, request.NodeName = types.RoleApp, hostID, "web-1"
		change(request)
		if status, body := joinOverHTTP(t, c, request); status != http.StatusBadRequest || !strings.Contains(string(body), strings.ReplaceAll(says, `"`, `\"`)) {
			t.Errorf("status %d: %s, want %s", status, body, says)
		}
	}
}

// agentToken is a join token for an agent that admits default:tbot.
func agentToken(name, jwks string) *types.ProvisionTokenV2 {
	token := staticToken(name, jwks)
	token.Spec.BotName, token.Spec.Roles = "", []types.SystemRole{types.RoleApp, types.RoleKube}
	return token
}
