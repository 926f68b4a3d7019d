package teleport

import (
	"context"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"strings"

	"github.com/gravitational/teleport/api/client/webclient"
	"github.com/gravitational/teleport/api/constants"
)

// AdminMFA reports whether the cluster wants every admin action of this login confirmed with a hardware key: making bots and
// tokens, and even reading a token (teleport-facts 5.4, field-notes P34). Bots, and whom they impersonate, are exempt. The
// cluster's preference says it exactly; where this login or an older server does not show it, the proxy says it to everybody,
// in the one word that the preference is simplified to. An error means that neither said.
func (c *Client) AdminMFA(ctx context.Context, t Target) (bool, error) {
	if isBot(c.certificate) {
		return false, nil
	}
	preference, err := c.auth.GetAuthPreference(ctx)
	if err == nil {
		return preference.IsAdminActionMFAEnforced(), nil
	}
	err = wrap(err, "reading the cluster's authentication preference")
	if !Is(err, Denied) && !Is(err, Unsupported) && !Is(err, NotFound) {
		return false, err
	}
	said, pingErr := webclient.Ping(&webclient.Config{
		Context: ctx, ProxyAddr: t.Proxy, Pool: t.CAs, Insecure: t.Insecure, Timeout: findTimeout,
	})
	if pingErr != nil {
		return false, fmt.Errorf("%w; %w", err, wrap(pingErr, "asking "+t.Proxy+" at /webapi/ping"))
	}
	switch factor := said.Auth.SecondFactor; {
	case factor == constants.SecondFactorWebauthn:
		return true, nil
	case factor != constants.SecondFactorOff && factor != "":
		// One-time passwords are among them, which no admin action can be confirmed with: nothing is asked for.
		return false, nil
	case factor == constants.SecondFactorOff && said.Edition == "":
		// Before 17 off is off. Since then it also stands for a cluster whose only factor is its identity provider's.
		return false, nil
	}
	return false, fmt.Errorf("%w; and what the proxy says of second factors, %q, leaves it open", err, said.Auth.SecondFactor)
}

// isBot reads whose certificate it is (teleport-facts 2.8): a bot's carries the bot's name, that of a role which a bot
// impersonates carries the bot's user.
func isBot(c *x509.Certificate) bool {
	if c == nil {
		return false
	}
	for _, attribute := range c.Subject.Names {
		value, _ := attribute.Value.(string)
		switch {
		case attribute.Type.Equal(asn1.ObjectIdentifier{1, 3, 9999, 2, 18}) && value != "":
			return true
		case attribute.Type.Equal(asn1.ObjectIdentifier{1, 3, 9999, 2, 7}) && strings.HasPrefix(value, "bot-"):
			return true
		}
	}
	return false
}
