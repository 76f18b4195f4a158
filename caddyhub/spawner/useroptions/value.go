package useroptions

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxQuoted bounds how much of a refused value an error repeats, in characters.
const maxQuoted = 40

// accept returns a value as it is used, or why it may not be; "" is none.
func (o *Option) accept(text string, groups []string) (string, error) {
	switch o.Kind {
	case Select, Radio:
		return o.acceptChoice(text, groups)
	case Checkbox:
		switch text {
		case "on", "true":
			return "on", nil
		case "", "off", "false":
			return o.demand("")
		}
		return "", fmt.Errorf("must be true or false, not %s", quote(text))
	case Number:
		return o.acceptNumber(text)
	}
	return o.acceptText(text)
}

// demand refuses an empty value of an option that must have one.
func (o *Option) demand(value string) (string, error) {
	if value == "" && o.Required {
		return "", errors.New("must be given")
	}
	return value, nil
}

func (o *Option) acceptChoice(text string, groups []string) (string, error) {
	var known []string
	for _, choice := range o.choicesOf(groups) {
		if choice.Value == text {
			return text, nil
		}
		known = append(known, choice.Value)
	}
	if len(known) == 0 {
		return "", errors.New("there is nothing that you may choose")
	}
	return "", fmt.Errorf("%s is none of the choices: %s", quote(text), strings.Join(known, ", "))
}

func (o *Option) acceptText(text string) (string, error) {
	if text == "" {
		return o.demand("")
	}
	// Browsers send line ends as CR LF.
	text = strings.ReplaceAll(text, "\r\n", "\n")
	control := func(c rune) bool {
		return c < ' ' && (o.Kind == Text || c != '\n' && c != '\t') || c == 0x7f
	}
	switch {
	case !utf8.ValidString(text):
		return "", errors.New("is not text")
	case utf8.RuneCountInString(text) > o.MaxLength:
		return "", fmt.Errorf("has more than %d characters", o.MaxLength)
	case strings.ContainsFunc(text, control):
		return "", errors.New("has control characters in it")
	case o.pattern != nil && !o.pattern.MatchString(text):
		return "", fmt.Errorf("%s does not have the form that is asked for", quote(text))
	}
	return text, nil
}

func (o *Option) acceptNumber(text string) (string, error) {
	if text == "" {
		return o.demand("")
	}
	number, err := parseNumber(text)
	switch {
	case err != nil:
		return "", err
	case o.min != nil && number < *o.min:
		return "", fmt.Errorf("must be at least %s", formatNumber(*o.min))
	case o.max != nil && number > *o.max:
		return "", fmt.Errorf("must be at most %s", formatNumber(*o.max))
	case o.step != nil && !onStep(number, o.min, *o.step):
		if *o.step == 1 {
			return "", errors.New("must be a whole number")
		}
		return "", fmt.Errorf("must be a multiple of %s", formatNumber(*o.step))
	}
	return formatNumber(number), nil
}

// onStep allows for the rounding of decimal fractions.
func onStep(number float64, from *float64, step float64) bool {
	if from != nil {
		number -= *from
	}
	return math.Abs(math.Remainder(number, step)) <= 1e-9*max(step, math.Abs(number))
}

// numberPattern is shorter than any number that a float64 cannot hold.
var numberPattern = regexp.MustCompile(`^-?[0-9]{1,18}(\.[0-9]{1,18})?$`)

func parseNumber(text string) (float64, error) {
	if !numberPattern.MatchString(text) {
		return 0, fmt.Errorf("%s is not a number", quote(text))
	}
	return strconv.ParseFloat(text, 64)
}

// textOf is the text of a value in JSON: a string, a number, true, false, or a
// list with one of these, as forms give it.
func textOf(raw json.RawMessage) (string, error) {
	var value any
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return "", errors.New("is not readable")
	}
	if list, is := value.([]any); is {
		if len(list) != 1 {
			return "", fmt.Errorf("takes one value, not %d", len(list))
		}
		value = list[0]
	}
	switch value := value.(type) {
	case string:
		return value, nil
	case json.Number:
		return value.String(), nil
	case bool:
		return strconv.FormatBool(value), nil
	case nil:
		return "", nil
	}
	return "", errors.New("must be a text, a number, true or false")
}

// quote shows a part of what somebody has sent.
func quote(text string) string {
	if runes := []rune(text[:min(len(text), 4*maxQuoted)]); len(runes) > maxQuoted {
		text = string(runes[:maxQuoted]) + "…"
	}
	return strconv.Quote(text)
}

// decode reads user options: a JSON object, nil for none.
func decode(options json.RawMessage) (map[string]json.RawMessage, error) {
	given := make(map[string]json.RawMessage)
	if len(options) == 0 {
		return given, nil
	}
	if err := json.Unmarshal(options, &given); err != nil || given == nil {
		return nil, &Error{Message: "The options are no JSON object."}
	}
	return given, nil
}

// absent says that an option is not given; null is that too.
func absent(raw json.RawMessage) bool {
	return slices.Contains([]string{"", "null"}, strings.TrimSpace(string(raw)))
}
