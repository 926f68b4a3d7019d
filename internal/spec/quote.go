package spec

import "strconv"

// Quote shows a value that somebody typed or a server sent: in double quotes, control and invisible characters escaped, cut
// after 100 characters, so that no escape sequence of it reaches a terminal.
func Quote(value string) string {
	const most = 100
	runes := []rune(value)
	if len(runes) > most {
		return strconv.QuoteToGraphic(string(runes[:most])) + "…"
	}
	return strconv.QuoteToGraphic(value)
}
