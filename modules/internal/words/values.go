package words

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Duration is a time span that is always written with its unit: "90s", "15m",
// "8h", "14d". A bare number is refused, in JSON too: one hub was broken for
// weeks by a 1 that its admin took for a day.
type Duration time.Duration

// ParseDuration reads a positive duration with a unit.
func ParseDuration(text string) (Duration, error) {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, fmt.Errorf("duration %q has no unit: write %ss for seconds, %sm for minutes, %sh for hours or %sd for days",
			text, text, text, text, text)
	}
	span, err := caddy.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration: write a number and a unit, such as 90s, 15m, 8h or 14d", text)
	}
	if span < 0 {
		return 0, fmt.Errorf("duration %q is negative", text)
	}
	if span == 0 {
		return 0, fmt.Errorf("duration %q is zero; leave it out for the default", text)
	}
	return Duration(span), nil
}

// UnmarshalJSON reads a duration as ParseDuration does.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		_, err := ParseDuration(string(data))
		if err == nil {
			err = fmt.Errorf("a duration is a string, such as \"15m\", not %s", data)
		}
		return err
	}
	span, err := ParseDuration(text)
	*d = span
	return err
}

// MarshalJSON writes what UnmarshalJSON reads.
func (d Duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(d).String())
}

// ToDuration is a word whose one argument is a duration.
func ToDuration(field *Duration) Word {
	return Once(func(d *caddyfile.Dispenser) error {
		word := d.Val()
		text, err := Text(d)
		if err != nil {
			return err
		}
		if *field, err = ParseDuration(text); err != nil {
			return d.Errf("%s: %w", word, err)
		}
		return nil
	})
}

// Plain is the value that a Pair has as it was written.
func Plain(text string) string { return text }

// Pair reads two arguments, a name and a value, into a map, where the name may
// stand once. takes says what they are, for errors.
func Pair[T any](d *caddyfile.Dispenser, takes string, into *map[string]T, value func(string) T) error {
	word := d.Val()
	args := d.RemainingArgs()
	if len(args) != 2 {
		return d.Errf("%s takes %s", word, takes)
	}
	if _, given := (*into)[args[0]]; given {
		return d.Errf("%s %q is given twice", word, args[0])
	}
	if *into == nil {
		*into = make(map[string]T)
	}
	(*into)[args[0]] = value(args[1])
	return nil
}

// ToNumber is a word whose one argument is a number that is not negative.
func ToNumber(field *int) Word {
	return Once(func(d *caddyfile.Dispenser) error {
		word := d.Val()
		text, err := Text(d)
		if err != nil {
			return err
		}
		if *field, err = strconv.Atoi(text); err != nil || *field < 0 {
			return d.Errf("%s takes a whole number that is not negative, not %q", word, text)
		}
		return nil
	})
}
