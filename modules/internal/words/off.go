package words

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// DurationOrOff is a time span as Duration has it, or "off". The zero value is the
// default of whatever it is for, a negative one is off.
type DurationOrOff time.Duration

// off is how "off" is kept.
const off DurationOrOff = -1

// ParseDurationOrOff reads a positive duration with a unit, or "off".
func ParseDurationOrOff(text string) (DurationOrOff, error) {
	if text == "off" {
		return off, nil
	}
	if span, err := time.ParseDuration(text); err == nil && span == 0 {
		return 0, fmt.Errorf("duration %q is zero: write off", text)
	}
	span, err := ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%w; or \"off\"", err)
	}
	return DurationOrOff(span), nil
}

// UnmarshalJSON reads what ParseDurationOrOff does.
func (d *DurationOrOff) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("a duration is a string, such as \"15m\" or \"off\", not %s", data)
	}
	span, err := ParseDurationOrOff(text)
	*d = span
	return err
}

// MarshalJSON writes what UnmarshalJSON reads.
func (d DurationOrOff) MarshalJSON() ([]byte, error) {
	if d < 0 {
		return json.Marshal("off")
	}
	return json.Marshal(time.Duration(d).String())
}

// ToDurationOrOff is a word whose one argument is a duration or "off".
func ToDurationOrOff(field *DurationOrOff) Word {
	return Once(func(d *caddyfile.Dispenser) error {
		word := d.Val()
		text, err := Text(d)
		if err != nil {
			return err
		}
		if *field, err = ParseDurationOrOff(text); err != nil {
			return d.Errf("%s: %w", word, err)
		}
		return nil
	})
}
