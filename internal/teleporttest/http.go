package teleporttest

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/constants"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
)

// maxJoinBody bounds the body of a join over HTTP.
const maxJoinBody = 1 << 20

// newWebServer serves the proxy's HTTP endpoints, each with and without /v1 (teleport-facts 1.1).
func (c *Cluster) newWebServer() *http.Server {
	mux := http.NewServeMux()
	for _, prefix := range []string{"", "/v1"} {
		mux.HandleFunc("GET "+prefix+"/webapi/find", c.serveFind)
		mux.HandleFunc("GET "+prefix+"/webapi/ping", c.servePing)
		mux.HandleFunc("GET "+prefix+"/webapi/ping/{connector}", c.servePing)
		mux.HandleFunc("POST "+prefix+"/webapi/host/credentials", c.serveJoin)
		if !c.opts.NoConnectionUpgrade {
			mux.HandleFunc("GET "+prefix+constants.WebAPIConnUpgrade, c.serveUpgrade)
		}
	}
	mux.HandleFunc("/", serveNotFound)
	return &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", c.opts.Now().UTC().Format(http.TimeFormat)) // the cluster's clock, not this machine's
			if err := c.note(r.Context(), Request{Protocol: "http", Method: r.Method + " " + r.URL.Path}); err != nil {
				writeError(w, err)
				return
			}
			mux.ServeHTTP(w, r)
		}),
	}
}

// serveJoin is the join over HTTP. The server knows the client's address better than the client does.
func (c *Cluster) serveJoin(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxJoinBody))
	if err != nil {
		writeError(w, trace.BadParameter("reading the request: %v", err))
		return
	}
	var req types.RegisterUsingTokenRequest
	if err := json.Unmarshal(body, &req); err != nil {
		writeError(w, trace.BadParameter("request: %v", err))
		return
	}
	// Only a proxy or a live identity may say which instance a bot is.
	req.BotInstanceID, req.BotGeneration, req.PreviousBotInstanceID = "", 0, ""
	certs, err := c.join(r.Context(), joinRequest{RegisterUsingTokenRequest: &req, remoteIP: ipOf(r.RemoteAddr)})
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, certs)
}

// serveNotFound answers as the web UI's catch-all does: with a page, not with JSON.
func serveNotFound(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusNotFound)
	if !strings.HasPrefix(r.URL.Path, "/webapi/connectionupgrade") {
		// A client that hung up has no use for the page.
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><head><title>404</title></head><body>Not found</body></html>\n")
	}
}

// writeError answers with trace's status for the error's kind and its message (teleport-facts 2.4).
func writeError(w http.ResponseWriter, err error) {
	type message struct {
		Message string `json:"message"`
	}
	writeJSON(w, trace.ErrorToCode(err), struct {
		Error message `json:"error"`
	}{message{trace.UserMessage(err)}})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	encoded, err := json.MarshalIndent(body, "", "    ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that hung up has no use for the answer.
	_, _ = w.Write(encoded)
}

func ipOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
}
