package bundle

import (
	"encoding/base64"
	"regexp"
	"strings"
)

// What is a secret wherever it stands. A line may end within any of them, be it as itself or as \n of an encoded text.
var (
	privateKey = regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----.*?(-----END [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----|\z)`)
	// webToken is a JWT, or any other JSON object in base64: that begins with {" as well.
	webToken = regexp.MustCompile(`e(?:\\[nr]|\s)*y(?:\\[nr]|\s)*J(?:[A-Za-z0-9_\-.+/=]|\\[nr]|[ \t]*\r?\n[ \t]*){13,}`)
	// sshCertificate is one line of a file as ssh-keygen writes it, with or without the type ahead of it.
	sshCertificate = regexp.MustCompile(`[a-z0-9-]+-cert-v01@openssh\.com\s+[A-Za-z0-9+/]+={0,2}`)
	bearer         = regexp.MustCompile(`(?i)\b(bearer|basic|negotiate)(\s+|%20)[A-Za-z0-9._~+/=-]{12,}`)
	header         = regexp.MustCompile(`(?im)\b((?:proxy-)?authorization|(?:set-)?cookie|x-[a-z-]*(?:token|key))(["']?\s*[:=]\s*)(?:\["|["'])?[^"'\r\n]+`)
	comment        = regexp.MustCompile(`(?m)(^|\s)#.*$`)
	userinfo       = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/@"']+:[^\s/@"']*@`)
	password       = regexp.MustCompile(`(?i)([A-Za-z0-9_.-]*(?:password|passwd|passphrase))(["']?\s*[:=]\s*["']?)([^\s"',;&]+)`)
	assigned       = regexp.MustCompile(`(?i)([A-Za-z0-9_.-]*(?:secret|token|api[_-]?key|private[_-]?key|secret[_-]?key|access[_-]?key|credentials?))(["']?\s*[:=]\s*["']?)([A-Za-z0-9._~+/=-]{8,})`)
	encodedRun     = regexp.MustCompile(`[A-Za-z0-9+/_-]{24,}(?:(?:\\[nr]|[ \t]*\r?\n[ \t]*)[A-Za-z0-9+/_-]+)*={0,2}`)
	lineEnd        = regexp.MustCompile(`\\[nr]|\s+`)
)

// layers is how often something may be encoded in base64 and still be looked into.
const layers = 3

// text cuts out of a text what is known and what is a secret by its shape or by the name ahead of it.
func (r *redactor) text(text string) string { return r.shapes(r.names(text), layers) }

// judged is text whose fields have been judged: only its comments still hold names that tell.
func (r *redactor) judged(text string) string {
	return r.shapes(comment.ReplaceAllStringFunc(text, r.names), layers)
}

// names cuts out what a name ahead of it calls a secret.
func (r *redactor) names(text string) string {
	text = header.ReplaceAllString(text, "$1$2"+mark)
	text = password.ReplaceAllString(text, "$1$2"+mark)
	return assigned.ReplaceAllStringFunc(text, func(whole string) string {
		parts := assigned.FindStringSubmatch(whole)
		if !random(parts[3]) {
			return whole
		}
		return parts[1] + parts[2] + mark
	})
}

// shapes cuts out what is known, and what is a secret wherever it stands; also in base64, up to depth layers of it.
func (r *redactor) shapes(text string, depth int) string {
	for _, secret := range r.known {
		text = strings.ReplaceAll(text, secret, mark)
	}
	text = privateKey.ReplaceAllString(text, mark)
	text = webToken.ReplaceAllStringFunc(text, func(run string) string {
		// The line end behind the run belongs to the text.
		return mark + run[len(strings.TrimRight(run, " \t\r\n")):]
	})
	text = sshCertificate.ReplaceAllString(text, mark)
	text = bearer.ReplaceAllString(text, "$1 "+mark)
	text = userinfo.ReplaceAllString(text, "$1"+mark+"@")
	if depth == 0 {
		return text
	}
	return encodedRun.ReplaceAllStringFunc(text, func(run string) string {
		for _, decoded := range decodings(lineEnd.ReplaceAllString(run, "")) {
			if r.shapes(r.names(decoded), depth-1) != decoded {
				return mark
			}
		}
		return run
	})
}

// random tells a secret from a word: one with digits, or one that is long and of one piece.
func random(value string) bool {
	const long = 16
	if strings.HasPrefix(value, "/") {
		return false
	}
	return strings.ContainsAny(value, "0123456789") || len(value) >= long && !strings.ContainsAny(value, "./-_")
}

// decodings are all that a run of base64 may stand for.
func decodings(run string) []string {
	const quantum = 4
	run = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(run, "="))
	var texts []string
	for start := range min(quantum, len(run)) {
		// What stood ahead of it may have been taken for its beginning.
		part := run[start:]
		if decoded, err := base64.RawStdEncoding.DecodeString(part[:len(part)-len(part)%quantum]); err == nil {
			texts = append(texts, string(decoded))
		}
	}
	return texts
}
