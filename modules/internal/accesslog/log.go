// Package accesslog keeps secrets out of what Caddy logs about requests to the
// hub, without a filter that an operator would have to write.
//
// What it guarantees:
//
//   - In the access log and in the log of errors no parameter that carries a
//     credential is readable, in the address, in a Referer, in a redirect, or in
//     an address within one of these; nor are headers that carry one. What is
//     hidden is what JupyterHub hides, and more.
//   - An entry that has nothing to hide is Caddy's own. One that has looks like
//     it: the same logger, level, message and fields, with what is hidden
//     replaced. Fields that log_append adds further out are missing then.
//   - A log that is off stays off, and log_skip, log_name and levels count.
//
// Caddy makes the entry from a copy of the request that no handler can reach.
// So a handler that knows better leaves Caddy's entry out and writes its own.
package accesslog

import (
	"cmp"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Log is the log of Caddy's HTTP servers in one configuration.
type Log struct {
	access, errors *zap.Logger
}

// New makes a Log. The logger is that of the module "http".
func New(http *zap.Logger) *Log {
	base := http.Named("log")
	return &Log{access: base.Named("access"), errors: base.Named("error")}
}

// guarded marks a request that a handler of ours guards already.
const guarded = "caddyhub.accesslog"

// Guard serves a request and sees to it that nothing secret of it is logged.
// Handlers may call it one within the other.
func (l *Log) Guard(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter, *http.Request) error) (err error) {
	if inside, _ := caddyhttp.GetVar(r.Context(), guarded).(bool); inside {
		return serve(w, r)
	}
	caddyhttp.SetVar(r.Context(), guarded, true)
	begun, recorder := time.Now(), recorderOf(w)
	if recorder == nil {
		// The access log is off: only an error is logged, and no panic.
		if err = serve(w, r); err == nil {
			return nil
		}
		return l.entry(r, begun, nil).finish(w, err)
	}
	e := l.entry(r, begun, recorder)
	if r.Body != nil && r.Body != http.NoBody {
		e.body = &counter{ReadCloser: r.Body}
		r.Body = e.body
	}
	// Also when the connection is given up by a panic, which Caddy logs as well.
	defer func() { err = e.finish(w, err) }()
	return serve(w, r)
}

func (l *Log) entry(r *http.Request, begun time.Time, recorder caddyhttp.ResponseRecorder) *entry {
	e := &entry{log: l, r: r, begun: begun, recorder: recorder}
	e.original, _ = r.Context().Value(caddyhttp.OriginalRequestCtxKey).(http.Request)
	if e.original.RequestURI == "" {
		e.original.RequestURI, e.original.Method, e.original.RemoteAddr = r.RequestURI, r.Method, r.RemoteAddr
	}
	return e
}

// entry is what is logged about one request.
type entry struct {
	log      *Log
	r        *http.Request
	original http.Request
	begun    time.Time
	// recorder is that of the server; nil if the access log is off.
	recorder caddyhttp.ResponseRecorder
	body     *counter
}

// finish writes the entry itself if Caddy's would tell too much, and returns the
// error for Caddy to go on with.
func (e *entry) finish(w http.ResponseWriter, err error) error {
	uri := MaskURI(e.original.RequestURI)
	header, changed := maskHeader(e.r.Header)
	answer, told := maskHeader(w.Header())
	secret := uri != e.original.RequestURI || changed
	if !secret && !told {
		return err
	}
	shown := *e.r
	shown.Header, shown.RequestURI = header, uri
	shown.Method, shown.RemoteAddr = e.original.Method, e.original.RemoteAddr
	if err != nil && !secret {
		return err
	}
	status := 0
	if err != nil {
		status, err = e.fail(w, &shown, err)
	}
	if e.recorder != nil {
		e.write(&shown, answer, cmp.Or(e.recorder.Status(), status))
	}
	if err != nil {
		// What Caddy logs of it from here on it logs to no logger.
		caddyhttp.SetVar(e.r.Context(), caddyhttp.AccessLoggerNameVarKey, []any{})
	}
	return err
}

// write logs what came of the request, in Caddy's place.
func (e *entry) write(shown *http.Request, answer http.Header, status int) {
	ctx := e.r.Context()
	if skip, _ := caddyhttp.GetVar(ctx, caddyhttp.LogSkipVar).(bool); skip {
		return
	}
	caddyhttp.SetVar(ctx, caddyhttp.LogSkipVar, true)
	credentials := credentialsOf(ctx)
	level := zapcore.InfoLevel
	if status >= http.StatusInternalServerError {
		level = zapcore.ErrorLevel
	}
	if name, ok := caddyhttp.GetVar(ctx, caddyhttp.LogLevelVar).(string); ok {
		if wanted, err := zapcore.ParseLevel(name); err == nil && wanted >= zapcore.DebugLevel && wanted <= zapcore.ErrorLevel {
			level = wanted
		}
	}
	read := 0
	if e.body != nil {
		read = e.body.read
	}
	user := ""
	if replacer, ok := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		user, _ = replacer.GetString("http.auth.user.id")
	}
	for _, logger := range named(e.log.access, e.r) {
		if checked := logger.Check(level, "handled request"); checked != nil {
			checked.Write(
				request(shown, credentials),
				zap.Int("bytes_read", read),
				zap.String("user_id", user),
				zap.Duration("duration", time.Since(e.begun)),
				zap.Int("size", e.recorder.Size()),
				zap.Int("status", status),
				zap.Object("resp_headers", caddyhttp.LoggableHTTPHeader{Header: answer, ShouldLogCredentials: credentials}),
			)
		}
	}
}

// fail logs an error in Caddy's place. Caddy goes on with it if there are error
// routes; else the answer is what it would be. It returns the status and what is
// left of the error.
func (e *entry) fail(w http.ResponseWriter, shown *http.Request, err error) (status int, left error) {
	status = http.StatusInternalServerError
	level := zapcore.ErrorLevel
	var handler caddyhttp.HandlerError
	message := err
	if errors.As(err, &handler) {
		status = handler.StatusCode
		if handler.Err != nil {
			message = handler.Err
		}
	}
	if status < http.StatusInternalServerError {
		level = zapcore.DebugLevel
	}
	for _, logger := range named(e.log.errors, e.r) {
		if checked := logger.Check(level, message.Error()); checked != nil {
			checked.Write(request(shown, credentialsOf(e.r.Context())), zap.Duration("duration", time.Since(e.begun)), zap.Int("status", status))
		}
	}
	server, _ := e.r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if server != nil && server.Errors != nil && len(server.Errors.Routes) > 0 {
		return status, err // they answer
	}
	if e.recorder == nil || e.recorder.Status() == 0 {
		w.WriteHeader(status)
	}
	return status, nil
}

func request(shown *http.Request, credentials bool) zap.Field {
	return zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: shown, ShouldLogCredentials: credentials})
}

// credentialsOf says whether the operator wants credentials in headers logged.
func credentialsOf(ctx interface{ Value(any) any }) bool {
	server, _ := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	return server != nil && server.Logs != nil && server.Logs.ShouldLogCredentials
}

// recorderOf is the recorder that a server whose access log is on puts around
// the connection: the innermost one.
func recorderOf(w http.ResponseWriter) (found caddyhttp.ResponseRecorder) {
	for w != nil {
		if recorder, is := w.(caddyhttp.ResponseRecorder); is {
			found = recorder
		}
		wrapper, is := w.(interface{ Unwrap() http.ResponseWriter })
		if !is {
			return found
		}
		w = wrapper.Unwrap()
	}
	return found
}

// named are the loggers of a request, by the directive log_name and by its host,
// as caddyhttp.ServerLogConfig has it.
func named(logger *zap.Logger, r *http.Request) []*zap.Logger {
	if chosen, ok := caddyhttp.GetVar(r.Context(), caddyhttp.AccessLoggerNameVarKey).([]any); ok {
		loggers := make([]*zap.Logger, 0, len(chosen))
		for _, name := range chosen {
			text, _ := name.(string)
			loggers = append(loggers, logger.Named(text))
		}
		return loggers
	}
	server, _ := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if server == nil || server.Logs == nil {
		return []*zap.Logger{logger}
	}
	var loggers []*zap.Logger
	for _, name := range namesOf(server.Logs, r.Host) {
		loggers = append(loggers, logger.Named(name))
	}
	return loggers
}

func namesOf(logs *caddyhttp.ServerLogConfig, host string) []string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(host)
	if names, ok := logs.LoggerNames[host]; ok {
		return names
	}
	labels := strings.Split(host, ".")
	for i := range labels {
		if labels[i] == "" {
			continue
		}
		labels[i] = "*"
		if names, ok := logs.LoggerNames[strings.Join(labels, ".")]; ok {
			return names
		}
	}
	return []string{logs.DefaultLoggerName}
}

// counter counts what is read of a body.
type counter struct {
	io.ReadCloser
	read int
}

// Read implements io.Reader.
func (c *counter) Read(into []byte) (int, error) {
	n, err := c.ReadCloser.Read(into)
	c.read += n
	return n, err
}
