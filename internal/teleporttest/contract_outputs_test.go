package teleporttest_test

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// TestOutputCalls: what an output asks besides its certificates, with the bot's own identity, on old and new servers
// (teleport-facts 4.7 and 6.3).
func TestOutputCalls(t *testing.T) {
	t.Parallel()
	for _, version := range []string{recorded, "17.7.3", "18.2.0"} {
		j := join(t, teleporttest.Options{Version: version}, "example-role")
		ctx := withTimeout(t)
		ping, err := j.client.Ping(ctx)
		if err != nil || ping.ClusterName != clusterName || ping.ServerVersion != version || ping.ProxyPublicAddr != j.cluster.Addr() {
			t.Errorf("%s: Ping: %+v %v", version, ping, err)
		}
		if name, err := j.client.GetDomainName(ctx); err != nil || name != clusterName {
			t.Errorf("%s: GetDomainName: %q %v", version, name, err)
		}
		ca, err := j.client.GetClusterCACert(ctx)
		if err != nil || !bytes.Equal(ca.TLSCA, j.certs.TLSCACerts[1]) {
			t.Errorf("%s: GetClusterCACert: %v, want the host CA of the join", version, err)
		}
		for _, kind := range []types.CertAuthType{types.HostCA, types.UserCA, types.DatabaseCA} {
			all, err := j.client.GetCertAuthorities(ctx, kind, false)
			if err != nil || len(all) != 1 || all[0].GetClusterName() != clusterName || all[0].GetType() != kind {
				t.Errorf("%s: GetCertAuthorities %s: %v %v", version, kind, all, err)
			}
			if _, err := j.client.GetCertAuthorities(ctx, kind, true); !trace.IsAccessDenied(err) {
				t.Errorf("%s: %s CA with its key: %v", version, kind, err)
			}
		}
		remote, _, err := j.client.ListRemoteClusters(ctx, 0, "")
		switch {
		case version == recorded && !trace.IsNotImplemented(err):
			t.Errorf("%s: ListRemoteClusters: %v, want it not to be there", version, err)
		case version != recorded && (err != nil || len(remote) != 0):
			t.Errorf("%s: ListRemoteClusters: %v %v", version, remote, err)
		}
		if _, err := j.client.GetRole(ctx, "bot-example"); err != nil {
			t.Errorf("%s: GetRole of its own role: %v", version, err)
		}
		if _, err := j.client.GetRole(ctx, "example-role"); !trace.IsAccessDenied(err) {
			t.Errorf("%s: GetRole of a role that it may only impersonate: %v", version, err)
		}
	}
}

// TestOutputLifetime: an output ends no later than the bot's own certificates and the roles' max_session_ttl, and an end
// that has passed is refused (lib/auth/auth_with_roles.go, generateUserCerts).
func TestOutputLifetime(t *testing.T) {
	t.Parallel()
	j := join(t, teleporttest.Options{}, "example-role", "short")
	j.cluster.AddRole(&types.RoleV6{Version: types.V7, Metadata: types.Metadata{Name: "short"}, Spec: types.RoleSpecV6{
		Options: types.RoleOptions{MaxSessionTTL: types.NewDuration(5 * time.Minute)},
	}})
	own := parseCertificate(t, j.certs.TLS).NotAfter
	for name, row := range map[string]struct {
		role  string
		asked time.Duration
		want  time.Time
	}{
		"as asked":            {"example-role", 10 * time.Minute, time.Now().Add(10 * time.Minute)},
		"as the bot":          {"example-role", 12 * time.Hour, own},
		"as the role":         {"short", time.Hour, time.Now().Add(5 * time.Minute)},
		"shorter than a role": {"short", time.Minute, time.Now().Add(time.Minute)},
	} {
		req := j.outputRequest(row.role)
		req.Expires = time.Now().Add(row.asked)
		certs, err := j.client.GenerateUserCerts(withTimeout(t), req)
		if err != nil {
			t.Fatal(err)
		}
		if got := parseCertificate(t, certs.TLS).NotAfter; got.Sub(row.want).Abs() > 30*time.Second {
			t.Errorf("%s: until %v, want %v", name, got, row.want)
		}
	}
	for name, expires := range map[string]time.Time{"past": time.Now().Add(-time.Minute), "none": {}} {
		req := j.outputRequest("example-role")
		req.Expires = expires
		_, err := j.client.GenerateUserCerts(withTimeout(t), req)
		if want := "access denied: client credentials have expired, please relogin."; !trace.IsAccessDenied(err) || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// TestReissuableOutput: with allow_reissue an output's identity may be renewed and routed, but takes no other roles.
func TestReissuableOutput(t *testing.T) {
	t.Parallel()
	j := join(t, teleporttest.Options{
		RemoteClusters: []string{"leaf.example.com"},
		KubeClusters:   []teleporttest.KubeCluster{{Name: "lab", Labels: map[string]string{"env": "lab"}}},
	}, "example-role")
	req := j.outputRequest("example-role")
	req.ReissuableRoleImpersonation = true
	certs, err := j.client.GenerateUserCerts(withTimeout(t), req)
	if err != nil {
		t.Fatal(err)
	}
	if names := subjectOf(t, certs.TLS); names["1.3.9999.2.9"] != "" || names["1.3.9999.2.7"] != "bot-example" {
		t.Errorf("subject %v, want an impersonator and no disallow-reissue", names)
	}
	if _, ok := parseSSH(t, certs.SSH).Extensions["disallow-reissue"]; ok {
		t.Error("the SSH certificate disallows reissue")
	}
	ca, err := j.client.GetClusterCACert(withTimeout(t))
	if err != nil {
		t.Fatal(err)
	}
	certs.TLSCACerts = append(certs.TLSCACerts, ca.TLSCA)
	output := connect(t, j.cluster, botCredentials(t, j.keys, certs))
	_, err = output.GenerateUserCerts(withTimeout(t), req)
	if want := "access denied: impersonated roles can not request other roles"; !trace.IsAccessDenied(err) || err.Error() != want {
		t.Errorf("with role requests: %v, want %s", err, want)
	}
	req.UseRoleRequests, req.RoleRequests, req.KubernetesCluster = false, nil, "lab"
	again, err := output.GenerateUserCerts(withTimeout(t), req)
	if err != nil {
		t.Fatal(err)
	}
	if names := subjectOf(t, again.TLS); names["1.3.9999.1.3"] != "lab" || names["2.5.4.10"] != "example-role" || names["1.3.9999.2.7"] != "bot-example" {
		t.Errorf("subject %v, want the same roles routed to lab", names)
	}
	req.RouteToCluster, req.KubernetesCluster = "leaf.example.com", ""
	toLeaf, err := output.GenerateUserCerts(withTimeout(t), req)
	if err != nil {
		t.Fatal(err)
	}
	if names := subjectOf(t, toLeaf.TLS); names["2.5.4.9"] != "leaf.example.com" {
		t.Errorf("subject %v, want a route to the leaf cluster", names)
	}
	req.RouteToCluster = "other.example.com"
	if _, err := output.GenerateUserCerts(withTimeout(t), req); !trace.IsNotFound(err) || err.Error() != `remote cluster "other.example.com" is not found` {
		t.Errorf("to a cluster that there is not: %v", err)
	}
}

// TestLeafClusters: they are listed, and their host CA is trusted (teleport-facts 6.3, identity).
func TestLeafClusters(t *testing.T) {
	t.Parallel()
	j := join(t, teleporttest.Options{RemoteClusters: []string{"z.example.com", "a.example.com"}}, "example-role")
	leaves, err := j.client.GetRemoteClusters(withTimeout(t))
	if err != nil || len(leaves) != 2 || leaves[0].GetName() != "a.example.com" || leaves[1].GetName() != "z.example.com" {
		t.Errorf("remote clusters: %v %v", leaves, err)
	}
	if one, err := j.client.GetRemoteCluster(withTimeout(t), "a.example.com"); err != nil || one.GetName() != "a.example.com" {
		t.Errorf("a remote cluster: %v %v", one, err)
	}
	if _, err := j.client.GetRemoteCluster(withTimeout(t), "b.example.com"); !trace.IsNotFound(err) {
		t.Errorf("a remote cluster that there is not: %v", err)
	}
	for kind, want := range map[types.CertAuthType]string{
		types.HostCA: "[lab.example.com a.example.com z.example.com]", types.UserCA: "[lab.example.com]",
	} {
		all, err := j.client.GetCertAuthorities(withTimeout(t), kind, false)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, a := range all {
			names = append(names, a.GetClusterName())
			if len(a.GetTrustedSSHKeyPairs()) != 1 || len(a.GetTrustedTLSKeyPairs()) != 1 {
				t.Errorf("%s CA of %s has %d and %d keys", kind, a.GetClusterName(), len(a.GetTrustedSSHKeyPairs()), len(a.GetTrustedTLSKeyPairs()))
			}
		}
		if got := fmt.Sprint(names); got != want {
			t.Errorf("%s CAs of %s, want %s", kind, got, want)
		}
	}
	if _, err := j.client.GetCertAuthority(withTimeout(t), types.CertAuthID{Type: types.HostCA, DomainName: "a.example.com"}, false); err != nil {
		t.Errorf("the host CA of a leaf: %v", err)
	}
}

func subjectOf(t *testing.T, der []byte) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range parseCertificate(t, der).Subject.Names {
		out[name.Type.String()] = fmt.Sprint(name.Value)
	}
	return out
}

// TestOutputKubePrincipals: a certificate carries the Kubernetes users and groups of all its roles, whichever cluster it
// is routed to, and may be asked for one of the two keys alone.
func TestOutputKubePrincipals(t *testing.T) {
	t.Parallel()
	j := join(t, teleporttest.Options{}, "example-role", "users")
	j.cluster.AddRole(&types.RoleV6{Version: types.V7, Metadata: types.Metadata{Name: "users"}, Spec: types.RoleSpecV6{
		Allow: types.RoleConditions{KubernetesLabels: types.Labels{"env": []string{"x"}}, KubeUsers: []string{"ann"}, KubeGroups: []string{"editor", "viewer"}},
	}})
	req := j.outputRequest("example-role", "users")
	req.SSHPublicKey = nil
	certs, err := j.client.GenerateUserCerts(withTimeout(t), req)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, name := range parseCertificate(t, certs.TLS).Subject.Names {
		if oid := name.Type.String(); oid == "1.3.9999.1.1" || oid == "1.3.9999.1.2" || oid == "1.3.9999.1.3" {
			got = append(got, oid+"="+fmt.Sprint(name.Value))
		}
	}
	if want := []string{"1.3.9999.1.1=ann", "1.3.9999.1.2=editor", "1.3.9999.1.2=viewer"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(certs.SSH) != 0 {
		t.Error("an SSH certificate without a key")
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certs.TLSCACerts[0])
	if _, err := parseCertificate(t, certs.TLS).Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		t.Error(err)
	}
}
