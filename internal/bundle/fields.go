package bundle

import (
	"slices"
	"strings"
)

// sensitive tells whether a field is a secret by its name and by what stands beside it.
func sensitive(key string, object map[string]any) bool {
	name := plain(key)
	switch {
	case name == "value" || name == "default":
		// An environment variable: name and value side by side.
		variable, _ := field(object, "name").(string)
		return smells(variable)
	case isKey(object) && privateMember(key):
		return true
	case name == "token":
		// The join token of a method that proves itself otherwise is a name; that of the method token is a secret.
		return !delegated(object)
	}
	for _, word := range []string{
		"password", "passwd", "passphrase", "secret", "token", "apikey", "privatekey", "secretkey", "accesskey", "clientkeydata", "keydata", "clientcertificatedata",
		"credential", "credentials", "authorization", "cookie", "idtoken",
	} {
		if strings.HasSuffix(name, word) {
			return true
		}
	}
	return false
}

// wholly tells what holds nothing but secrets: the data of a Secret.
func wholly(key string, object map[string]any) bool {
	kind, _ := object["kind"].(string)
	return kind == "Secret" && (key == "data" || key == "stringData")
}

// plain is a name in small letters and digits alone: client-key-data and clientKeyData are one.
func plain(name string) string {
	return strings.Map(func(c rune) rune {
		if letter(c) || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, strings.ToLower(name))
}

// field finds a field by its plain name, for an object of Go and one of Kubernetes write it differently.
func field(object map[string]any, name string) any {
	for key, value := range object {
		if plain(key) == name {
			return value
		}
	}
	return nil
}

// delegated tells that a join method stands beside the token under which its name is no secret (teleport-facts 3.6).
func delegated(object map[string]any) bool {
	for _, name := range []string{"joinmethod", "method"} {
		if method, _ := field(object, name).(string); method != "" && method != "token" {
			return true
		}
	}
	return false
}

// secretToken is the name of a join token of Teleport's method token, which whoever knows it may join by; empty for any other object.
func secretToken(object map[string]any) string {
	kind, _ := field(object, "kind").(string)
	spec, _ := field(object, "spec").(map[string]any)
	metadata, _ := field(object, "metadata").(map[string]any)
	if kind != "token" || spec == nil || metadata == nil || delegated(spec) {
		return ""
	}
	name, _ := field(metadata, "name").(string)
	return name
}

// isKey tells a JSON Web Key (RFC 7517, 4.1).
func isKey(object map[string]any) bool {
	kind, _ := object["kty"].(string)
	return kind != ""
}

// privateMember are those of RFC 7518, 6.2.2, 6.3.2 and 6.4.1.
func privateMember(name string) bool {
	return slices.Contains([]string{"d", "p", "q", "dp", "dq", "qi", "k", "oth"}, name)
}

// smells tells the name of a variable or a flag whose value is probably a secret. A path, a file or a name is none.
func smells(name string) bool {
	words := strings.FieldsFunc(strings.ToLower(name), func(c rune) bool { return c == '_' || c == '-' || c == '.' })
	if len(words) == 0 {
		return false
	}
	if slices.Contains([]string{"path", "file", "dir", "name", "namespace", "method", "ttl", "type", "enabled"}, words[len(words)-1]) {
		return false
	}
	for _, word := range words {
		if slices.Contains([]string{"key", "pass", "pwd", "auth", "pat", "dsn", "salt", "cookie", "jwt"}, word) {
			return true
		}
		for _, part := range []string{"passw", "secret", "token", "credential", "apikey", "privatekey", "accesskey"} {
			if strings.Contains(word, part) {
				return true
			}
		}
	}
	return false
}
