package checks

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// The checks of the Teleport cluster and the login to it.
const (
	TeleportAnswers ID = "TBC301"
	TeleportName    ID = "TBC302"
	TeleportVersion ID = "TBC303"
	TeleportLogin   ID = "TBC304"
	TeleportRoles   ID = "TBC305"
)

func teleportChecks() []Check {
	return []Check{
		{
			ID: TeleportAnswers, Category: CategoryTeleport, Stage: Before, Title: "the proxy answers as a Teleport Proxy Service",
			Run: func(ctx context.Context, f *Facts) Finding {
				proxy, err := f.Proxy(ctx)
				if err != nil {
					return failed(err, "see that https://"+f.Setup.Teleport.Proxy+"/webapi/find answers from here; a private authority is given with --proxy-ca")
				}
				return passed(fmt.Sprintf("%s, Teleport %s", proxy.ClusterName, proxy.Version))
			},
		},
		{
			ID: TeleportName, Category: CategoryTeleport, Stage: Before, Needs: []ID{TeleportAnswers}, Title: "the audience is the cluster's name",
			Run: func(ctx context.Context, f *Facts) Finding {
				proxy, err := f.Proxy(ctx)
				if err != nil {
					return unknown(err)
				}
				return judgeClusterName(f.Setup.Teleport.ClusterName, proxy.ClusterName)
			},
		},
		{
			ID: TeleportVersion, Category: CategoryTeleport, Stage: Before, Needs: []ID{TeleportAnswers}, Title: "the version of tbot suits the server",
			Run: func(ctx context.Context, f *Facts) Finding {
				proxy, err := f.Proxy(ctx)
				if err != nil {
					return unknown(err)
				}
				return judgeTbotVersion(f.Setup.Workload, proxy)
			},
		},
		{
			ID: TeleportLogin, Category: CategoryTeleport, Stage: Before, Needs: []ID{TeleportAnswers}, Title: "a Teleport login is at hand",
			Run: LoginAtHand,
		},
		{
			ID: TeleportRoles, Category: CategoryTeleport, Stage: Before, For: forTbot, Needs: []ID{TeleportLogin}, Title: "the bot's roles exist", ProvedBy: JoinProven,
			Run: func(ctx context.Context, f *Facts) Finding {
				switch {
				case len(f.Setup.Teleport.Roles) > 0:
				case f.Setup.MakesRole():
					return Finding{Status: Skip, Observed: "this run makes the only role of the bot"}
				default:
					return Finding{Status: Skip, Observed: "the bot has no roles"}
				}
				missing, err := f.MissingRoles(ctx)
				if err != nil {
					return unknown(err)
				}
				return judgeRoles(f.Setup.Teleport.Roles, missing)
			},
		},
	}
}

// judgeClusterName compares the audience that was asked for with the name that Teleport compares it with (field-notes P01).
func judgeClusterName(asked, actual string) Finding {
	if asked == "" || asked == actual {
		return passed(actual)
	}
	return Finding{
		Status: Fail, Observed: "--cluster-name " + spec.Quote(asked), Expected: spec.Quote(actual) + ", as the proxy says",
		Fix: "leave --cluster-name out; it is the cluster's name, not the proxy's address",
	}
}

// judgeTbotVersion follows Teleport's skew rule: a client may be one major version behind the server, and not ahead of it
// (teleport-facts 4.6, field-notes P33).
func judgeTbotVersion(w spec.Workload, proxy Proxy) Finding {
	if w.PinsImage() {
		return Finding{Status: Skip, Observed: "the image reference names its own tag"}
	}
	version, err := spec.VersionToRun(w.TbotVersion, proxy.AgentVersion, proxy.Version)
	if err != nil {
		return Finding{Status: Fail, Observed: err.Error(), Fix: "give --tbot-version X.Y.Z of a release"}
	}
	program := "tbot"
	if w.Kind == spec.WorkloadAgent {
		program = "chart " + spec.AgentChart
	}
	tbot, server, least := "v"+strings.TrimPrefix(version, "v"), "v"+proxy.Version, "v"+proxy.MinClientVersion
	switch {
	case !semver.IsValid(server):
		return Finding{Status: Unknown, Observed: "the server's version " + spec.Quote(proxy.Version) + " cannot be read"}
	case semver.Compare(semver.Major(tbot), semver.Major(server)) > 0:
		return Finding{
			Status: Fail, Observed: program + " " + version, Expected: "at most the server's " + proxy.Version,
			Fix: "give a --tbot-version of the server's major version",
		}
	case semver.IsValid(least) && semver.Compare(tbot, least) < 0:
		return Finding{
			Status: Fail, Observed: program + " " + version, Expected: "at least " + proxy.MinClientVersion + ", the server's minimum",
			Fix: "give a newer --tbot-version, or leave it out",
		}
	}
	return passed(fmt.Sprintf("%s %s for Teleport %s", program, version, proxy.Version))
}

// judgeLogin warns of a login that may end in the middle of the work.
func judgeLogin(login Login, now time.Time) Finding {
	who := login.User
	if who == "" {
		who = "logged in"
	}
	if login.Expires.IsZero() {
		return passed(who)
	}
	left := login.Expires.Sub(now)
	observed := who + ", for less than a minute"
	if left >= time.Minute {
		observed = fmt.Sprintf("%s, for %s", who, strings.TrimSuffix(left.Truncate(time.Minute).String(), "0s"))
	}
	if left < 5*time.Minute {
		return Finding{Status: Warn, Observed: observed, Fix: "log in again before a longer run"}
	}
	return passed(observed)
}

// judgeRoles finds roles that Teleport lets a bot carry although they do not exist (teleport-facts 5.2).
func judgeRoles(wanted, missing []string) Finding {
	if len(missing) == 0 {
		return passed(strings.Join(wanted, ", "))
	}
	return Finding{
		Status: Fail, Observed: "no role " + strings.Join(missing, ", "), Expected: strings.Join(wanted, ", "),
		Fix: "make the role, or name another with --roles; `tctl get roles` lists them",
	}
}
