package checks

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// Upgrade is the stage of --for-server: a setup that lives is judged against a Teleport release that the cluster does not run yet,
// by what is known of that release alone.
const Upgrade Stage = Diagnosis + 1

// The gates between a tbot and a Teleport release.
const (
	UpgradeStep     ID = "TBC520"
	UpgradeImage    ID = "TBC521"
	UpgradeProxy    ID = "TBC522"
	UpgradeRoles    ID = "TBC523"
	UpgradeJoin     ID = "TBC524"
	UpgradeType     ID = "TBC525"
	UpgradeOutputs  ID = "TBC526"
	UpgradeAudience ID = "TBC527"
)

// gate is one thing that a release may take away or not have yet.
type gate struct {
	id    ID
	title string
	// problems are the known failures that this would be.
	problems []string
	judge    func(upgrade) Finding
}

// upgrade is one setup on its way to another release.
type upgrade struct {
	Workload
	// join is the type of the join token, empty where it is not known.
	join spec.JoinType
	// from and to are releases with a leading v; from is empty where it is not known. tbot is that of the image, empty where it names
	// none.
	from, to, tbot string
}

// gates are in the order of their IDs; the sources are at each judge.
func gates() []gate {
	return []gate{
		{UpgradeStep, "the upgrade goes one major version at a time", nil, upgrade.step},
		{UpgradeImage, "the image's version suits the release", []string{"P33"}, upgrade.image},
		{UpgradeProxy, "tbot.yaml reaches Teleport by proxy_server", nil, upgrade.proxy},
		{UpgradeRoles, "no output names roles of its own", []string{"P23"}, upgrade.roles},
		{UpgradeJoin, "tbot joins by a service that the release has", nil, upgrade.service},
		{UpgradeType, "the release knows the join token's type", nil, upgrade.tokenType},
		{UpgradeOutputs, "a tbot of the release knows each output", nil, upgrade.outputs},
		{UpgradeAudience, "the release takes the token's audience", []string{"P02"}, upgrade.audience},
	}
}

// UpgradeChecks declares the gates for the catalogue. Only JudgeUpgrade knows the release that they are about, so that a run without
// --for-server skips them.
func UpgradeChecks() []Check {
	var declared []Check
	for _, g := range gates() {
		declared = append(declared, Check{
			ID: g.id, Category: CategoryWorkload, Stage: Upgrade, Title: g.title, Problems: g.problems,
			Run: func(context.Context, *Facts) Finding { return skipped("not asked for (--for-server VERSION)") },
		})
	}
	return declared
}

// JudgeUpgrade says what would break if the Teleport cluster went from release from to release to, X.Y.Z each: one result a gate. It
// asks nobody. An empty from is not known, and so is an empty join type.
func JudgeUpgrade(w Workload, join spec.JoinType, from, to string) []Result {
	u := upgrade{Workload: w, join: join, from: version(from), to: version(to)}
	declared := UpgradeChecks()
	results := make([]Result, len(declared))
	for i, g := range gates() {
		results[i].Check = declared[i]
		switch {
		case w.Deployment == nil:
			results[i].Finding = skipped("no tbot is installed")
		case u.to == "":
			results[i].Finding = Finding{Status: Unknown, Observed: "the release " + spec.Quote(to) + " cannot be read", Expected: "X.Y.Z"}
		default:
			_, tag := splitImage(w.container().Image)
			u.tbot = version(tag)
			results[i].Finding = g.judge(u)
		}
	}
	return results
}

// JoinType is the type of the setup's join token for JudgeUpgrade, empty where it is not known.
func (l *Live) JoinType(ctx context.Context) spec.JoinType { return l.joinType(ctx) }

// version is a release with a leading v, as semver wants it; empty for what is none. A minor or patch that is left out is zero.
func version(text string) string {
	return semver.Canonical("v" + strings.TrimPrefix(text, "v"))
}

func major(v string) int {
	var n int
	if _, err := fmt.Sscanf(semver.Major(v), "v%d", &n); err != nil {
		return 0
	}
	return n
}

func bare(v string) string { return strings.TrimPrefix(v, "v") }

// step: Teleport upgrades from one major version to the next one only (Teleport docs, upgrading compatibility overview).
func (u upgrade) step() Finding {
	switch {
	case u.from == "":
		return skipped("the server's release is not known")
	case major(u.to) > major(u.from)+1:
		return Finding{
			Status: Fail, Observed: "from " + bare(u.from) + " to " + bare(u.to), Expected: fmt.Sprintf("%d first", major(u.from)+1),
			Fix: fmt.Sprintf("tbotctl doctor --for-server %d.0.0", major(u.from)+1),
		}
	case semver.Compare(u.to, u.from) < 0:
		return Finding{Status: Warn, Observed: "from " + bare(u.from) + " back to " + bare(u.to) + ", which Teleport supports only from a backup", Expected: "a release that is newer"}
	}
	return passed("from " + bare(u.from) + " to " + bare(u.to))
}

// image: a server of major version N takes clients of N and N-1 (teleport-facts 4.6, field-notes P33).
func (u upgrade) image() Finding {
	if u.tbot == "" {
		return Finding{Status: Unknown, Observed: "the image names no release, so nothing tells how old its tbot is"}
	}
	repository, _ := splitImage(u.container().Image)
	fix := u.kubectl("set", "image", "deployment/"+u.Deployment.Name, u.container().Name+"="+repository+":")
	switch {
	case major(u.tbot) < major(u.to)-1:
		between := major(u.to) - 1
		return Finding{
			Status: Fail, Observed: "tbot " + bare(u.tbot) + ", which Teleport " + bare(u.to) + " turns away", Expected: fmt.Sprintf("tbot %d or %d, ahead of the upgrade", between, between+1),
			Fix: fix + fmt.Sprintf("%d.X.Y, with the release of %d that the cluster runs before", between, between),
		}
	case major(u.tbot) > major(u.to):
		return Finding{Status: Fail, Observed: "tbot " + bare(u.tbot) + ", which is newer than Teleport " + bare(u.to), Expected: "a tbot that is not newer than the server", Fix: fix + bare(u.to)}
	case major(u.tbot) < major(u.to):
		return passed(fmt.Sprintf("tbot %s, which Teleport %d takes and %d does not", bare(u.tbot), major(u.to), major(u.to)+1))
	}
	return passed("tbot " + bare(u.tbot))
}

// gone judges what tbot itself loses with a major version: it fails where such a tbot runs or has to, and warns where it comes next.
func (u upgrade) gone(since int, observed, expected, fix string) Finding {
	finding := Finding{Status: Fail, Observed: observed, Expected: expected, Fix: fix}
	switch {
	case u.tbot != "" && major(u.tbot) >= since:
	case major(u.to) > since:
	case major(u.to) == since:
		finding.Status = Warn
		finding.Observed += fmt.Sprintf("; a tbot of %d still takes it, one of %d does not", since-1, since)
	default:
		return passed(observed + fmt.Sprintf(", which tbot takes until %d", since))
	}
	return finding
}

// removed is the major version of tbot that takes neither auth_server for a proxy nor roles on an output (teleport-facts 6.1, 9).
const removed = 19

func (u upgrade) unread() *Finding {
	if u.Problem == nil && u.ConfigErr == nil {
		return nil
	}
	return &Finding{Status: Unknown, Observed: "tbot.yaml cannot be read: see " + string(ConfigReads)}
}

// authPort is where an Auth Service listens; auth_server with another port is a proxy's address.
const authPort = ":3025"

func (u upgrade) proxy() Finding {
	if f := u.unread(); f != nil {
		return *f
	}
	address := u.Config.AuthServer
	switch {
	case address == "":
		return passed("proxy_server " + spec.Quote(u.Config.ProxyServer))
	case strings.HasSuffix(address, authPort):
		return passed("auth_server " + spec.Quote(address) + ", an Auth Service's own address")
	}
	return u.gone(removed, "auth_server "+spec.Quote(address)+" is a proxy's address", "proxy_server "+spec.Quote(address), u.rewrite("auth_server:", "proxy_server:"))
}

func (u upgrade) roles() Finding {
	if f := u.unread(); f != nil {
		return *f
	}
	for _, output := range u.Config.Outputs {
		if roles := output.Shared().Roles; len(roles) > 0 {
			return u.gone(removed, describe(output)+" names the roles "+quoted(roles), "no roles on an output: they are the bot's", u.rewrite("", ""))
		}
	}
	return passed("none does")
}

// service: tbot joins by the service of before until 18.5, and Teleport 20 is to have it no longer (teleport-facts 2.2).
func (u upgrade) service() Finding {
	const modern, last = "v18.5.0", 19
	switch {
	case major(u.to) <= last:
		return passed("Teleport " + bare(u.to) + " has both")
	case u.tbot == "":
		return Finding{Status: Unknown, Observed: "the image names no release, so nothing tells by which service its tbot joins"}
	case semver.Compare(u.tbot, modern) < 0:
		return Finding{Status: Fail, Observed: "tbot " + bare(u.tbot) + " joins by the legacy service, which Teleport 20 is to remove", Expected: "tbot " + bare(modern) + " or newer"}
	}
	return passed("tbot " + bare(u.tbot) + " joins by the new one")
}

// has tells whether a release has what came first with those of first, one on each branch that got it; a newer major version has it
// from its start.
func has(release string, first ...string) bool {
	for _, limit := range first {
		if semver.Major(release) == semver.Major(limit) {
			return semver.Compare(release, limit) >= 0
		}
	}
	return semver.Compare(release, first[len(first)-1]) > 0
}

// tokenType: oidc came with 17.7.0 and 18.1.5, static_jwks with 14 (teleport-facts 9, field-notes 0).
func (u upgrade) tokenType() Finding {
	known, needs := true, ""
	switch u.join {
	case "", spec.JoinAuto:
		return skipped("the type of the join token is not known")
	case spec.JoinOIDC:
		supported, err := issuer.SupportsOIDC(bare(u.to))
		if err != nil {
			return unknown(err)
		}
		known, needs = supported, "17.7.0, 18.1.5, 19 or newer"
	case spec.JoinStaticJWKS:
		known, needs = has(u.to, "v14.0.0"), "14 or newer"
	case spec.JoinInCluster:
	}
	if !known {
		return Finding{Status: Fail, Observed: string(u.join) + ", which Teleport " + bare(u.to) + " does not know", Expected: needs}
	}
	return passed(string(u.join))
}

// outputs: tbotconfig knows when tbot learned each type, and when it lost it; a tbot of the release has to take them.
func (u upgrade) outputs() Finding {
	if f := u.unread(); f != nil {
		return *f
	}
	for _, output := range u.Config.Outputs {
		if known, releases := tbotconfig.KnownTo(output.Shared().Type, bare(u.to)); !known {
			return Finding{Status: Fail, Observed: describe(output) + ", which a tbot of " + bare(u.to) + " does not know", Expected: releases}
		}
	}
	return passed(fmt.Sprintf("%d of %d", len(u.Config.Outputs), len(u.Config.Outputs)))
}

// audience: in_cluster takes the cluster's name since 16.4.9 and 17.0.3, and in a late patch of 15.4 (field-notes 0, P02).
func (u upgrade) audience() Finding {
	switch {
	case u.join == "" || u.join == spec.JoinAuto:
		return skipped("the type of the join token is not known")
	case u.join != spec.JoinInCluster:
		return passed(string(u.join) + " asks for the cluster's name in every release")
	}
	token, found := u.joinToken("")
	switch {
	case !found, token.audience == "", strings.HasPrefix(token.audience, "https://"):
		return passed("the API server's own, which in_cluster takes in every release")
	case has(u.to, "v16.4.9", "v17.0.3"):
		return passed(spec.Quote(token.audience))
	case semver.MajorMinor(u.to) == "v15.4":
		return Finding{Status: Unknown, Observed: spec.Quote(token.audience) + ", which only late patches of 15.4 take for in_cluster"}
	}
	return Finding{
		Status: Fail, Observed: spec.Quote(token.audience) + ", which Teleport " + bare(u.to) + " does not take for in_cluster", Expected: "no audience, so that it is the API server's own",
		Fix: u.patch(change{Op: "remove", Path: token.at + "/audience"}),
	}
}
