package tbot

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/gravitational/teleport/api/client/webclient"
)

func TestKubeAddress(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		said             webclient.ProxySettings
		server, sni, err string
	}{
		"TLS routing": {
			said:   webclient.ProxySettings{TLSRoutingEnabled: true, SSH: webclient.SSHProxySettings{PublicAddr: "proxy.example.com:443"}},
			server: "https://proxy.example.com:443", sni: "kube-teleport-proxy-alpn.proxy.example.com",
		},
		"TLS routing beside an address of its own": {
			said: webclient.ProxySettings{
				TLSRoutingEnabled: true, SSH: webclient.SSHProxySettings{PublicAddr: "proxy.example.com:443"}, Kube: webclient.KubeProxySettings{PublicAddr: "kube.example.com:3026"},
			},
			server: "https://proxy.example.com:443", sni: "kube-teleport-proxy-alpn.proxy.example.com",
		},
		"by number": {
			said:   webclient.ProxySettings{TLSRoutingEnabled: true, SSH: webclient.SSHProxySettings{PublicAddr: "192.0.2.1:443"}},
			server: "https://192.0.2.1:443", sni: "kube-teleport-proxy-alpn.teleport.cluster.local",
		},
		"no public address": {
			said:   webclient.ProxySettings{TLSRoutingEnabled: true},
			server: "https://asked.example.com:3080", sni: "kube-teleport-proxy-alpn.asked.example.com",
		},
		"a port of its own, with an address": {
			said:   webclient.ProxySettings{SSH: webclient.SSHProxySettings{PublicAddr: "proxy.example.com:443"}, Kube: webclient.KubeProxySettings{PublicAddr: "kube.example.com:3026"}},
			server: "https://kube.example.com:3026",
		},
		"a port of its own": {
			said:   webclient.ProxySettings{SSH: webclient.SSHProxySettings{PublicAddr: "proxy.example.com:443"}, Kube: webclient.KubeProxySettings{ListenAddr: "0.0.0.0:3026"}},
			server: "https://proxy.example.com:3026",
		},
		"nothing":        {said: webclient.ProxySettings{SSH: webclient.SSHProxySettings{PublicAddr: "proxy.example.com:443"}}, err: "unable to determine kubernetes address"},
		"no port":        {said: webclient.ProxySettings{TLSRoutingEnabled: true, SSH: webclient.SSHProxySettings{PublicAddr: "proxy.example.com"}}, err: "public_addr"},
		"a wrong listen": {said: webclient.ProxySettings{Kube: webclient.KubeProxySettings{ListenAddr: "3026"}}, err: "listen_addr"},
	} {
		got, err := newKubeAddress(row.said, "asked.example.com:3080")
		if (err != nil) != (row.err != "") || err != nil && !strings.Contains(err.Error(), row.err) {
			t.Errorf("%s: error %v", name, err)
		}
		if got.server != row.server || got.serverName != row.sni {
			t.Errorf("%s: %s as %s, want %s as %s", name, got.server, got.serverName, row.server, row.sni)
		}
	}
}

// FuzzKubeAddress: whatever a proxy says of itself and however clusters are called, the address of one leads to the named host, and its
// path gives the names back.
func FuzzKubeAddress(f *testing.F) {
	f.Add("proxy.example.com:443", "", "", true, "lab.example.com", "alpha")
	f.Add("[::1]:443", "kube:1", "0.0.0.0:3026", false, "a/b", "../é")
	f.Add("", "", ":", true, "", "")
	f.Fuzz(func(t *testing.T, public, kube, listen string, routed bool, teleportCluster, kubeCluster string) {
		said := webclient.ProxySettings{
			TLSRoutingEnabled: routed, SSH: webclient.SSHProxySettings{PublicAddr: public}, Kube: webclient.KubeProxySettings{PublicAddr: kube, ListenAddr: listen},
		}
		address, err := newKubeAddress(said, "asked.example.com:3080")
		if err != nil {
			if address.server != "" {
				t.Errorf("%s beside %v", address.server, err)
			}
			return
		}
		if routed != (address.serverName != "") {
			t.Errorf("asks for %q", address.serverName)
		}
		parts := strings.Split(strings.TrimPrefix(address.of(teleportCluster, kubeCluster), address.server), "/")
		if len(parts) != 5 || parts[1] != "v1" || parts[2] != "teleport" {
			t.Fatalf("path %q", parts)
		}
		for i, want := range map[int]string{3: teleportCluster, 4: kubeCluster} {
			if got, err := base64.RawURLEncoding.DecodeString(parts[i]); err != nil || string(got) != want || parts[i] != url.PathEscape(parts[i]) {
				t.Errorf("part %q of the path is %q, %v", parts[i], got, err)
			}
		}
	})
}

// FuzzKubeconfig: whatever clusters, templates and namespaces are called, a kubeconfig has one cluster for each name of a context, and
// the current one among them. What YAML cannot hold is an error.
func FuzzKubeconfig(f *testing.F) {
	f.Add("{{.ClusterName}}-{{.KubeName}}", "alpha", "beta", "default")
	f.Add("same", "alpha", "beta", "")
	f.Add("{{.KubeName | printf \"%q\"}}: [", "a\nb", "- c", "{}")
	f.Add("{{range}}", "", "\x00", "\xff")
	f.Add("\x7f", "a", "b", "c")
	identity := &Identity{Cluster: Cluster{Name: "lab.example.com"}, key: &keyPair{}, certs: recordedCerts(f)}
	f.Fuzz(func(t *testing.T, text, first, second, namespace string) {
		name, err := namer(text)
		if err != nil {
			return
		}
		config := newKubeconfig("lab.example.com", kubeLogin{ClientCertificateData: identity.certs.TLS})
		names := map[string]bool{}
		for _, cluster := range []string{first, second} {
			context, err := name("lab.example.com", cluster)
			if err != nil {
				return
			}
			names[context] = true
			config.add(context, "https://proxy", namespace, kubeAddress{server: "https://proxy"}, identity)
		}
		if _, err := config.encode(); err != nil {
			if !strings.ContainsFunc(text+first+second+namespace, func(r rune) bool { return !unicode.IsGraphic(r) }) {
				t.Fatal(err)
			}
			return
		}
		if len(config.Clusters) != len(names) || len(config.Contexts) != len(names) || !names[config.CurrentContext] {
			t.Errorf("%d clusters, %d contexts, current %q of %v", len(config.Clusters), len(config.Contexts), config.CurrentContext, names)
		}
	})
}
