package teleporttest

import (
	"golang.org/x/mod/semver"
)

// behaviour is what differs between server versions. One row a difference; the source is named beside it.
type behaviour struct {
	// proofFirst: the join method's proof is judged before the token's existence, expiry and role (3.1).
	proofFirst bool
	// joinRPC: proto.JoinService has RegisterUsingToken (2.2).
	joinRPC bool
	// sshKeyOnly: both certificates of a bot are issued for the SSH public key; the TLS key is ignored (2.6).
	sshKeyOnly bool
	// userCertsNeedOldKey: GenerateUserCerts reads the removed PublicKey field alone (4.7).
	userCertsNeedOldKey bool
	// botInstances: joins make bot instances, and the BotInstanceService exists (2.9, 5.1).
	botInstances bool
	// clusterConfigV1: teleport.clusterconfig.v1 exists (4.7).
	clusterConfigV1 bool
	// suites: the cluster has a signature algorithm suite and says so; otherwise every key is RSA-2048 (2.6).
	suites bool
	// newFind: find and ping carry edition, fips, auto_update and the suite (1.2).
	newFind bool
	// refusalEvents: a refused join is in the audit log, with the reason (recordings/audit-bot-join.json).
	refusalEvents bool
	// oidcType: the token type oidc exists (field-notes 0.5: 17.7.0, 18.1.5).
	oidcType bool
	// reviewAudiences: a TokenReview names the cluster name as audience (3.4).
	reviewAudiences bool
	// oldKidText: go-jose v3 says "unsupported key type/format" for a kid that no key has (P03).
	oldKidText bool
	// rawUpgrade: a connection upgrade can also be without WebSocket; the server's part of it ends with 19
	// (lib/web/conn_upgrade.go@02cdf32d).
	rawUpgrade bool
	// kubePaths: one certificate reaches several Kubernetes clusters by path (teleport-facts 9, #51535).
	kubePaths bool
	// anyKubeUser: a star in kubernetes_users allows to impersonate any user (#58282, backports #58478; field-notes P26).
	anyKubeUser bool
	// allKubeKinds: kubernetes_resources are judged for every kind, and in plural (teleport-facts 9, role version v8).
	allKubeKinds bool
	// botTTL: bot.spec.max_session_ttl is part of a bot (recordings/auth-calls.json against api19).
	botTTL bool
}

func behaviourOf(version string) behaviour {
	v := "v" + version
	atLeast := func(min string) bool { return semver.Compare(v, min) >= 0 }
	since17 := atLeast("v17.0.0-0")
	return behaviour{
		proofFirst:          !since17,
		joinRPC:             since17,
		sshKeyOnly:          !since17,
		userCertsNeedOldKey: !since17,
		botInstances:        since17,
		clusterConfigV1:     since17,
		suites:              since17,
		newFind:             since17,
		refusalEvents:       since17,
		oidcType:            oidcSince(v),
		reviewAudiences:     atLeast("v17.0.3"),
		oldKidText:          !since17,
		rawUpgrade:          !atLeast("v19.0.0-0"),
		kubePaths:           atLeast("v17.2.7"),
		anyKubeUser:         anyKubeUserSince(v),
		allKubeKinds:        atLeast("v18.0.0-0"),
		botTTL:              since17,
	}
}

// oidcSince holds the releases that got the token type oidc: it was backported into 17 and 18.
func oidcSince(v string) bool {
	switch semver.Major(v) {
	case "v17":
		return semver.Compare(v, "v17.7.0") >= 0
	case "v18":
		return semver.Compare(v, "v18.1.5") >= 0
	default:
		return semver.Compare(v, "v19.0.0-0") >= 0
	}
}

// anyKubeUserSince holds the releases that understand a star in kubernetes_users: it was backported into 17 and 18.
func anyKubeUserSince(v string) bool {
	if semver.Major(v) == "v17" {
		return semver.Compare(v, "v17.7.3") >= 0
	}
	return semver.Compare(v, "v18.2.0") >= 0
}

// missingMethods are RPCs of services that exist, which this server does not have (teleport-facts 4.7). gRPC
// words a missing method differently from one that a service leaves unimplemented.
func (b behaviour) missingMethods() map[string]bool {
	if b.joinRPC {
		return nil
	}
	return map[string]bool{
		"/proto.JoinService/RegisterUsingToken":                    true,
		"/proto.AuthService/ListRoles":                             true,
		"/proto.AuthService/ListProvisionTokens":                   true,
		"/teleport.presence.v1.PresenceService/ListRemoteClusters": true,
		"/teleport.presence.v1.PresenceService/GetRemoteCluster":   true,
	}
}

// majorOf returns the number before the first dot of a semantic version without v.
func majorOf(version string) string {
	return semver.Major("v" + version)[1:]
}
