package checks

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// aspect is what a line of tbot's log is about.
type aspect int

const (
	ofJoining aspect = iota
	ofOutputs
	ofAnything
)

// heard is the last thing of weight that tbot said.
type heard struct {
	aspect aspect
	fine   bool
	// text is the message with its error, on several lines where tbot broke them; pod is who said it.
	text, pod string
}

// listen reads the logs, those of the newest pod first and of its present container before the previous one, until one tells how it
// went. A join that failed weighs more than an output that did.
func listen(logs []Log) (heard, bool) {
	var pods []string
	for _, log := range logs {
		if !slices.Contains(pods, log.Pod) {
			pods = append(pods, log.Pod)
		}
	}
	for _, pod := range pods {
		for _, previous := range []bool{false, true} {
			for _, log := range logs {
				if log.Pod != pod || log.Previous != previous {
					continue
				}
				if last, found := lastOf(log.Lines); found {
					last.pod = pod
					return last, true
				}
			}
		}
	}
	return heard{}, false
}

// lastOf keeps the last word on joining, on outputs and on what is left; a success ends what failed before it, but for a join: where it
// is refused, outputs go on by the identity of the last one until that ends.
func lastOf(lines []string) (heard, bool) {
	var said [ofAnything + 1]*heard
	for _, one := range entries(lines) {
		word, tells := weigh(one)
		if !tells {
			continue
		}
		said[word.aspect] = &word
		if word.fine && word.aspect != ofAnything {
			said[ofAnything] = nil
		}
		if word.fine && word.aspect == ofOutputs && said[ofJoining] == nil {
			said[ofJoining] = &heard{aspect: ofJoining, fine: true, text: word.text}
		}
	}
	for _, word := range said {
		if word != nil && !word.fine {
			return *word, true
		}
	}
	for _, word := range said {
		if word != nil {
			return *word, true
		}
	}
	return heard{}, false
}

// entry is one message of the log.
type entry struct {
	// level is upper case and short: INFO, WARN, ERRO.
	level, text string
}

var (
	// leveled finds the level in tbot's text format and in that of Go's slog.
	leveled = regexp.MustCompile(`^.{0,60}?\b(?:level=)?(TRAC|DEBU|INFO|WARN|ERRO|FATA)[A-Z]*\b\s*(?:\[[^\]]*\]\s*)?`)
	// quotedError is the error as slog's own text format has it.
	quotedError = regexp.MustCompile(`\berr(?:or)?=("(?:[^"\\]|\\.)*")`)
	colour      = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	frame       = regexp.MustCompile(`^\s*\S+\.go:[0-9]+`)
)

// entries puts broken lines together again and takes both formats, text and JSON (teleport-facts 7).
func entries(lines []string) []entry {
	var all []entry
	for _, line := range lines {
		line = strings.TrimRight(colour.ReplaceAllString(line, ""), " \r\n")
		switch {
		case line == "":
		case strings.HasPrefix(line, "{"):
			all = append(all, fromJSON(line))
		case len(all) > 0 && (line[0] == '\t' || strings.HasPrefix(line, "  ")):
			// Teleport's errors are indented texts of several lines; frames of a stack are not among them.
			if !frame.MatchString(line) {
				all[len(all)-1].text += "\n" + line
			}
		default:
			all = append(all, fromText(line))
		}
	}
	for i := range all {
		all[i].text = withoutBrackets(all[i].text)
	}
	return all
}

func fromJSON(line string) entry {
	var fields map[string]any
	if json.Unmarshal([]byte(line), &fields) != nil {
		return entry{text: line}
	}
	text := func(keys ...string) string {
		for _, key := range keys {
			switch value := fields[key].(type) {
			case string:
				return value
			case map[string]any:
				if message, ok := value["message"].(string); ok {
					return message
				}
			}
		}
		return ""
	}
	e := entry{level: strings.ToUpper(text("level", "severity")), text: text("message", "msg")}
	e.level = e.level[:min(len(e.level), 4)]
	if task := text("task"); task != "" {
		e.text += " task:" + task
	}
	if err := text("error", "err"); err != "" {
		e.text += " error:[" + err + "]"
	}
	return e
}

func fromText(line string) entry {
	e := entry{text: line}
	switch found := leveled.FindStringSubmatch(line); {
	case strings.HasPrefix(line, "ERROR: "):
		// What tbot says last before it ends.
		e.level, e.text = "ERRO", unquoted(strings.TrimPrefix(line, "ERROR: "))
	case found != nil:
		e.level, e.text = found[1], line[len(found[0]):]
	}
	if found := quotedError.FindStringSubmatch(e.text); found != nil {
		if err, bad := strconv.Unquote(found[1]); bad == nil {
			e.text += " error:[" + err + "]"
		}
	}
	return e
}

// withoutBrackets takes the error out of "message error:[...] file:line", for it is the reason and what stands before it is not.
func withoutBrackets(text string) string {
	_, reason, found := strings.Cut(text, "error:[")
	if !found {
		return text
	}
	if end := strings.LastIndex(reason, "]"); end >= 0 {
		reason = reason[:end]
	}
	if reason = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(reason), "ERROR REPORT:")); reason == "" {
		return text
	}
	return unquoted(reason)
}

// unquoted takes quotes off that stand around the whole.
func unquoted(text string) string {
	if len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"' && strings.Count(text, `"`) == 2 {
		return text[1 : len(text)-1]
	}
	return text
}

// The lines that tell of success (teleport-facts 7), of old and new releases alike.
func joinLines() []string {
	return []string{
		"Fetched new bot identity", "Successfully registered via proxy server", "Successfully registered with auth server",
		"Renewed bot identity",
	}
}

func outputLines() []string {
	return []string{"Generated output", "Renewed outputs", "Generated identity"}
}

// taskLine is of any task, also of one that needs no join of today; joinTask is the one that joins.
const (
	taskLine = "Task succeeded"
	joinTask = "bot-identity"
)

// weigh tells what an entry says of how it went; most say nothing.
func weigh(e entry) (heard, bool) {
	bad := e.level == "WARN" || e.level == "ERRO" || e.level == "FATA"
	has := func(parts []string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(e.text, part) })
	}
	text := oneLine(e.text)
	switch {
	case !bad && (has(joinLines()) || has([]string{taskLine}) && has([]string{joinTask})):
		return heard{aspect: ofJoining, fine: true, text: text}, true
	case !bad && has(outputLines()):
		return heard{aspect: ofOutputs, fine: true, text: text}, true
	case !bad && has([]string{taskLine}):
		return heard{aspect: ofAnything, fine: true, text: text}, true
	case !bad && e.level != "":
		return heard{}, false
	case isRefusal(text), bad && strings.HasSuffix(text, "access denied"):
		return heard{aspect: ofJoining, text: text}, true
	}
	if trouble, known := troubleOf(text); known {
		return heard{aspect: trouble.aspect, text: text}, true
	}
	// A warning that nobody knows is no failure; an error is, until something goes well.
	return heard{aspect: ofAnything, text: text}, e.level == "ERRO" || e.level == "FATA"
}

// isRefusal knows Teleport's words for a join that it turned down.
func isRefusal(text string) bool {
	return slices.ContainsFunc(refusalRules(), func(rule refusalRule) bool { return rule.matches(text) })
}
