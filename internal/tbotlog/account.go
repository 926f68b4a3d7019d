package tbotlog

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// Account is what a tbot has said of one run.
type Account struct {
	// Joined says that Teleport let it in.
	Joined bool
	// Bot and Instance are as whom, Roles and NotAfter what the certificate holds; zero where the log does not say. tbot names its
	// instance from 17 on.
	Bot, Instance string
	Roles         []string
	NotAfter      time.Time
	// JoinErr is the last reason why it was not let in, on one line; empty once it was.
	JoinErr string
	// Outputs are the services that it ran, in the order of their first word. Before 17 outputs are not told apart.
	Outputs []Output
	// Err is the last failure that is neither of the join nor of one output.
	Err string
}

// Output is one service of a one-shot run, by the name that tbot gives it: that of tbot.yaml, or such as "identity-output (memory)".
type Output struct {
	Name string
	Done bool
	// Err is why it failed, on one line; empty where it did not.
	Err string
}

// Reader makes an Account of the lines of a log. It is for one goroutine at a time.
type Reader struct {
	account Account
	// open is the message whose continuation lines may still come.
	open *entry
}

// Line takes one line, without its end.
func (r *Reader) Line(line string) {
	e, continues := parse(line)
	if continues && r.open != nil {
		if e.text != "" && len(r.open.text) < maxEntry {
			r.open.text += "\n" + e.text
		}
		return
	}
	r.close()
	if e.text != "" {
		r.open = &e
	}
}

// Account gives what was said so far.
func (r *Reader) Account() Account {
	r.close()
	given := r.account
	given.Outputs = slices.Clone(given.Outputs)
	return given
}

// Read makes an Account of a whole log.
func Read(lines []string) Account {
	var r Reader
	for _, line := range lines {
		r.Line(line)
	}
	return r.Account()
}

func (r *Reader) close() {
	if r.open == nil {
		return
	}
	e := *r.open
	r.open = nil
	switch e.level {
	case "WARN", "ERRO", "FATA":
		r.failed(e)
	default:
		r.told(e)
	}
}

// told takes what went well (teleport-facts 7; of a one-shot run: lib/tbot/bot, OneShot).
func (r *Reader) told(e entry) {
	service := e.service()
	switch {
	case saysOne(e, "Fetched new bot identity", "Renewed bot identity"):
		r.joined()
		r.identity(e)
	case saysOne(e, "Successfully registered via proxy server", "Successfully registered with auth server"):
		r.joined()
	case saysOne(e, "Service finished") && isOutput(service):
		*r.output(service) = Output{Name: service, Done: true}
	case saysOne(e, "Generating output", "Running service in oneshot mode") && isOutput(service):
		r.output(service)
	case saysOne(e, "Generated output"):
		r.output(e.first("output", "service")).Done = true
	}
}

func (r *Reader) joined() { r.account.Joined, r.account.JoinErr, r.account.Err = true, "", "" }

func (r *Reader) failed(e entry) {
	reason, service := e.failure(), e.service()
	if named := byService.FindStringSubmatch(reason); named != nil && service == "" {
		service, reason = named[1], strings.TrimSpace(named[2])
	}
	switch {
	case isOutput(service):
		// When one fails, tbot breaks the others off: that is no failure of theirs.
		if output := r.output(service); !output.Done && (output.Err == "" || !brokenOff(reason)) {
			output.Err = reason
		}
	case saysOne(e, "Failed to render output"):
		r.output(e.first("output", "service")).Err = reason
	case !r.account.Joined && (e.final || e.first("error", "err") != "" || e.level != "WARN"):
		r.account.JoinErr = reason
	case e.final || e.level != "WARN":
		r.account.Err = reason
	}
}

func brokenOff(reason string) bool { return strings.HasSuffix(reason, "context canceled") }

// output finds or begins the account of one service.
func (r *Reader) output(name string) *Output {
	at := slices.IndexFunc(r.account.Outputs, func(o Output) bool { return o.Name == name })
	if at < 0 {
		at = len(r.account.Outputs)
		r.account.Outputs = append(r.account.Outputs, Output{Name: name})
	}
	return &r.account.Outputs[at]
}

func saysOne(e entry, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(e.text, w) })
}

// byService is how the last error names the service that failed: "service(identity-output (memory)): ...".
var byService = regexp.MustCompile(`^service\(((?:[^()]|\([^()]*\))*)\):?\s*(.*)$`)

// component is a service's logger in JSON, "tbot:svc:NAME".
const component = "tbot:svc:"

// service is whom a message is about; empty where it does not say.
func (e entry) service() string {
	if name := e.field("service"); name != "" {
		return name
	}
	if _, name, found := strings.Cut(e.field("component"), component); found {
		return name
	}
	return ""
}

// isOutput leaves out the services that tbot runs for itself (teleport-facts 6.1, reserved names, and lib/tbot).
func isOutput(service string) bool {
	return service != "" && !slices.Contains([]string{
		"identity", "bot-identity", "heartbeat", "ca-rotation", "crl-cache", "spiffe-trust-bundle-cache", "diagnostics", "client",
		"proxy-pinger", "alpn-upgrade-cache",
	}, service)
}

// How tbot describes a certificate: "ci, id=0a.. | valid: after=.., before=.., duration=1h1m0s | kind=tls, .., roles=[bot-ci], ..".
// Before 17 it begins with "valid:".
var (
	described = regexp.MustCompile(`([^\s:="]+), id=([0-9A-Za-z-]+) \| valid:`)
	until     = regexp.MustCompile(`\bbefore=([0-9TZ:+.-]+)`)
	withRoles = regexp.MustCompile(`\broles=\[([^\]]*)\]`)
)

func (r *Reader) identity(e entry) {
	text := e.text
	if e.fields != nil {
		text = e.field("identity")
	}
	if found := described.FindStringSubmatch(text); found != nil {
		r.account.Bot, r.account.Instance = found[1], found[2]
	}
	if found := until.FindStringSubmatch(text); found != nil {
		if at, err := time.Parse(time.RFC3339, found[1]); err == nil {
			r.account.NotAfter = at
		}
	}
	if found := withRoles.FindStringSubmatch(text); found != nil {
		r.account.Roles = strings.Fields(found[1])
		if len(r.account.Roles) == 1 && r.account.Bot == "" {
			// A bot's own certificate has one role, that of its name (teleport-facts 2.8, 6.2).
			r.account.Bot = strings.TrimPrefix(r.account.Roles[0], "bot-")
		}
	}
}
