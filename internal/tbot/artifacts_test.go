package tbot_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/identityfile"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/teleport/api/utils/keys"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// artifactNames are those of an identity output in memory or in a Secret, sorted.
func artifactNames() []string {
	return []string{
		".write-test", "identity", "key", "key-cert.pub", "key.pub", "known_hosts",
		"teleport-database-ca.crt", "teleport-host-ca.crt", "teleport-user-ca.crt", "tlscert",
	}
}

// directoryNames are those of an identity output in a directory, sorted.
func directoryNames() []string {
	return slices.Sorted(slices.Values(append(artifactNames(), "ssh_config", clusterName+".known_hosts", clusterName+".ssh_config")))
}

// output runs tbot once and reads what it wrote to a directory.
func (l lab) output(t *testing.T, change func(*tbotconfig.Identity)) map[string][]byte {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	run := l.run(t, tbotconfig.Directory(dir))
	if change != nil {
		identity, ok := run.Config.Outputs[0].(*tbotconfig.Identity)
		if !ok {
			t.Fatalf("output is a %T", run.Config.Outputs[0])
		}
		change(identity)
	}
	result, err := run.Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files := readDirectory(t, dir)
	if got, want := slices.Sorted(maps.Keys(files)), result.Outputs[0].Artifacts.Names(); !slices.Equal(got, want) {
		t.Errorf("written %v, said %v", got, want)
	}
	return files
}

func readDirectory(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, entry := range entries {
		if files[entry.Name()], err = os.ReadFile(filepath.Join(dir, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// The Secret that real tbot 16 wrote: its keys, and the sizes of those whose content has a fixed size. The recording was made
// with RSA keys, of bot "example" in cluster lab.example.com behind a proxy at localhost, which is what this cluster is too.
func TestArtifactsAreThoseOfTbot(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join("..", "teleporttest", "testdata", "recordings", "kubernetes-secret-identity-output.json"))
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Data map[string]string `json:"data"`
	}
	if err := json.Unmarshal(content, &recorded); err != nil {
		t.Fatal(err)
	}
	legacy := types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_LEGACY
	l, store := newLab(t, teleporttest.Options{Suite: legacy}, "access"), &secrets{}
	run := l.run(t, tbotconfig.Secret("identity-output"))
	run.Destinations = tbot.Destinations{Secrets: store, Namespace: "default"}
	if _, err := run.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	files := store.data
	if got, want := slices.Sorted(maps.Keys(files)), slices.Sorted(maps.Keys(recorded.Data)); !slices.Equal(got, want) {
		t.Errorf("artifacts:\n got      %v\n recorded %v", got, want)
	}
	for name, want := range map[string]string{".write-test": "(0 bytes, base64)", "key.pub": "(508 bytes, base64)", "known_hosts": "(604 bytes, base64)"} {
		encoded, err := json.Marshal(files[name]) // base64 in quotes
		if err != nil {
			t.Fatal(err)
		}
		if recorded.Data[name] != want || len(encoded)-2 != size(t, want) {
			t.Errorf("%s: %d bytes in base64, recorded %s", name, len(encoded)-2, recorded.Data[name])
		}
	}
}

func size(t *testing.T, recorded string) (n int) {
	t.Helper()
	digits, _, _ := strings.Cut(strings.TrimPrefix(recorded, "("), " ")
	if err := json.Unmarshal([]byte(digits), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestArtifactFormats(t *testing.T) {
	t.Parallel()
	for suite, keyType := range map[types.SignatureAlgorithmSuite]string{
		types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_LEGACY:      "RSA PRIVATE KEY",
		types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_BALANCED_V1: "PRIVATE KEY",
	} {
		t.Run(suite.String(), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, teleporttest.Options{Suite: suite}, "access")
			files := l.output(t, nil)
			public := checkKey(t, files, keyType)
			checkCertificates(t, files, public)
			checkKnownHosts(t, files["known_hosts"])
			checkIdentityFile(t, l, files)
		})
	}
}

// checkKey returns the public half of the key, which key.pub holds too.
func checkKey(t *testing.T, files map[string][]byte, pemType string) crypto.PublicKey {
	t.Helper()
	if block := parsePEM(t, files["key"]); block.Type != pemType {
		t.Errorf("key is a %q", block.Type)
	}
	private, err := keys.ParsePrivateKey(files["key"])
	if err != nil {
		t.Fatal(err)
	}
	if !equalKeys(private.Public(), parseSSHKey(t, files["key.pub"])) {
		t.Error("key and key.pub differ")
	}
	return private.Public()
}

func checkCertificates(t *testing.T, files map[string][]byte, public crypto.PublicKey) {
	t.Helper()
	certificate, err := x509.ParseCertificate(parsePEM(t, files["tlscert"]).Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if !equalKeys(certificate.PublicKey, public) {
		t.Error("tlscert is for another key")
	}
	if certificate.Subject.CommonName != "bot-example" || !slices.Equal(certificate.Subject.Organization, []string{"access"}) {
		t.Errorf("tlscert is of %q with the roles %v", certificate.Subject.CommonName, certificate.Subject.Organization)
	}
	users := authority(t, files["teleport-user-ca.crt"])
	options := x509.VerifyOptions{Roots: users, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := certificate.Verify(options); err != nil {
		t.Errorf("tlscert is not signed by teleport-user-ca.crt: %v", err)
	}
	for _, name := range []string{"teleport-host-ca.crt", "teleport-database-ca.crt"} {
		if _, err := certificate.Verify(x509.VerifyOptions{Roots: authority(t, files[name]), KeyUsages: options.KeyUsages}); err == nil {
			t.Errorf("%s is the user CA", name)
		}
	}
	line, _, _, rest, err := ssh.ParseAuthorizedKey(files["key-cert.pub"])
	if err != nil || len(rest) > 0 {
		t.Fatalf("key-cert.pub: %v, %d bytes after", err, len(rest))
	}
	signed, ok := line.(*ssh.Certificate)
	if !ok {
		t.Fatalf("key-cert.pub is a %T", line)
	}
	key, ok := signed.Key.(ssh.CryptoPublicKey)
	if !ok || !equalKeys(key.CryptoPublicKey(), public) {
		t.Error("key-cert.pub is for another key")
	}
	if until := time.Unix(int64(signed.ValidBefore), 0); signed.KeyId != "bot-example" || until.Sub(certificate.NotAfter).Abs() > time.Second {
		t.Errorf("key-cert.pub is of %q until %v, tlscert until %v", signed.KeyId, until, certificate.NotAfter)
	}
}

// authority reads a file of CA certificates.
func authority(t *testing.T, text []byte) *x509.CertPool {
	t.Helper()
	pool, found := x509.NewCertPool(), 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil || !certificate.IsCA || block.Type != "CERTIFICATE" {
			t.Errorf("block %q of an authority: CA %v, %v", block.Type, certificate.IsCA, err)
			continue
		}
		pool.AddCert(certificate)
		found++
	}
	if found == 0 {
		t.Errorf("no authority in %q", text)
	}
	return pool
}

func checkKnownHosts(t *testing.T, content []byte) {
	t.Helper()
	marker, hosts, _, _, rest, err := ssh.ParseKnownHosts(content)
	if err != nil || len(rest) > 0 {
		t.Fatalf("known_hosts: %v, %d bytes after", err, len(rest))
	}
	if want := []string{"localhost", clusterName, "*." + clusterName}; marker != "cert-authority" || !slices.Equal(hosts, want) {
		t.Errorf("known_hosts: @%s for %v, want %v", marker, hosts, want)
	}
	path := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := knownhosts.New(path); err != nil {
		t.Errorf("as OpenSSH reads it: %v", err)
	}
}

// checkIdentityFile reads the file as tsh and Teleport's clients do, and uses it.
func checkIdentityFile(t *testing.T, l lab, files map[string][]byte) {
	t.Helper()
	parsed, err := identityfile.FromString(string(files["identity"]))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(parsed.PrivateKey, files["key"]) || !bytes.Equal(parsed.Certs.TLS, files["tlscert"]) ||
		!bytes.Equal(bytes.TrimSpace(parsed.Certs.SSH), bytes.TrimSpace(files["key-cert.pub"])) {
		t.Error("identity holds another key or other certificates than the files beside it")
	}
	// The order of parts of recordings/tbot-kubernetes-output.md.
	var order []string
	for line := range strings.Lines(string(files["identity"])) {
		switch word, _, _ := strings.Cut(line, " "); {
		case strings.HasPrefix(line, "-----BEGIN"):
			order = append(order, "PEM")
		case word == "@cert-authority":
			order = append(order, strings.Fields(line)[1])
		case strings.HasPrefix(word, "ssh-") || strings.HasPrefix(word, "ecdsa-"):
			order = append(order, "SSH")
		}
	}
	if len(order) < 5 || !slices.Equal(order[:4], []string{"PEM", "SSH", "PEM", clusterName + ",*." + clusterName}) {
		t.Errorf("parts of identity: %v", order)
	}
	credentials := client.LoadIdentityFileFromString(string(files["identity"]))
	if _, err := credentials.SSHClientConfig(); err != nil {
		t.Errorf("identity for SSH: %v", err)
	}
	connected, err := client.New(t.Context(), client.Config{
		Addrs: []string{l.Addr()}, Credentials: []client.Credentials{credentials}, ALPNSNIAuthDialClusterName: clusterName, DialInBackground: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := connected.Close(); err != nil {
			t.Error(err)
		}
	}()
	l.Reset()
	if pong, err := connected.Ping(t.Context()); err != nil || pong.GetClusterName() != clusterName {
		t.Errorf("Ping with identity: %v, %v", pong, err)
	}
	if seen := l.Requests(); len(seen) != 1 || seen[0].User != "bot-example" || !seen[0].Impersonated {
		t.Errorf("the cluster saw %+v", seen)
	}
}

// What SSH clients read in a directory: absolute paths of the files beside it, and tbot as the way to a host.
func TestSSHConfig(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{}, "access")
	dir := filepath.Join(t.TempDir(), "out")
	if _, err := l.run(t, tbotconfig.Directory(dir)).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	files := readDirectory(t, dir)
	for _, name := range []string{"ssh_config", clusterName + ".ssh_config"} {
		text := strings.ReplaceAll(string(files[name]), dir, "/opt/machine-id")
		golden.Assert(t, strings.Replace(name, clusterName+".", "cluster-", 1), []byte(strings.ReplaceAll(text, l.Addr(), "localhost:3080")))
	}
	if !bytes.Equal(files[clusterName+".known_hosts"], files["known_hosts"]) {
		t.Errorf("the only cluster's known hosts are %q, all are %q", files[clusterName+".known_hosts"], files["known_hosts"])
	}
}

func TestOutputOptions(t *testing.T) {
	t.Parallel()
	l := newLab(t, teleporttest.Options{}, "access")
	without := l.output(t, func(output *tbotconfig.Identity) { output.SSHConfig = tbotconfig.SSHConfigOff })
	if got := slices.Sorted(maps.Keys(without)); slices.Contains(got, "known_hosts") || len(got) != len(artifactNames())-1 || slices.Contains(got, "ssh_config") {
		t.Errorf("with ssh_config off: %v", got)
	}
	for _, allow := range []bool{false, true} {
		files := l.output(t, func(output *tbotconfig.Identity) { output.AllowReissue = allow })
		certificate, err := x509.ParseCertificate(parsePEM(t, files["tlscert"]).Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if got := subject(certificate, "1.3.9999.2.9"); (got == "true") == allow {
			t.Errorf("allow_reissue %v: disallow-reissue is %q", allow, got)
		}
		if got := subject(certificate, "1.3.9999.2.7"); got != "bot-example" {
			t.Errorf("impersonator is %q", got)
		}
	}
}

// An output can be for a leaf cluster, whose hosts every output in a directory knows too.
func TestLeafClusters(t *testing.T) {
	t.Parallel()
	const leaf = "leaf.example.com"
	l := newLab(t, teleporttest.Options{RemoteClusters: []string{leaf}}, "access")
	files := l.output(t, func(output *tbotconfig.Identity) { output.Cluster = leaf })
	certificate, err := x509.ParseCertificate(parsePEM(t, files["tlscert"]).Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if got := certificate.Subject.StreetAddress; !slices.Equal(got, []string{leaf}) {
		t.Errorf("route to %v, want the leaf cluster", got)
	}
	want := slices.Sorted(slices.Values(append(directoryNames(), leaf+".known_hosts", leaf+".ssh_config")))
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	if got, want := string(files["known_hosts"]), string(files[clusterName+".known_hosts"])+string(files[leaf+".known_hosts"]); got != want {
		t.Errorf("known hosts %q, want those of both clusters %q", got, want)
	}
	if text := string(files["ssh_config"]); !strings.Contains(text, "\nHost *."+leaf+" !localhost\n") || !strings.Contains(text, "--cluster='"+leaf+"'") {
		t.Errorf("the leaf's hosts are not in ssh_config: %s", text)
	}
	run := l.run(t, tbotconfig.Memory())
	output, ok := run.Config.Outputs[0].(*tbotconfig.Identity)
	if !ok {
		t.Fatalf("output is a %T", run.Config.Outputs[0])
	}
	output.Cluster = "other.example.com"
	var refused *tbot.Refused
	if _, err := run.Once(t.Context()); !errors.As(err, &refused) || !strings.HasSuffix(refused.Message, `remote cluster "other.example.com" is not found`) {
		t.Errorf("a leaf cluster that is not there: %v", err)
	}
}

// subject is one of Teleport's own fields of a certificate (teleport-facts 2.8).
func subject(certificate *x509.Certificate, oid string) string {
	for _, name := range certificate.Subject.Names {
		if text, ok := name.Value.(string); ok && name.Type.String() == oid {
			return text
		}
	}
	return ""
}
