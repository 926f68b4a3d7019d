package testkit

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// superusers may do everything, whatever RBAC says.
const superusers = "system:masters"

// makeClients makes the administrator's kubeconfig and clients, and the kit's own client.
func (c *ControlPlane) makeClients() error {
	var err error
	if c.admin, err = c.user("admin", superusers); err != nil {
		return err
	}
	if err := c.writeKubeconfig(c.KubeconfigFile(), "admin", c.admin); err != nil {
		return err
	}
	if c.client, err = kubernetes.NewForConfig(c.admin); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if c.dynamic, err = dynamic.NewForConfig(c.admin); err != nil {
		return fmt.Errorf("making a dynamic client: %w", err)
	}
	own, err := c.user("testkit", superusers)
	if err != nil {
		return err
	}
	if c.kit, err = kubernetes.NewForConfig(own); err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	return nil
}

// KubeconfigFile is the path of a kubeconfig (0600) with one context, named after the flavour and current,
// of a cluster administrator.
func (c *ControlPlane) KubeconfigFile() string {
	return filepath.Join(c.dir, "kubeconfig", c.options.Flavour.String())
}

// KubeconfigFor writes a kubeconfig like KubeconfigFile's for a user that has only the rights which RBAC
// gives to the name and the groups (and to system:authenticated), and returns its path.
func (c *ControlPlane) KubeconfigFor(tb testing.TB, user string, groups ...string) string {
	tb.Helper()
	config, err := c.user(user, groups...)
	if err != nil {
		tb.Fatal(err)
	}
	file := filepath.Join(tb.TempDir(), "kubeconfig")
	if err := c.writeKubeconfig(file, user, config); err != nil {
		tb.Fatal(err)
	}
	return file
}

// user makes a client certificate.
func (c *ControlPlane) user(name string, groups ...string) (*rest.Config, error) {
	c.usersMu.Lock()
	defer c.usersMu.Unlock()
	user, err := c.plane.AddUser(envtest.User{Name: name, Groups: groups}, &rest.Config{QPS: 1000, Burst: 2000})
	if err != nil {
		return nil, fmt.Errorf("making user %s: %w", name, err)
	}
	return user.Config(), nil
}

func (c *ControlPlane) writeKubeconfig(file, user string, from *rest.Config) error {
	name := c.options.Flavour.String()
	config := api.Config{
		Clusters:       map[string]*api.Cluster{name: {Server: from.Host, CertificateAuthorityData: from.CAData}},
		AuthInfos:      map[string]*api.AuthInfo{user: {ClientCertificateData: from.CertData, ClientKeyData: from.KeyData}},
		Contexts:       map[string]*api.Context{name: {Cluster: name, AuthInfo: user}},
		CurrentContext: name,
	}
	content, err := clientcmd.Write(config)
	if err != nil {
		return fmt.Errorf("encoding a kubeconfig: %w", err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return nil
}
