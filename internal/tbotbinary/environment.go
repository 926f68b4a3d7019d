package tbotbinary

import (
	"slices"
	"strings"
)

// passed are the variables that a tbot gets of this process's own: to find programs and a home, the way through proxies, and trust in
// certificates. Nothing else goes along: TBOT_ and TELEPORT_ variables would change what is tried.
func passed() []string {
	return []string{
		"PATH", "HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
		"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy",
		"TELEPORT_TLS_ROUTING_CONN_UPGRADE",
	}
}

// environment takes what is passed on, with own in place of what has the same name.
func environment(from, own []string) []string {
	var env []string
	for _, variable := range from {
		name, _, _ := strings.Cut(variable, "=")
		if slices.Contains(passed(), name) && !slices.ContainsFunc(own, func(o string) bool { return strings.HasPrefix(o, name+"=") }) {
			env = append(env, variable)
		}
	}
	return append(env, own...)
}
