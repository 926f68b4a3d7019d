package testkit

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// keyFiles is one pair of keys for service account tokens. RSA with 2048 bits, so RS256, is what kubeadm
// and the cloud providers use.
type keyFiles struct{ private, public string }

// newKeyFiles makes pair number n in dir.
func newKeyFiles(dir string, n int) (keyFiles, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return keyFiles{}, fmt.Errorf("making a service account key: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return keyFiles{}, fmt.Errorf("encoding a service account key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return keyFiles{}, fmt.Errorf("encoding a service account key: %w", err)
	}
	files := keyFiles{
		private: filepath.Join(dir, fmt.Sprintf("service-account-%d.key", n)),
		public:  filepath.Join(dir, fmt.Sprintf("service-account-%d.pub", n)),
	}
	return files, errors.Join(
		writePEM(files.private, "PRIVATE KEY", private),
		writePEM(files.public, "PUBLIC KEY", public),
	)
}

func writePEM(file, kind string, der []byte) error {
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		return fmt.Errorf("writing a key: %w", err)
	}
	return nil
}

// setKeyArgs makes the newest key the one that signs, and publishes all.
func (c *ControlPlane) setKeyArgs() {
	args := c.plane.APIServer.Configure()
	args.Set("service-account-signing-key-file", c.keys[len(c.keys)-1].private)
	args.Disable("service-account-key-file") // of an earlier start, or envtest's default
	for i := len(c.keys) - 1; i >= 0; i-- {
		args.AppendNoDefaults("service-account-key-file", c.keys[i].public)
	}
}

// RotateKeys makes a new key that signs service account tokens from now on; the older ones stay published
// and their tokens good, as in the first phase of a rotation. The API server restarts on the same address
// (some seconds), so a control plane that tests share refuses.
func (c *ControlPlane) RotateKeys(ctx context.Context) error {
	if c.shared {
		return errors.New("rotating keys restarts the API server under other tests: use testkit.Start for a control plane of your own")
	}
	c.keysMu.Lock()
	defer c.keysMu.Unlock()
	key, err := newKeyFiles(filepath.Join(c.dir, "pki"), len(c.keys)+1)
	if err != nil {
		return err
	}
	c.keys = append(c.keys, key)
	c.setKeyArgs()
	if err := c.stopAPIServer(); err != nil {
		return fmt.Errorf("rotating keys: %w", err)
	}
	if err := c.runAPIServer(ctx); err != nil {
		return fmt.Errorf("rotating keys: %w", err)
	}
	return c.waitReady(ctx)
}
