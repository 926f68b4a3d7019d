package teleporttest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/gravitational/teleport/api/client/webclient"
	"github.com/gravitational/teleport/api/constants"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
)

// serveFind answers without authentication settings, but with the suite where there is one (teleport-facts 1.2).
func (c *Cluster) serveFind(w http.ResponseWriter, _ *http.Request) {
	c.writePing(w, c.proxyAnswer())
}

func (c *Cluster) servePing(w http.ResponseWriter, r *http.Request) {
	connector := r.PathValue("connector")
	if connector != "" && connector != constants.Local {
		writeError(w, trace.NotFound("auth connector %q not found", connector))
		return
	}
	answer := c.proxyAnswer()
	answer.Auth.Type = constants.Local
	answer.Auth.Local = &webclient.LocalSettings{}
	answer.Auth.PrivateKeyPolicy = "none"
	answer.Auth.DeviceTrust.Disabled = true
	answer.Auth.DefaultSessionTTL = types.Duration(12 * time.Hour)
	answer.Auth.SecondFactor = constants.SecondFactorOff
	switch {
	case c.opts.AdminMFA:
		answer.Auth.SecondFactor = constants.SecondFactorWebauthn
		answer.Auth.Webauthn = &webclient.Webauthn{RPID: webauthnRPID}
	case c.behaviour.newFind:
		answer.Auth.SecondFactor = constants.SecondFactorOn
	}
	if connector != "" && !c.behaviour.newFind {
		answer.MinClientVersion = ""
	}
	c.writePing(w, answer)
}

func (c *Cluster) proxyAnswer() *webclient.PingResponse {
	listen := c.listenAddr()
	answer := &webclient.PingResponse{
		Proxy: webclient.ProxySettings{
			Kube: webclient.KubeProxySettings{Enabled: true, ListenAddr: listen},
			SSH: webclient.SSHProxySettings{
				ListenAddr:       listen,
				TunnelListenAddr: listen,
				WebListenAddr:    listen,
				PublicAddr:       c.publicAddr(),
			},
			DB:                webclient.DBProxySettings{PostgresListenAddr: listen, MySQLListenAddr: listen},
			TLSRoutingEnabled: true,
		},
		ServerVersion:    c.opts.Version,
		MinClientVersion: c.minClientVersion(),
		ClusterName:      c.opts.ClusterName,
	}
	if c.behaviour.suites {
		answer.Auth.SignatureAlgorithmSuite = c.opts.Suite
	}
	if c.behaviour.newFind {
		answer.Edition = "oss"
		answer.FIPS = c.opts.FIPS
		answer.AutoUpdate = webclient.AutoUpdateSettings{
			ToolsVersion:             c.opts.Version,
			AgentVersion:             c.opts.AgentVersion,
			AgentUpdateJitterSeconds: 60,
		}
	}
	return answer
}

// minClientVersion is one major version below the server's.
func (c *Cluster) minClientVersion() string {
	major, err := strconv.Atoi(majorOf(c.opts.Version))
	if err != nil {
		// withDefaults let only semantic versions pass.
		panic(err)
	}
	return strconv.Itoa(major-1) + ".0.0"
}

// writePing writes the answer with the keys of the server's version: the api module's struct has keys that 16.x does
// not, and lacks one that it has (recordings/webapi-find.json).
func (c *Cluster) writePing(w http.ResponseWriter, answer *webclient.PingResponse) {
	if c.behaviour.newFind {
		writeJSON(w, http.StatusOK, answer)
		return
	}
	encoded, err := json.Marshal(answer)
	if err != nil {
		writeError(w, err)
		return
	}
	var old map[string]any
	if err := json.Unmarshal(encoded, &old); err != nil {
		writeError(w, err)
		return
	}
	for _, key := range []string{"edition", "fips", "auto_update"} {
		delete(old, key)
	}
	if answer.MinClientVersion == "" {
		delete(old, "min_client_version")
	}
	if auth, ok := old["auth"].(map[string]any); ok {
		delete(auth, "piv_pin_cache_ttl")
	}
	if proxy, ok := old["proxy"].(map[string]any); ok {
		proxy["assist_enabled"] = false
	}
	writeJSON(w, http.StatusOK, old)
}
