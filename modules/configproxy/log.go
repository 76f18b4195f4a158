package configproxy

import (
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

func init() {
	caddy.RegisterModule(new(Encoder))
}

// ours are the logs that configurable-http-proxy would have; of all others only
// errors are shown.
var ours = []string{"caddyhub", "http.handlers.hub_proxy", "http.handlers.hub_routes_api", "caddy.logging.encoders.configurable_http_proxy"}

// logging is the part of the configuration about logs: what configurable-http-proxy
// would write goes to standard output, as it would, and trouble inside of Caddy to
// standard error, in lines of the same form.
func (o *options) logging() object {
	level, others := strings.ToUpper(o.logLevel), "ERROR"
	if o.logLevel == "debug" {
		others = "DEBUG"
	}
	encoder := object{"format": "configurable_http_proxy", "colour": terminal()}
	return object{"logs": object{
		"proxy":   object{"writer": object{"output": "stdout"}, "encoder": encoder, "level": level, "include": ours},
		"default": object{"writer": object{"output": "stderr"}, "encoder": encoder, "level": others, "exclude": ours},
	}}
}

// terminal says whether standard output is looked at by a person.
func terminal() bool {
	info, err := os.Stdout.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""
}

// Encoder writes log lines as configurable-http-proxy does: time, label, level and
// message. Further fields follow as JSON.
type Encoder struct {
	zapcore.Encoder `json:"-"`
	// Colour shows levels in colours, for a terminal. Default: it does not.
	Colour bool `json:"colour,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (*Encoder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.logging.encoders.configurable_http_proxy", New: func() caddy.Module { return new(Encoder) }}
}

// Provision sets up the encoder of further fields.
func (e *Encoder) Provision(caddy.Context) error {
	e.Encoder = zapcore.NewJSONEncoder(zapcore.EncoderConfig{
		SkipLineEnding: true, EncodeDuration: zapcore.StringDurationEncoder, EncodeTime: zapcore.RFC3339TimeEncoder,
	})
	return nil
}

// Clone returns a copy that shares no fields.
func (e *Encoder) Clone() zapcore.Encoder {
	return &Encoder{Encoder: e.Encoder.Clone(), Colour: e.Colour}
}

var lines = buffer.NewPool()

// EncodeEntry writes one line.
func (e *Encoder) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	more, err := e.Encoder.EncodeEntry(zapcore.Entry{}, fields)
	if err != nil {
		return nil, err
	}
	defer more.Free()
	line := lines.Get()
	line.AppendString(entry.Time.UTC().Format("2006-01-02T15:04:05.000Z"))
	line.AppendString(" [ConfigProxy] ")
	line.AppendString(e.level(entry.Level))
	line.AppendString(": ")
	line.AppendString(entry.Message)
	if text := more.String(); text != "{}" {
		line.AppendByte(' ')
		line.AppendString(text)
	}
	line.AppendByte('\n')
	return line, nil
}

// colours of levels, as terminals have them.
var colours = map[zapcore.Level]string{
	zapcore.DebugLevel: "\x1b[34m", zapcore.InfoLevel: "\x1b[32m", zapcore.WarnLevel: "\x1b[33m", zapcore.ErrorLevel: "\x1b[31m",
}

func (e *Encoder) level(level zapcore.Level) string {
	if colour := colours[level]; e.Colour && colour != "" {
		return colour + level.String() + "\x1b[39m"
	}
	return level.String()
}

// Interface guards
var (
	_ zapcore.Encoder   = (*Encoder)(nil)
	_ caddy.Provisioner = (*Encoder)(nil)
)
