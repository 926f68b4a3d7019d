package reach

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
)

// Words by which a refusal tells who refused (field-notes 1, P25 and P26; the test cluster's sources name Teleport's files).
const (
	wordsNoPrincipals = "role does not allow Kubernetes access"
	wordsSelectUser   = "please select a user to impersonate"
	wordsNotAnyUser   = "impersonation request has been denied"
	wordsResources    = "kubernetes_resources"
	wordsOffline      = "offline"
	wordsOfSystem     = "impersonating system identities"
)

// mostWords is how much of a foreign message is kept: more than any that is known.
const mostWords = 600

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if letters := []rune(text); len(letters) > mostWords {
		return string(letters[:mostWords]) + "..."
	}
	return text
}

// byAgent tells that the API server does not let Teleport's agent act as the bot's users or groups, so that no request gets in.
func (h heard) byAgent() bool {
	return h.status == http.StatusForbidden &&
		(strings.Contains(h.message, "cannot impersonate resource") || h.ofSystem())
}

// ofSystem tells the refusal of an admission webhook such as GKE Autopilot's.
func (h heard) ofSystem() bool {
	return h.status == http.StatusForbidden && strings.Contains(h.message, wordsOfSystem)
}

// byTeleport tells a refusal by the kubernetes_resources of the bot's roles, which is worded like one of the API server.
func (h heard) byTeleport() bool {
	return h.status == http.StatusForbidden && strings.Contains(h.message, wordsResources)
}

// byKubernetes tells a refusal by the API server's own authorizer.
func (h heard) byKubernetes() bool {
	return h.status == http.StatusForbidden && !h.byTeleport() && !h.byAgent() &&
		strings.Contains(h.message, `User "`) && strings.Contains(h.message, " cannot ")
}

// user is whom the API server names in a refusal; empty where it names nobody.
func (h heard) user() string {
	_, rest, _ := strings.Cut(h.message, `User "`)
	user, _, named := strings.Cut(rest, `"`)
	if !named {
		return ""
	}
	return user
}

// open tells that an API server answered, be it that it allows nothing.
func (h heard) open() bool { return h.err == nil && (h.status == http.StatusOK || h.byKubernetes()) }

// silent tells that nothing came in time. A context that has ended may show as its own error or as the network's.
func (h heard) silent() bool {
	var network net.Error
	return errors.Is(h.err, context.DeadlineExceeded) || errors.Is(h.err, context.Canceled) || errors.As(h.err, &network) && network.Timeout()
}

// words are the server's, or those of the error.
func (h heard) words() string {
	if h.err != nil {
		return oneLine(h.err.Error())
	}
	if h.message == "" {
		return http.StatusText(h.status)
	}
	return h.message
}
