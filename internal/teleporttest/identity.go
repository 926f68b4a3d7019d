package teleporttest

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/gravitational/teleport/api/types/wrappers"
)

// identity is who a user certificate speaks for. It is written into the certificate's subject and read back from
// the client certificate of a connection (teleport-facts 2.8).
type identity struct {
	username          string
	roles             []string
	principals        []string
	traits            wrappers.Traits
	cluster           string
	routeToCluster    string
	kubernetesCluster string
	kubeUsers         []string
	kubeGroups        []string
	loginIP           string
	impersonator      string
	disallowReissue   bool
	botName           string
	botInstanceID     string
	generation        int32
	joinAttributes    string
	forwardAgent      bool
	renewable         bool
	expires           time.Time
}

// The object identifiers are private to Teleport: arcs 1 and 2 below 1.3.9999.
func teleportOID(arc, n int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 3, 9999, arc, n} }

func oidKubeUser() asn1.ObjectIdentifier         { return teleportOID(1, 1) }
func oidKubeGroup() asn1.ObjectIdentifier        { return teleportOID(1, 2) }
func oidKubeCluster() asn1.ObjectIdentifier      { return teleportOID(1, 3) }
func oidTeleportCluster() asn1.ObjectIdentifier  { return teleportOID(1, 7) }
func oidLoginIP() asn1.ObjectIdentifier          { return teleportOID(1, 9) }
func oidRenewable() asn1.ObjectIdentifier        { return teleportOID(1, 13) }
func oidGeneration() asn1.ObjectIdentifier       { return teleportOID(1, 14) }
func oidPrivateKeyPolicy() asn1.ObjectIdentifier { return teleportOID(1, 15) }
func oidImpersonator() asn1.ObjectIdentifier     { return teleportOID(2, 7) }
func oidDisallowReissue() asn1.ObjectIdentifier  { return teleportOID(2, 9) }
func oidBotName() asn1.ObjectIdentifier          { return teleportOID(2, 18) }
func oidBotInstance() asn1.ObjectIdentifier      { return teleportOID(2, 20) }
func oidJoinAttributes() asn1.ObjectIdentifier   { return teleportOID(2, 21) }

// subject writes the identity in the order that Teleport writes it.
func (id identity) subject() (pkix.Name, error) {
	traits, err := wrappers.MarshalTraits(&id.traits)
	if err != nil {
		return pkix.Name{}, fmt.Errorf("teleporttest: encoding the traits of %s: %w", id.username, err)
	}
	name := pkix.Name{
		CommonName:    id.username,
		Organization:  id.roles,
		Locality:      id.principals,
		PostalCode:    []string{string(traits)},
		StreetAddress: []string{id.routeToCluster},
	}
	add := func(oid asn1.ObjectIdentifier, values ...string) {
		for _, v := range values {
			if v != "" {
				name.ExtraNames = append(name.ExtraNames, pkix.AttributeTypeAndValue{Type: oid, Value: v})
			}
		}
	}
	add(oidKubeUser(), id.kubeUsers...)
	add(oidKubeGroup(), id.kubeGroups...)
	add(oidKubeCluster(), id.kubernetesCluster)
	add(oidTeleportCluster(), id.cluster)
	add(oidLoginIP(), id.loginIP)
	add(oidImpersonator(), id.impersonator)
	if id.disallowReissue {
		add(oidDisallowReissue(), "true")
	}
	if id.renewable {
		add(oidRenewable(), "true")
	}
	if id.generation > 0 {
		add(oidGeneration(), strconv.Itoa(int(id.generation)))
	}
	add(oidBotName(), id.botName)
	add(oidBotInstance(), id.botInstanceID)
	add(oidJoinAttributes(), id.joinAttributes)
	add(oidPrivateKeyPolicy(), "none")
	return name, nil
}

// identityFrom reads the identity that a verified client certificate carries.
func identityFrom(cert *x509.Certificate) (identity, error) {
	id := identity{
		username:   cert.Subject.CommonName,
		roles:      cert.Subject.Organization,
		principals: cert.Subject.Locality,
		expires:    cert.NotAfter,
	}
	if len(cert.Subject.StreetAddress) > 0 {
		id.routeToCluster = cert.Subject.StreetAddress[0]
	}
	if len(cert.Subject.PostalCode) > 0 {
		if err := json.Unmarshal([]byte(cert.Subject.PostalCode[0]), &id.traits); err != nil {
			return identity{}, fmt.Errorf("teleporttest: decoding the traits of %s: %w", id.username, err)
		}
	}
	for _, attr := range cert.Subject.Names {
		value, ok := attr.Value.(string)
		if !ok {
			continue
		}
		switch {
		case attr.Type.Equal(oidKubeUser()):
			id.kubeUsers = append(id.kubeUsers, value)
		case attr.Type.Equal(oidKubeGroup()):
			id.kubeGroups = append(id.kubeGroups, value)
		case attr.Type.Equal(oidKubeCluster()):
			id.kubernetesCluster = value
		case attr.Type.Equal(oidTeleportCluster()):
			id.cluster = value
		case attr.Type.Equal(oidLoginIP()):
			id.loginIP = value
		case attr.Type.Equal(oidImpersonator()):
			id.impersonator = value
		case attr.Type.Equal(oidDisallowReissue()):
			id.disallowReissue = value == "true"
		case attr.Type.Equal(oidRenewable()):
			id.renewable = value == "true"
		case attr.Type.Equal(oidGeneration()):
			n, err := strconv.ParseInt(value, 10, 32)
			if err != nil {
				return identity{}, fmt.Errorf("teleporttest: decoding the generation of %s: %w", id.username, err)
			}
			id.generation = int32(n)
		case attr.Type.Equal(oidBotName()):
			id.botName = value
		case attr.Type.Equal(oidBotInstance()):
			id.botInstanceID = value
		case attr.Type.Equal(oidJoinAttributes()):
			id.joinAttributes = value
		}
	}
	return id, nil
}
