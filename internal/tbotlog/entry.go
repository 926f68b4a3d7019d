// Package tbotlog reads what a tbot says in its log: whether it joined and as whom, which outputs it wrote, what failed. It is pure;
// following a log is the business of whoever started the tbot, and so is judging what went wrong.
package tbotlog

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// maxEntry bounds one message with its continuation lines; what is beyond it is left out.
const maxEntry = 16 << 10

// entry is one message of the log, in whichever of tbot's formats it came: text of logrus (16) and of slog (17 on), or JSON
// (--log-format json) (teleport-facts 7).
type entry struct {
	// level is upper case and four letters long: INFO, WARN, ERRO, FATA; empty for a line without one.
	level string
	// text is the message, in a text format with all that follows it.
	text string
	// fields of JSON; nil in a text format.
	fields map[string]any
	// final is what tbot prints last, as it ends with an error.
	final bool
}

var (
	colour = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	// leveled finds the level, after the time or what else stands before it.
	leveled = regexp.MustCompile(`^.{0,60}?\b(?:level=)?(TRAC|DEBU|INFO|WARN|ERRO|FATA)[A-Z]*\b\s*(?:\[[^\]]*\]\s*)?`)
	// frame is a line of a stack trace, which tells nothing of the cause.
	frame = regexp.MustCompile(`^\s*\S+\.go:[0-9]+`)
	// report is what else a tbot with --debug writes around its last error.
	report = regexp.MustCompile(`^(?:ERROR REPORT|Original Error|Fields|Stack Trace):`)
)

// finalPrefix begins the error with which tbot ends, forPeople the same one with --debug.
const (
	finalPrefix = "ERROR: "
	forPeople   = "User Message: "
)

// parse reads one line; continues says that it belongs to the message before it (an error of several lines), and then text alone is
// given.
func parse(line string) (e entry, continues bool) {
	line = strings.TrimRight(colour.ReplaceAllString(line, ""), " \r\n")
	switch {
	case strings.HasPrefix(line, "\t"), strings.HasPrefix(line, "  "):
		if frame.MatchString(line) {
			line = ""
		}
		return entry{text: line}, true
	case strings.HasPrefix(line, "{"):
		return parseJSON(line), false
	case report.MatchString(line):
		return entry{}, true
	case strings.HasPrefix(line, forPeople):
		return entry{level: "ERRO", text: strings.TrimPrefix(line, forPeople), final: true}, false
	case strings.HasPrefix(line, finalPrefix):
		return entry{level: "ERRO", text: strings.TrimPrefix(line, finalPrefix), final: true}, false
	}
	e = entry{text: line}
	if found := leveled.FindStringSubmatch(line); found != nil {
		e.level, e.text = found[1], line[len(found[0]):]
	}
	return e, false
}

func parseJSON(line string) entry {
	var fields map[string]any
	if json.Unmarshal([]byte(line), &fields) != nil {
		return entry{text: line}
	}
	e := entry{fields: fields}
	e.level = strings.ToUpper(e.first("level", "severity"))
	e.level = e.level[:min(len(e.level), 4)]
	e.text = e.first("message", "msg")
	return e
}

func (e entry) first(keys ...string) string {
	for _, key := range keys {
		if value := e.field(key); value != "" {
			return value
		}
	}
	return ""
}

// field gives a field by its name; empty where the message has none.
func (e entry) field(name string) string {
	if e.fields != nil {
		switch value := e.fields[name].(type) {
		case string:
			return value
		case map[string]any: // an error as {"message": ...}
			if message, ok := value["message"].(string); ok {
				return message
			}
		}
		return ""
	}
	for _, form := range []string{" " + name + ":", " " + name + "="} {
		at := strings.Index(" "+e.text, form)
		if at < 0 {
			continue
		}
		return textValue(e.text[at+len(form)-1:])
	}
	return ""
}

// textValue cuts a value off what follows it: quoted, in brackets (errors), else up to the file and line that end the message.
func textValue(rest string) string {
	switch {
	case strings.HasPrefix(rest, `"`):
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			if value, err := strconv.Unquote(quoted); err == nil {
				return value
			}
		}
	case strings.HasPrefix(rest, "["):
		if end := strings.LastIndex(rest, "]"); end > 0 {
			return strings.TrimSpace(rest[1:end])
		}
	}
	if end := following.FindStringIndex(rest); end != nil {
		rest = rest[:end[0]]
	}
	return strings.TrimSpace(rest)
}

// following is what comes after a value: the next field, or where the message came from, such as "tbot/renew.go:9".
var following = regexp.MustCompile(`\s(?:\S+\.go:[0-9]+|[a-z_]+[:=]\S)`)

// failure is why a message tells of a failure, on one line; empty where it names no reason but itself.
func (e entry) failure() string {
	reason := e.first("error", "err")
	if reason == "" {
		reason = e.text
	}
	if _, message, found := strings.Cut(reason, forPeople); found {
		reason = message
	}
	return oneLine(strings.TrimPrefix(strings.TrimSpace(reason), "ERROR REPORT:"))
}

// oneLine joins an error's lines the way Go writes wrapped errors.
func oneLine(text string) string {
	var parts []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			parts = append(parts, line)
		}
	}
	return strings.Trim(strings.ReplaceAll(strings.Join(parts, ": "), "::", ":"), `"`)
}
