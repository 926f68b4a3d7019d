package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// writeJSON writes one indented document.
func writeJSON(w io.Writer, document any) error {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	if _, err := w.Write(escapeInvisible(encoded.Bytes())); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// escapeInvisible writes the control and formatting characters that the encoder leaves as they are (DEL, C1 such as the
// one-byte escape U+009B, bidirectional overrides) as JSON escapes: the same document, also for a terminal.
func escapeInvisible(document []byte) []byte {
	safe := make([]byte, 0, len(document))
	for _, r := range string(document) {
		switch {
		case r <= 0x7e, !unicode.IsControl(r) && !unicode.Is(unicode.Cf, r):
			safe = utf8.AppendRune(safe, r)
		case r <= 0xffff:
			safe = fmt.Appendf(safe, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			safe = fmt.Appendf(safe, `\u%04x\u%04x`, high, low)
		}
	}
	return safe
}
