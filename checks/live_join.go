package checks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// The checks of the join of a setup that lives.
const (
	JoinSaid  ID = "TBC802"
	JoinedNow ID = "TBC803"
)

func liveJoinChecks() []Check {
	return []Check{
		{
			ID: JoinSaid, Category: CategoryJoin, Stage: Diagnosis, Symptom: true, Title: "tbot says that it joined",
			Problems: []string{
				"P01", "P02", "P03", "P05", "P06", "P07", "P08", "P09", "P10", "P11", "P12", "P13", "P16", "P17", "P18", "P19", "P20", "P22", "P30",
				"P31", "P33", "P36", "P37", "P39", "P42",
			},
			Run: lived(func(ctx context.Context, f *Facts, l *Live) Finding {
				logs, lacking := fetched(ctx, l.Logs, "the pods' logs are not looked at")
				if lacking != nil {
					return *lacking
				}
				last, told := listen(logs)
				if told && last.fine || !told {
					return judgeSaid(l.Workload, logs, Known{}, "")
				}
				return judgeSaid(l.Workload, logs, l.known(ctx, f), publicHost(ctx, l))
			}),
		},
		{
			ID: JoinedNow, Category: CategoryJoin, Stage: Diagnosis, Symptom: true, Title: "Teleport lets the service account in now", Timeout: time.Minute,
			Problems: []string{"P01", "P02", "P03", "P06", "P07", "P11", "P17", "P42"},
			Run: lived(func(ctx context.Context, f *Facts, l *Live) Finding {
				if l.Joined == nil {
					return skipped("not tried (--prove joins for real)")
				}
				proof, err := l.Joined(ctx)
				if err == nil {
					return judgeJoined(l.Workload, proof, nil, Known{})
				}
				return judgeJoined(l.Workload, proof, err, l.known(ctx, f))
			}),
		},
	}
}

// publicHost is the host that the proxy names for itself; empty where it is not known.
func publicHost(ctx context.Context, l *Live) string {
	if l.Entry == nil {
		return ""
	}
	entry, err := l.Entry(ctx)
	if err != nil {
		return ""
	}
	return hostOf(entry.PublicAddr)
}

// judgeSaid reads the last word of tbot itself: it needs no right but to read logs, and says why where Teleport's side is closed.
func judgeSaid(w Workload, logs []Log, known Known, public string) Finding {
	if len(logs) == 0 {
		return skipped("no pod has said anything yet")
	}
	last, told := listen(logs)
	switch {
	case !told:
		return skipped("what the pods said last tells neither of a join nor of a failure")
	case last.fine && last.aspect != ofJoining:
		return skipped(fmt.Sprintf("pod %s says that all is well, and nothing of a join: %s", last.pod, last.text))
	case last.fine:
		return passed(fmt.Sprintf("pod %s: %s", last.pod, last.text))
	}
	return tell(explain(w, last, known, public), "pod "+last.pod+" says")
}

// explain finds the cause in tbot's own words: by the rules for refusals, else by those for what goes wrong on its way.
func explain(w Workload, last heard, known Known, public string) Refusal {
	if isRefusal(last.text) || last.aspect == ofJoining && strings.HasSuffix(last.text, "access denied") {
		return forLive(w, JudgeRefusal(last.text, known), known)
	}
	if t, found := troubleOf(last.text); found {
		refusal := t.refusalOf(w, last.text)
		if t.id == "P33" && semver.IsValid("v"+known.ServerVersion) && semver.Prerelease("v"+known.ServerVersion) == "" {
			refusal.Fix = w.ofVersion(known.ServerVersion)
		}
		if t.id == "P39" && public != "" && public != hostOf(w.proxyOr("")) && strings.Contains(last.text, public) {
			refusal.ID, refusal.Cause = "P32", "tbot follows the address that the proxy names for itself, and does not reach it"
			refusal.Observed, refusal.Expected = "the proxy names "+spec.Quote(public), "a name that the pod reaches, as "+spec.Quote(w.proxyOr(""))
			refusal.Fix = w.useProxyAddr()
		}
		return refusal
	}
	return Refusal{
		Cause: "tbot failed for a reason that tbotctl does not know", Observed: "tbot says: " + last.text, Words: last.text,
		Fix: w.kubectl("logs", "deployment/"+w.Deployment.Name, "--container", w.container().Name),
	}
}

// forLive puts a command of this workload in the place of a fix that speaks of init's flags, where tbotctl did not make it or the
// command is known.
func forLive(w Workload, r Refusal, known Known) Refusal {
	if fix := liveFix(w, r.ID, known); fix != "" {
		r.Fix = fix
	}
	return r
}

func liveFix(w Workload, id string, known Known) string {
	token, name := known.Token, w.tokenName()
	ours := w.Manager == spec.ManagedBy
	switch id {
	case "P01":
		if file, found := w.joinToken(known.ClusterName); found && known.ClusterName != "" {
			return w.patch(change{"add", file.at + "/audience", known.ClusterName})
		}
	case "P09":
		if file, found := w.joinToken(known.ClusterName); found {
			return w.patch(change{"add", file.at + "/expirationSeconds", 600})
		}
	case "P03", "P05":
		keys := liveKeys(known.Cluster, known.Public)
		switch {
		case token != nil && kubernetesType(token) == spec.JoinStaticJWKS && asStatic(token, keys) != "":
			return asStatic(token, keys)
		case !ours:
			return "whoever administers Teleport puts the answer of `kubectl get --raw /openid/v1/jwks` into join token " + name + ": tctl edit token/" + spec.ShellWord(name)
		}
	case "P06":
		if !ours {
			return "whoever administers Teleport looks for it with `tctl get token/" + spec.ShellWord(name) + "`; tbot.yaml names it in " + w.where()
		}
	case "P07":
		if token != nil && token.Spec.Kubernetes != nil {
			return admit(token, w.account())
		}
		if !ours {
			return "whoever administers Teleport adds service_account " + w.account() + " to the allow rules: tctl edit token/" + spec.ShellWord(name)
		}
	case "P11", "P12", "P13", "P15", "P16":
		if keys := liveKeys(known.Cluster, known.Public); token != nil && asStatic(token, keys) != "" {
			return asStatic(token, keys)
		}
		if !ours {
			return "whoever administers Teleport gives join token " + name + " the type static_jwks, with the answer of `kubectl get --raw /openid/v1/jwks`: tctl edit token/" + spec.ShellWord(name)
		}
	case "P17", "P18":
		if !ours {
			return "whoever administers Teleport compares the join token with its bot: tctl get token/" + spec.ShellWord(name)
		}
	}
	return ""
}

// where says where tbot.yaml stands.
func (w Workload) where() string {
	if w.ConfigMap == "" {
		return "the Deployment " + w.name()
	}
	return "ConfigMap " + w.Deployment.Namespace + "/" + w.ConfigMap
}

// judgeJoined holds a join that was made now to the bot of the join token.
func judgeJoined(w Workload, proof Proof, err error, known Known) Finding {
	if err == nil {
		return passed(fmt.Sprintf("as %s, by %s, from %s", proof.User, proof.Via, proof.From))
	}
	if errors.Is(err, context.Canceled) {
		return unknown(err)
	}
	text := err.Error()
	words, refused := text, false
	if _, after, found := strings.Cut(text, "Teleport refused "); found {
		refused = true
		if _, message, cut := strings.Cut(after, ": "); cut {
			words = message
		}
	}
	if !refused && !isRefusal(text) {
		// Nobody judged: the token could not be had, or the way to Teleport failed.
		return unknown(err)
	}
	finding := tell(forLive(w, JudgeRefusal(words, known), known), "Teleport says")
	finding.Err = err
	return finding
}
