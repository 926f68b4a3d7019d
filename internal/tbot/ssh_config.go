package tbot

import (
	"bytes"
	"fmt"
	"net"
	"path/filepath"
	"strings"
)

// tbotPath is where tbot lies in its images; a file that calls it is for the pod to read (recordings/tbot-kubernetes-output.md).
const tbotPath = "/usr/local/bin/tbot"

// nodePort is what an SSH server of Teleport listens on where nothing else is said.
const nodePort = 3022

// sshConfig writes OpenSSH's configuration of an identity in a directory: who asks, by which files, and tbot as the way there. The
// files and the arguments are those of tbot 17 and later; the wording is not tbot's byte for byte.
type sshConfig struct {
	// dir is absolute.
	dir, proxy, proxyHost string
	routed, upgraded      bool
}

func newSSHConfig(dir, proxy string, routed, upgraded bool) (sshConfig, error) {
	host, _, err := net.SplitHostPort(proxy)
	if err != nil {
		return sshConfig{}, fmt.Errorf("the proxy's SSH address: %w", err)
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return sshConfig{}, fmt.Errorf("the destination: %w", err)
	}
	return sshConfig{dir: absolute, proxy: proxy, proxyHost: host, routed: routed, upgraded: upgraded}, nil
}

// all is ssh_config: it chooses by the host's name among the clusters.
func (c sshConfig) all(clusters []string) []byte {
	var text bytes.Buffer
	fmt.Fprintf(&text, "# Hosts of Teleport behind %s\n", c.proxyHost)
	for _, cluster := range clusters {
		fmt.Fprintf(&text, "\nHost *.%s %s\n", cluster, c.proxyHost)
		c.files(&text, "    ", fileKnownHosts)
		fmt.Fprintf(&text, "\nHost *.%s !%s\n", cluster, c.proxyHost)
		c.route(&text, "    ", cluster)
	}
	return text.Bytes()
}

// one is <cluster>.ssh_config: it takes every host for one of the cluster's, so that another configuration can include it.
func (c sshConfig) one(cluster string) []byte {
	var text bytes.Buffer
	fmt.Fprintf(&text, "# Any host of the Teleport cluster %s by %s\n", cluster, c.proxy)
	c.files(&text, "", cluster+".known_hosts")
	c.route(&text, "", cluster)
	return text.Bytes()
}

func (c sshConfig) files(text *bytes.Buffer, indent, hosts string) {
	for _, line := range []struct{ key, file string }{
		{"UserKnownHostsFile", hosts}, {"IdentityFile", fileKey}, {"CertificateFile", fileCert},
	} {
		fmt.Fprintf(text, "%s%s \"%s\"\n", indent, line.key, filepath.Join(c.dir, line.file))
	}
}

func (c sshConfig) route(text *bytes.Buffer, indent, cluster string) {
	fmt.Fprintf(text, "%sPort %d\n", indent, nodePort)
	arguments := []string{
		proxyWord(tbotPath), "ssh-proxy-command",
		"--destination-dir=" + proxyWord(c.dir), "--proxy-server=" + proxyWord(c.proxy), "--cluster=" + proxyWord(cluster),
		choose(c.routed, "tls-routing"), choose(c.upgraded, "connection-upgrade"), "--resume", "--user=%r", "--host=%h", "--port=%p",
	}
	fmt.Fprintf(text, "%sProxyCommand %s\n", indent, strings.Join(arguments, " "))
}

// choose writes a flag of tbot that can be turned off.
func choose(on bool, flag string) string {
	if on {
		return "--" + flag
	}
	return "--no-" + flag
}

// proxyWord quotes a word for the shell that OpenSSH runs a ProxyCommand by, after it has put in what stands behind percent signs.
func proxyWord(word string) string {
	return strings.ReplaceAll("'"+strings.ReplaceAll(word, "'", `'"'"'`)+"'", "%", "%%")
}

// local tells that a name that came from outside is a file in a directory and not a way out of it.
func local(name string) bool {
	return filepath.IsLocal(name) && filepath.Base(name) == name && name != "."
}
