package spec

import "fmt"

const redacted = "[redacted]"

// Secret is a value that must not reach a terminal, a log or a file by accident: every usual way to print or marshal it
// gives a placeholder. Reveal is the one way to the value, and easy to find in a review. The value stands behind a pointer,
// because fmt calls no methods on unexported fields: a struct that hides a Secret would print it otherwise.
type Secret struct{ value *string }

// NewSecret wraps a value.
func NewSecret(value string) Secret { return Secret{value: &value} }

// Reveal returns the value itself, for the one call that needs it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports whether there is no value.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// String implements fmt.Stringer.
func (Secret) String() string { return redacted }

// GoString implements fmt.GoStringer, so that %#v redacts too.
func (Secret) GoString() string { return redacted }

// Format implements fmt.Formatter, so that no verb (%x, %q) reaches the value.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText implements encoding.TextMarshaler, which covers JSON and YAML values and map keys.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
