package tbot

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// The fields that Teleport adds to a certificate's subject (teleport-facts 2.8).
const (
	oidKubernetesUser  = "1.3.9999.1.1"
	oidKubernetesGroup = "1.3.9999.1.2"
	oidBotName         = "1.3.9999.2.18"
	oidBotInstance     = "1.3.9999.2.20"
)

// subject is what a certificate says of its owner beyond user and roles.
type subject struct {
	kubernetesUsers, kubernetesGroups []string
	bot, instance                     string
}

func readSubject(certificate *x509.Certificate) (about subject) {
	for _, field := range certificate.Subject.Names {
		value, ok := field.Value.(string)
		if !ok {
			continue
		}
		switch field.Type.String() {
		case oidKubernetesUser:
			about.kubernetesUsers = append(about.kubernetesUsers, value)
		case oidKubernetesGroup:
			about.kubernetesGroups = append(about.kubernetesGroups, value)
		case oidBotName:
			about.bot = value
		case oidBotInstance:
			about.instance = value
		}
	}
	return about
}

// rounding is how much later than asked a certificate may end: servers count in seconds or minutes.
const rounding = time.Minute

// keeps makes sure that a certificate ends when it was asked to, or earlier.
func (i *Identity) keeps(end time.Time) error {
	if i.NotAfter.After(end.Add(rounding)) {
		return fmt.Errorf("the certificate of %s ends %s, later than %s, which was asked for", i.User,
			i.NotAfter.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339))
	}
	return nil
}

// actsAs makes sure that a certificate carries exactly the roles that were asked for, in any order.
func (i *Identity) actsAs(roles []string) error {
	if got, want := sorted(i.Roles), sorted(roles); !slices.Equal(got, want) {
		return fmt.Errorf("the certificate of %s carries the roles %q, not %q, which were asked for", i.User, got, want)
	}
	return nil
}

func sorted(values []string) []string {
	values = slices.Clone(values)
	slices.Sort(values)
	return slices.Compact(values)
}
