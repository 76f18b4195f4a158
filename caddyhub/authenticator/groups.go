package authenticator

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxGroupLength is the length of the name of a group in bytes.
const MaxGroupLength = 255

// cleanGroups sorts the groups that an authenticator told and leaves out what
// cannot be the name of a group. Groups keep their case, as in JupyterHub. Nil
// stays nil, because it means something else than none.
func (l *Login) cleanGroups(ctx context.Context, authenticator string, groups []string) []string {
	if groups == nil {
		return nil
	}
	clean := make([]string, 0, len(groups))
	for _, group := range groups {
		if validGroup(group) {
			clean = append(clean, group)
			continue
		}
		l.log.LogAttrs(ctx, slog.LevelWarn, "group left out, its name is not valid",
			slog.String("authenticator", authenticator), slog.String("group", ForLog(group)))
	}
	slices.Sort(clean)
	return slices.Compact(clean)
}

func validGroup(group string) bool {
	return strings.TrimSpace(group) != "" && len(group) <= MaxGroupLength && utf8.ValidString(group) &&
		!strings.ContainsFunc(group, unicode.IsControl)
}
