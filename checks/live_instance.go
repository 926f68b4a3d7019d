package checks

import (
	"context"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Holder is whom an output's certificate was given to. Instance is empty where the certificate names none, as before Teleport 16.2.
type Holder struct{ Bot, Instance string }

// botUser is what stands before a bot's name in its user name (teleport-facts 6.2).
const botUser = "bot-"

// What Teleport writes into a subject: the bot's name and its instance (teleport-facts 2.8).
func oidBotName() asn1.ObjectIdentifier     { return asn1.ObjectIdentifier{1, 3, 9999, 2, 18} }
func oidBotInstance() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 9999, 2, 20} }

func holderOf(c *x509.Certificate) Holder {
	var h Holder
	for _, attribute := range c.Subject.Names {
		value, isText := attribute.Value.(string)
		switch {
		case !isText:
		case attribute.Type.Equal(oidBotName()):
			h.Bot = value
		case attribute.Type.Equal(oidBotInstance()):
			h.Instance = value
		}
	}
	if name, found := strings.CutPrefix(c.Subject.CommonName, botUser); found && h.Bot == "" {
		h.Bot = name
	}
	return h
}

// Holder reads the newest certificate that an output has written. It is empty where none can be looked at; why stands in the
// checks of outputs.
func (l *Live) Holder(ctx context.Context, f *Facts) Holder {
	if l.Output == nil {
		return Holder{}
	}
	// What could not be read is OutputRecent's finding.
	seen, _ := l.handed(ctx, f)
	var newest *x509.Certificate
	for _, s := range seen {
		if s.found == nil || s.found.Certificate == nil || !carriesCertificate(s.output) {
			continue
		}
		if newest == nil || s.found.Certificate.NotBefore.After(newest.NotBefore) {
			newest = s.found.Certificate
		}
	}
	if newest == nil {
		return Holder{}
	}
	return holderOf(newest)
}

// LetIn tells whether an authentication was the workload's service account's: by the attributes of its token, or, where the server
// keeps none, by the name of the join token.
func (w Workload) LetIn(a *machineidv1.BotInstanceStatusAuthentication) bool {
	if account := accountOf(a); account != "" {
		return account == w.account()
	}
	return w.tokenName() != "" && a.GetJoinToken() == w.tokenName()
}

// accountOf is NAMESPACE:NAME, empty where the server has not kept it.
func accountOf(a *machineidv1.BotInstanceStatusAuthentication) string {
	account := a.GetJoinAttrs().GetKubernetes().GetServiceAccount()
	if account.GetName() == "" {
		return ""
	}
	return account.GetNamespace() + ":" + account.GetName()
}

func runInstanceRecent(ctx context.Context, f *Facts, l *Live) Finding {
	if l.MaxAge == 0 {
		return skipped(withoutMaxAge)
	}
	if l.Instance == nil {
		return skipped(withoutLogin)
	}
	instance, err := l.Instance(ctx)
	var notHere *NotHere
	switch {
	case errors.As(err, &notHere):
		return skipped(notHere.Why)
	case err != nil:
		return unknown(err)
	}
	return judgeInstance(l.Workload, instance, l.Holder(ctx, f), l.MaxAge, l.serverNow(ctx))
}

// judgeInstance holds the last authentication of the service account to the age. The certificate names the instance that it was
// given to, so that another one's login, such as a proof's, is not taken for the pod's.
func judgeInstance(w Workload, instance *machineidv1.BotInstance, holder Holder, maxAge time.Duration, now time.Time) Finding {
	finding := Finding{
		Status: Fail, Expected: fmt.Sprintf("an authentication of service account %s at most %s ago", w.account(), roundly(maxAge)),
		Fix: w.kubectl("logs", "deployment/"+w.Deployment.Name, "--container", w.container().Name),
	}
	id := instance.GetSpec().GetInstanceId()
	if instance == nil {
		finding.Observed = "Teleport knows no instance of bot " + spec.Quote(holder.Bot) + " that this service account logged in as"
		if holder.Instance != "" {
			finding.Observed = "Teleport no longer knows instance " + holder.Instance + ", which the certificate was given to"
		}
		return finding
	}
	last, others := lastLetIn(w, instance)
	if last == nil {
		finding.Observed = fmt.Sprintf("instance %s was never let in as this service account, but as %s", id, quoted(others))
		return finding
	}
	at := last.GetAuthenticatedAt().AsTime()
	observed := fmt.Sprintf("instance %s at %s, %s ago", id, stamp(at), roundly(max(now.Sub(at), 0)))
	if accountOf(last) == "" {
		observed += ", by join token " + spec.Quote(last.GetJoinToken()) + ": this server keeps no service account"
	}
	switch {
	case holder.Bot == "":
		observed += "; no certificate is seen from here, so this may be a proof's"
	case holder.Instance == "":
		observed += "; the certificate names no instance, so this may be a proof's"
	}
	if finding.Observed = observed; now.Sub(at) > maxAge {
		return finding
	}
	return passed(observed)
}

// lastLetIn is the newest authentication of the workload's service account; others names whose the rest are.
func lastLetIn(w Workload, instance *machineidv1.BotInstance) (last *machineidv1.BotInstanceStatusAuthentication, others []string) {
	status := instance.GetStatus()
	for _, one := range append(slices.Clone(status.GetLatestAuthentications()), status.GetInitialAuthentication()) {
		switch {
		case one.GetAuthenticatedAt() == nil:
		case !w.LetIn(one):
			who := accountOf(one)
			if who == "" {
				who = "join token " + one.GetJoinToken()
			}
			if !slices.Contains(others, who) {
				others = append(others, who)
			}
		case last == nil || one.GetAuthenticatedAt().AsTime().After(last.GetAuthenticatedAt().AsTime()):
			last = one
		}
	}
	return last, others
}
