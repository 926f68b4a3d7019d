package tbotconfig

import (
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Lint judges a tbot.yaml without asking anybody. The problems are all that Decode says, lifetimes of outputs that today's tbots refuse,
// what tbot takes and nobody wants (the warnings), and, where version is X.Y.Z of a tbot, what that one does not know yet or no longer, which names the release. Where only
// the month of a release is known, a tbot that is close to it gets a warning. The Config is what can be read, as with Inspect.
func Lint(data []byte, version string) (Config, []Problem) {
	read, err := decode(data)
	if err != nil {
		return Config{}, []Problem{unreadable(err)}
	}
	l := linter{file: read}
	l.warnings()
	l.lifetimes()
	switch release := canonical(version); {
	case version == "":
	case release == "":
		l.add("", Problem{Text: "the release " + spec.Quote(version) + " cannot be read; give X.Y.Z"})
	default:
		l.gates(release)
		l.values(release)
	}
	return read.config, inOrder(slices.Concat(read.problems, l.found))
}

var leadingLine = regexp.MustCompile(`^(?:tbot\.yaml cannot be read: )?line (\d+): `)

// unreadable turns an error of decode into a Problem with its line.
func unreadable(err error) Problem {
	problem := Problem{Text: err.Error()}
	if at := leadingLine.FindStringSubmatch(problem.Text); at != nil {
		if _, err := fmt.Sscan(at[1], &problem.Line); err == nil {
			problem.Text = "tbot.yaml cannot be read: " + problem.Text[len(at[0]):]
		}
	}
	return problem
}

// linter judges a file that was read.
type linter struct {
	*file
	found []Problem
}

// add puts a problem at a path and at the line of it.
func (l *linter) add(path string, p Problem) {
	p.Path, p.Line = path, l.line(path)
	l.found = append(l.found, p)
}

func (l *linter) warn(path, format string, args ...any) {
	l.add(path, Problem{Text: fmt.Sprintf(format, args...), Warning: true})
}

// longest is what Teleport gave at most until 2025, when it became a week (teleport-facts 2.9, pull request 53893).
const longest = 24 * time.Hour

func (l *linter) warnings() {
	c := l.config
	if line, given := l.lines["certificate_ttl"]; given {
		l.found = append(l.found, Problem{Line: line, Path: "certificate_ttl", Text: "it is deprecated; credential_ttl has been its name since 17.2.8", Warning: true})
	}
	interval := c.RenewalInterval
	if interval == 0 {
		interval = DefaultRenewalInterval
	}
	switch ttl := c.Lifetime(nil); {
	case ttl < 0 || interval < 0: // refused
	case ttl < interval && !c.Oneshot:
		l.warn(l.nearest("credential_ttl", "renewal_interval"), "certificates last %s, which is shorter than the renewal interval, %s", ttl, interval)
	case ttl > longest:
		l.warn("credential_ttl", "%s is more than most releases of Teleport give, which is %s", ttl, longest)
	}
	if behindProxy(c.AuthServer) {
		l.warn("auth_server", "%s looks like the address of a proxy, which belongs into proxy_server; tbot 19 refuses it here", spec.Quote(c.AuthServer))
	}
	for i, output := range c.Outputs {
		switch common := output.Shared(); {
		case common.Type == TypeSPIFFESVID || common.Type == TypeSPIFFEWorkloadAPI:
			l.warn(l.paths[i], "%s is deprecated; tbot 19 has only the workload-identity types", common.Type)
		case c.Oneshot && kinds()[common.Type].stays:
			l.warn(l.paths[i], "type %s does not run with oneshot", common.Type)
		}
		if len(output.Shared().Roles) > 0 {
			l.warn(below(l.paths[i], "roles"), "tbot 19 no longer takes roles on an output")
		}
	}
	l.shared()
}

// lifetimes holds those of single outputs to tbot's own check (Teleport, lib/tbot/bot/credential_lifetime.go of 2025): what it only
// warns of at the top of the file it refuses here. Older releases do not check, and so Decode does not either.
func (l *linter) lifetimes() {
	for i, output := range l.config.Outputs {
		path, own := l.paths[i], Lifetime{output.Shared().CredentialTTL, output.Shared().RenewalInterval}
		if proxy, ok := output.(*ApplicationProxy); ok {
			path, own = below(path, "credential_lifetime"), proxy.CredentialLifetime
		}
		ttl, interval := own.CredentialTTL, own.RenewalInterval
		switch {
		case ttl < 0 || interval < 0: // refused by Decode
		case (ttl == 0) != (interval == 0):
			l.add(path, Problem{Text: "credential_ttl and renewal_interval go together; give both or neither"})
		case ttl < interval && !l.config.Oneshot:
			l.add(path, Problem{Text: fmt.Sprintf("credential_ttl %s is shorter than renewal_interval %s", ttl, interval)})
		}
	}
}

// nearest is the first of the keys that the file gives.
func (l *linter) nearest(keys ...string) string {
	for _, key := range keys {
		if _, given := l.lines[key]; given {
			return key
		}
	}
	return keys[0]
}

// shared warns of places that two write to, as tbot does (teleport-facts 6.1).
func (l *linter) shared() {
	first := map[string]string{}
	check := func(d Destination, path string) {
		var place string
		switch d.Type {
		case DestinationDirectory:
			place = "directory " + spec.Quote(d.Path)
		case DestinationSecret:
			place = "Secret " + spec.Quote(d.Namespace+"/"+d.Name)
			if d.Namespace == "" {
				place = "Secret " + spec.Quote(d.Name)
			}
		default:
			return
		}
		if earlier, taken := first[place]; taken {
			l.warn(path, "%s is that of %s too; they overwrite each other", place, earlier)
			return
		}
		first[place] = path
	}
	storage := l.config.Storage
	if storage.isZero() {
		storage = Directory(DefaultStoragePath)
	}
	check(storage, "storage")
	for i, output := range l.config.Outputs {
		if d, held := DestinationOf(output); held {
			check(d, below(l.paths[i], "destination"))
		}
	}
}

var (
	listNumber = regexp.MustCompile(`\[\d+\]`)
	// entry is the path of an output.
	entry = regexp.MustCompile(`^(?:outputs|services)\[\d+\]`)
)

// gates holds every key that the file gives, and every type, against what is known of the release.
func (l *linter) gates(release string) {
	table := map[[2]string]gate{}
	for _, g := range gates() {
		table[[2]string{g.kind, g.key}] = g
	}
	judge := func(path, subject, key string, kinds ...string) {
		for _, kind := range kinds {
			if g, known := table[[2]string{kind, key}]; known {
				l.gate(g, release, path, subject)
			}
		}
	}
	kindAt := map[string]string{}
	for i, output := range l.config.Outputs {
		path, kind := l.paths[i], output.Shared().Type
		kindAt[path] = kind
		judge(path, "type "+shown(kind), "", kind)
		if strings.HasPrefix(path, "services[") {
			judge(path, "type "+shown(kind)+" under services", underServices, kind)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(l.lines)) {
		output := entry.FindString(path)
		key := listNumber.ReplaceAllString(strings.TrimPrefix(path[len(output):], "."), "")
		stored, inStorage := strings.CutPrefix(key, "storage.")
		switch {
		case output != "":
			judge(path, key, key, anyKind, kindAt[output])
		case inStorage:
			judge(path, key, "destination."+stored, anyKind)
		default:
			judge(path, key, key, topLevel)
		}
	}
}

func (l *linter) gate(g gate, release, path, subject string) {
	instead := ""
	if g.instead != "" {
		instead = "; use " + g.instead
	}
	switch tbot := "tbot " + bare(release); g.of(release) {
	case has:
	case perhaps:
		l.warn(path, "%s came with a tbot of %s, and %s may not know it%s", subject, g.first(), tbot, instead)
	case notYet:
		l.add(path, Problem{Text: fmt.Sprintf("%s does not know %s, which takes %s%s", tbot, subject, g.first(), instead)})
	case noLonger:
		l.add(path, Problem{Text: fmt.Sprintf("%s no longer knows %s, which went with %s%s", tbot, subject, bare(g.gone), instead)})
	}
}

// values judges what is known everywhere and means something else from release to release.
func (l *linter) values(release string) {
	if behindProxy(l.config.AuthServer) && semver.Compare(release, first19) >= 0 {
		l.add("auth_server", Problem{Text: fmt.Sprintf("tbot %s no longer takes the address of a proxy, which went with 19.0.0; use proxy_server", bare(release))})
	}
	const itself = "v16.0.4" // teleport-facts 6.3
	for i, output := range l.config.Outputs {
		if k, ok := output.(*Kubernetes); ok && !k.DisableExecPlugin && k.Destination.Type == DestinationSecret && semver.Compare(release, itself) < 0 {
			l.add(below(l.paths[i], "destination"), Problem{Text: fmt.Sprintf("tbot %s writes a kubeconfig that calls tbot into a directory alone; give disable_exec_plugin: true, or use 16.0.4 and newer", bare(release))})
		}
	}
}

// authPort is where an Auth Service listens; auth_server with another port is a proxy's address (teleport-facts 2.2).
const authPort = "3025"

func behindProxy(authServer string) bool {
	_, port, err := net.SplitHostPort(authServer)
	return err == nil && port != authPort
}
